#include "daemon/api/refusal.h"
#include "daemon/api/routes.h"
#include "daemon/api/target.h"

namespace gitopsd::api {
namespace {

void read_until(const Context& context, const std::string& text, Follow& follow) {
  const auto colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  if (colon == std::string::npos || (kind != "event" && kind != "sync")) {
    throw bad_request("until is '" + text.substr(0, 40) + "'", "it must be event:ID or sync:ID");
  }
  const auto id = parse_number(std::string_view(text).substr(colon + 1), "the id in until", 1, INT64_MAX);
  const bool exists = kind == "event" ? context.store().event(EventId{id}).has_value()
                                      : context.store().sync(SyncId{id}).has_value();
  if (!exists) throw not_found("there is no " + kind + " " + std::to_string(id));
  if (kind == "event") follow.until_event = EventId{id};
  if (kind == "sync") follow.until_sync = SyncId{id};
}

}  // namespace

Reply progress(const Context& context, const Request& request) {
  Follow follow;
  for (const auto& [key, value] : request.query) {
    if (key == "application") follow.application = context.names().find(value).uid;
    if (key == "repository") follow.repository = find_repository(*context.config(), value);
    if (key == "event") follow.event = EventId{parse_number(value, "event", 1, INT64_MAX)};
    if (key == "sync") follow.sync = SyncId{parse_number(value, "sync", 1, INT64_MAX)};
    if (key == "until") read_until(context, value, follow);
  }
  if (!follow.event && !follow.sync) {
    follow.event = follow.until_event;
    follow.sync = follow.until_sync;
  }
  Reply reply;
  reply.type = "application/x-ndjson";
  reply.close = true;
  reply.follow = follow;
  return reply;
}

}  // namespace gitopsd::api
