#include <algorithm>

#include "daemon/api/objects.h"
#include "daemon/api/refusal.h"
#include "daemon/api/routes.h"

namespace gitopsd::api {
namespace {

Names::Application named(const Context& context, const Request& request) {
  return context.names().find(request.captured.front());
}

sync::ApplicationStatus status_of(const Context& context, const Names::Application& wanted) {
  for (auto& status : context.dispatcher().status()) {
    if (status.uid == wanted.uid) return std::move(status);
  }
  throw not_found("application '" + wanted.name.str() + "' is not known to the dispatcher yet",
                  "it was added a moment ago: ask again");
}

constexpr std::size_t kCommitDigits = 40, kLeastDigits = 7;

std::optional<CommitId> commit(const Request& request, std::string_view key, const std::string& more) {
  const std::string text = request.body.get_string(key);
  if (text.empty()) return std::nullopt;
  if (auto id = CommitId::parse(text); id && !id->is_zero()) return id;
  throw bad_request(std::string(key) + " is '" + text.substr(0, 80) + "'",
                    "it must be a full commit id of 40 hexadecimal digits" + more);
}

/// As commit(), but a commit may also be named by the first digits of its id. `known`: no forge is asked.
std::optional<CommitId> revision(const Context& context, const Request& request, std::string_view key,
                                 const ApplicationName& application, bool known) {
  const std::string text = request.body.get_string(key);
  const bool digits = text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (!digits || text.size() < kLeastDigits || text.size() >= kCommitDigits)
    return commit(request, key, ", or at least the first " + std::to_string(kLeastDigits));
  return context.dispatcher().commit_named(application, text, known);
}

/// The sync that somebody looked at, if the request says which.
std::optional<SyncId> looked_at(const Request& request) {
  const Value* sync = request.body.find("sync");
  if (sync == nullptr || sync->is_null()) return std::nullopt;
  if (sync->is_int() && sync->as_int() > 0) return SyncId{sync->as_int()};
  throw bad_request("sync is no number of a sync", "gitopsctl status NAME shows the one that is held");
}

Reply queued(EventId id) {
  return json_reply(202, Value::object({{"event", id.value}}));
}

}  // namespace

Reply application(const Context& context, const Request& request) {
  const auto status = status_of(context, named(context, request));
  Value last;
  if (status.sync) {
    if (const auto found = context.store().sync(status.sync)) {
      last = sync_object(*found, context.names(), context.store(), true);
    }
  }
  return json_reply(200, Value::object({{"application", application_object(status)},
                                        {"last_sync", std::move(last)},
                                        {"heals", heals_object(context.store().heals(status.uid))}}));
}

Reply application_syncs(const Context& context, const Request& request) {
  const auto wanted = named(context, request);
  const Names names = context.names();
  Value list = Value::array();
  for (const auto& s : context.store().syncs(wanted.uid, limit(request, 20, 500))) {
    list.push(sync_object(s, names, context.store(), false));
  }
  return json_reply(200, Value::object({{"syncs", std::move(list)}}));
}

Reply application_inventory(const Context& context, const Request& request) {
  auto entries = context.store().inventory(named(context, request).uid);
  std::ranges::sort(entries, {}, &store::InventoryEntry::id);
  Value list = Value::array();
  for (const auto& entry : entries) list.push(inventory_object(entry));
  return json_reply(200, Value::object({{"entries", std::move(list)}}));
}

Reply plan_application(const Context& context, const Request& request) {
  const auto wanted = named(context, request);
  const auto plan =
      context.dispatcher().plan(wanted.name, revision(context, request, "revision", wanted.name, false));
  return json_reply(200, plan_object(plan, wanted.name));
}

Reply sync_application(const Context& context, const Request& request) {
  return queued(context.dispatcher().sync_now(named(context, request).name, request.who));
}

Reply approve_application(const Context& context, const Request& request) {
  const auto name = named(context, request).name;
  const SyncId approved = context.dispatcher().approve(name, looked_at(request), request.who);
  return json_reply(200, Value::object({{"sync", approved.value}}));
}

Reply reject_application(const Context& context, const Request& request) {
  const auto name = named(context, request).name;
  const SyncId rejected = context.dispatcher().reject(name, looked_at(request), request.who);
  return json_reply(200, Value::object({{"sync", rejected.value}}));
}

Reply rollback_application(const Context& context, const Request& request) {
  const auto wanted = named(context, request);
  const auto to = revision(context, request, "to", wanted.name, true);
  const EventId id = context.dispatcher().rollback(wanted.name, to, request.who);
  const auto event = context.store().event(id);
  return json_reply(202, Value::object({{"event", id.value},
                                        {"revision", event ? text_or_null(event->after.str()) : Value()}}));
}

Reply resume_application(const Context& context, const Request& request) {
  const auto wanted = named(context, request);
  context.dispatcher().resume(wanted.name, request.who);
  return json_reply(200, Value::object({{"application", application_object(status_of(context, wanted))}}));
}

Reply delete_application(const Context& context, const Request& request) {
  const auto wanted = named(context, request);
  if (!request.body.get_bool("cascade")) {
    throw bad_request(
        "deleting application '" + wanted.name.str() + "' deletes every resource that it owns",
        "say so with {\"cascade\": true}; without that, remove it from the configuration and its "
        "resources stay");
  }
  return queued(context.dispatcher().delete_cascade(wanted.name, request.who));
}

Reply forget_application(const Context& context, const Request& request) {
  const auto forgotten = context.dispatcher().forget(named(context, request).name, request.who);
  return json_reply(
      200, Value::object({{"destination", forgotten.destination.str()}, {"resources", forgotten.resources}}));
}

}  // namespace gitopsd::api
