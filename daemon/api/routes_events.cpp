#include <algorithm>
#include <set>
#include <tuple>

#include "base/clock.h"
#include "base/timestamp.h"
#include "daemon/api/objects.h"
#include "daemon/api/refusal.h"
#include "daemon/api/routes.h"
#include "daemon/api/target.h"

namespace gitopsd::api {
namespace {

constexpr WallMicros kDay = 24ll * 3600 * 1'000'000;
constexpr std::size_t kReplays = 500;
constexpr int kPage = 500;

store::EventState parse_state(const std::string& word) {
  if (const auto state = store::event_state(word)) return *state;
  throw bad_request("there is no event state '" + word + "'",
                    suggestion(word, {"queued", "running", "held", "succeeded", "failed", "superseded",
                                      "ignored", "cancelled"}));
}

WallMicros parse_since(const std::string& text) {
  if (const auto when = parse_rfc3339(text)) return *when;
  throw bad_request("since is '" + text.substr(0, 40) + "'",
                    "it must be a time such as 2026-11-24T08:15:30Z");
}

store::EventFilter read_filter(const Context& context, const Request& request) {
  store::EventFilter filter;
  filter.limit = limit(request, 50, kPage);
  const auto& query = request.query;
  if (const auto state = query.find("state"); state != query.end()) filter.state = parse_state(state->second);
  if (const auto since = query.find("since"); since != query.end()) filter.since = parse_since(since->second);
  if (const auto name = query.find("repository"); name != query.end()) {
    filter.repository = find_repository(*context.config(), name->second);
  }
  if (const auto before = query.find("before"); before != query.end()) {
    filter.before = EventId{parse_number(before->second, "before", 1, INT64_MAX)};
  }
  return filter;
}

/// Of each repository, ref and application the newest event, if that one failed and did not come right by
/// itself; oldest first.
std::vector<EventId> still_failed(const store::Store& store, store::EventFilter filter) {
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  std::vector<EventId> out;
  filter.limit = kPage;
  while (true) {
    const auto page = store.events(filter);
    for (const auto& e : page) {
      if (!seen.emplace(e.repository.str(), e.ref.str(), e.application.str()).second) continue;
      if (e.state == store::EventState::failed && came_right(e, store).when == 0) out.push_back(e.id);
    }
    if (page.size() < static_cast<std::size_t>(filter.limit)) break;
    filter.before = page.back().id;
  }
  std::ranges::reverse(out);
  return out;
}

store::Event existing_event(const Context& context, EventId id) {
  if (auto found = context.store().event(id)) return std::move(*found);
  throw not_found("there is no event " + std::to_string(id.value),
                  "`gitopsctl events` lists those that are kept");
}

}  // namespace

EventId event_id(const Request& request) {
  return EventId{parse_number(request.captured.front(), "the event's id", 1, INT64_MAX)};
}

int limit(const Request& request, int fallback, int most) {
  const auto found = request.query.find("limit");
  if (found == request.query.end()) return fallback;
  return static_cast<int>(parse_number(found->second, "limit", 1, most));
}

Reply events(const Context& context, const Request& request) {
  store::EventFilter filter = read_filter(context, request);
  const int wanted = filter.limit++;  // one more tells whether there is a next page
  auto found = context.store().events(filter);
  const bool more = found.size() > static_cast<std::size_t>(wanted);
  if (more) found.resize(static_cast<std::size_t>(wanted));
  const Names names = context.names();
  Value list = Value::array();
  for (const auto& e : found) list.push(event_object(e, names, context.store()));
  return json_reply(200, Value::object({{"events", std::move(list)},
                                        {"next", more ? Value(found.back().id.value) : Value()}}));
}

Reply event(const Context& context, const Request& request) {
  const store::Event found = existing_event(context, event_id(request));
  const Names names = context.names();
  auto syncs = context.store().syncs_of(found.id);
  std::ranges::sort(syncs, {}, &store::Sync::id);
  Value list = Value::array();
  for (const auto& s : syncs) list.push(sync_object(s, names, context.store(), true));
  return json_reply(200, Value::object({{"event", event_object(found, names, context.store())},
                                        {"syncs", std::move(list)}}));
}

Reply sync(const Context& context, const Request& request) {
  const SyncId id{parse_number(request.captured.front(), "the sync's id", 1, INT64_MAX)};
  const auto found = context.store().sync(id);
  if (!found) throw not_found("there is no sync " + std::to_string(id.value));
  return json_reply(200,
                    Value::object({{"sync", sync_object(*found, context.names(), context.store(), true)}}));
}

Reply replay_event(const Context& context, const Request& request) {
  const EventId id = existing_event(context, event_id(request)).id;
  const EventId made = context.dispatcher().replay(id, request.who);
  return json_reply(202, Value::object({{"event", made.value}}));
}

Reply replay_failed(const Context& context, const Request& request) {
  if (!request.body.get_bool("failed")) {
    throw bad_request("nothing says which events to replay",
                      "say {\"failed\": true}, or use /v1/events/ID/replay for a single one");
  }
  store::EventFilter filter;
  const std::string since = request.body.get_string("since");
  filter.since = since.empty() ? context.now() - kDay : parse_since(since);
  const std::string repository = request.body.get_string("repository");
  if (!repository.empty()) filter.repository = find_repository(*context.config(), repository);

  auto failed = still_failed(context.store(), filter);
  const bool more = failed.size() > kReplays;
  if (more) failed.resize(kReplays);
  Value replayed = Value::array(), refused = Value::array();
  for (const EventId id : failed) {
    try {
      const EventId made = context.dispatcher().replay(id, request.who);
      replayed.push(Value::object({{"failed", id.value}, {"event", made.value}}));
    } catch (const Failure& failure) {  // one that cannot be replayed must not keep the others from it
      refused.push(Value::object({{"failed", id.value}, {"message", failure.what()}}));
    }
  }
  return json_reply(
      202,
      Value::object({{"replayed", std::move(replayed)}, {"refused", std::move(refused)}, {"more", more}}));
}

}  // namespace gitopsd::api
