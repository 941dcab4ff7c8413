#include "daemon/api/objects.h"

#include <algorithm>

#include "base/clock.h"
#include "base/json.h"
#include "daemon/sync/stored_plan.h"

namespace gitopsd::api {
namespace {

Value timings_object(const store::Timings& t) {
  return Value::object({{"received", time_or_null(t.received)},
                        {"stored", time_or_null(t.stored)},
                        {"fetched", time_or_null(t.fetched)},
                        {"rendered", time_or_null(t.rendered)},
                        {"planned", time_or_null(t.planned)},
                        {"applied", time_or_null(t.applied)},
                        {"healthy", time_or_null(t.healthy)}});
}

Value elapsed_object(WallMicros start, const store::Timings& t) {
  return Value::object({{"stored", span_ms(start, t.stored)},
                        {"fetched", span_ms(start, t.fetched)},
                        {"rendered", span_ms(start, t.rendered)},
                        {"planned", span_ms(start, t.planned)},
                        {"applied", span_ms(start, t.applied)},
                        {"healthy", span_ms(start, t.healthy)}});
}

/// The stored plan is ours, but from another version perhaps: what it does not hold any more is no error
/// here.
Value stored_steps(const std::string& plan) {
  if (plan.empty()) return {};
  try {
    const Value parsed = parse_json(plan);
    Value steps = Value::array();
    for (const auto& step : parsed.get_array("steps")) {
      steps.push(step_object(protocol::decode_as<protocol::Step>(step)));
    }
    return steps;
  } catch (const Failure&) {
    return {};
  }
}

Value intent(const store::InventoryEntry& entry) {
  if (!entry.intended_sync) return {};
  return entry.intended_digest.empty() ? "delete" : "apply";
}

Value contested_object(const sync::Told<sync::ContestedStatus>& contested) {
  if (contested.count == 0) return {};
  Value list = Value::array();
  for (const auto& one : contested.first) {
    list.push(Value::object({{"id", one.id.str()},
                             {"changed_by", text_or_null(one.by)},
                             {"changed_at", text_or_null(one.at)},
                             {"put_back", one.heals},
                             {"paused_until", time_or_null(one.until)}}));
  }
  return Value::object(
      {{"count", static_cast<std::int64_t>(contested.count)}, {"resources", std::move(list)}});
}

Value in_part_object(const std::optional<sync::InPartStatus>& part) {
  if (!part) return {};
  return Value::object(
      {{"revision", part->revision.str()}, {"sync", part->sync.value}, {"left_out", part->left_out}});
}

/// All of them, where the error of a sync tells them in short.
Value stored_problems(const std::string& plan) {
  Value list = Value::array();
  for (const auto& line : sync::decode_plan(plan).problems) list.push(line);
  return list;
}

Value not_converging_object(const sync::Told<sync::StuckStatus>& stuck) {
  if (stuck.count == 0) return {};
  Value list = Value::array();
  for (const auto& one : stuck.first)
    list.push(Value::object({{"id", one.id.str()}, {"came_back", one.returns}}));
  return Value::object({{"count", static_cast<std::int64_t>(stuck.count)}, {"resources", std::move(list)}});
}

}  // namespace

Value text_or_null(std::string_view text) {
  return text.empty() ? Value() : Value(text);
}
Value time_or_null(WallMicros when) {
  return when == 0 ? Value() : Value(rfc3339(when));
}
Value id_or_null(std::int64_t id) {
  return id == 0 ? Value() : Value(id);
}

Value span_ms(WallMicros start, WallMicros end) {
  if (start == 0 || end == 0) return {};
  return static_cast<double>(end - start) / 1000.0;
}

std::map<std::string, std::int64_t> event_counts(const store::Store::Counts& counts) {
  using store::EventState;
  std::map<std::string, std::int64_t> out;
  for (const auto state :
       {EventState::queued, EventState::running, EventState::held, EventState::succeeded, EventState::failed,
        EventState::superseded, EventState::ignored, EventState::cancelled}) {
    const std::string word(to_string(state));
    const auto found = counts.events_by_state.find(word);
    out[word] = found == counts.events_by_state.end() ? 0 : found->second;
  }
  return out;
}

std::string_view status_word(sync::SyncStatus status) {
  using sync::SyncStatus;
  switch (status) {
    case SyncStatus::unknown:
      return "unknown";
    case SyncStatus::synced:
      return "synced";
    case SyncStatus::out_of_sync:
      return "out_of_sync";
    case SyncStatus::source_missing:
      return "source_missing";
    case SyncStatus::contested:
      return "contested";
    case SyncStatus::not_converging:
      return "not_converging";
  }
  return "unknown";
}

Value conditions_list(const std::vector<sync::ConditionStatus>& conditions) {
  Value list = Value::array();
  for (const auto& c : conditions) {
    Value names = Value::array();
    for (const auto& name : c.applications) names.push(name.str());
    list.push(Value::object({{"message", c.message},
                             {"hint", text_or_null(c.hint)},
                             {"since", time_or_null(c.since)},
                             {"applications", std::move(names)}}));
  }
  return list;
}

Value application_object(const sync::ApplicationStatus& a) {
  return Value::object({{"name", a.name.str()},
                        {"uid", a.uid.str()},
                        {"destination", text_or_null(a.destination.str())},
                        {"repository", text_or_null(a.repository.str())},
                        {"ref", text_or_null(a.ref)},
                        {"revision", text_or_null(a.revision.str())},
                        {"synced_revision", text_or_null(a.synced_revision.str())},
                        {"wanted", text_or_null(a.wanted.str())},
                        {"phase", to_string(a.phase)},
                        {"status", status_word(a.status)},
                        {"health", to_string(a.health)},
                        {"waits_for", text_or_null(a.waits_for)},
                        {"released_by", text_or_null(a.released_by)},
                        {"error", text_or_null(a.error)},
                        {"attempt", id_or_null(a.attempt)},
                        {"error_before", text_or_null(a.error_before)},
                        {"sync", id_or_null(a.sync.value)},
                        {"suspended", a.suspended},
                        {"quarantined", a.quarantined},
                        {"orphaned", a.orphaned},
                        {"since", time_or_null(a.since)},
                        {"resources", a.resources},
                        {"conditions", conditions_list(a.conditions)},
                        {"contested", contested_object(a.contested)},
                        {"not_converging", not_converging_object(a.not_converging)},
                        {"in_part", in_part_object(a.in_part)}});
}

Value heals_object(const store::Store::Heals& heals) {
  const auto& last = heals.last;
  Value resources = Value::array();
  if (last) {
    const Value steps = stored_steps(last->plan);
    if (steps.is_array()) {
      for (const auto& step : steps.as_array()) {
        if (step.get_string("action") != "none") resources.push(step.get_string("id"));
      }
    }
  }
  return Value::object({{"count", heals.count},
                        {"last", last ? time_or_null(last->ended) : Value()},
                        {"sync", last ? id_or_null(last->id.value) : Value()},
                        {"resources", std::move(resources)}});
}

CameRight came_right(const store::Event& e, const store::Store& store) {
  if (e.state != store::EventState::failed) return {e.reason};
  const auto right_at = [&](WallMicros when, const std::string& by) {
    return CameRight{e.reason + "; came right at " + rfc3339(when) + ", by " + by, when};
  };
  const auto parts = store.failed_parts(e.id);
  if (parts.empty()) {  // it did not get as far as any application
    const auto later = store.succeeded_later(e.id);
    if (!later) return {e.reason};
    const auto& t = later->timings;
    return right_at(std::max({t.stored, t.fetched, t.applied, t.healthy}),
                    "event " + std::to_string(later->id.value));
  }
  const auto right = std::count_if(parts.begin(), parts.end(), [](const auto& p) { return bool(p.right); });
  if (right == 0) return {e.reason};
  if (right < std::ssize(parts)) return {e.reason + "; " + std::to_string(right) + " came right since"};
  const auto& last = *std::max_element(parts.begin(), parts.end(),
                                       [](const auto& a, const auto& b) { return a.since < b.since; });
  return right_at(last.since,
                  "sync " + std::to_string(last.right.value) + " (" + last.revision.short_str() + ")");
}

Value event_object(const store::Event& e, const Names& names, const store::Store& store) {
  const bool of_one = !e.application.empty();
  const auto after = came_right(e, store);
  return Value::object({{"id", e.id.value},
                        {"cause", to_string(e.cause)},
                        {"state", to_string(e.state)},
                        {"ended", ended(e.state)},
                        {"repository", text_or_null(e.repository.str())},
                        {"ref", text_or_null(e.ref.str())},
                        {"before", text_or_null(e.before.str())},
                        {"after", text_or_null(e.after.str())},
                        {"deleted", e.deleted},
                        {"body_signed", e.body_signed},
                        {"actor", text_or_null(e.actor)},
                        {"application", of_one ? Value(names.name(e.application)) : Value()},
                        {"application_uid", text_or_null(e.application.str())},
                        {"note", text_or_null(e.note)},
                        {"hook", text_or_null(e.hook.str())},
                        {"delivery", text_or_null(e.delivery.str())},
                        {"received", time_or_null(e.received)},
                        {"reason", text_or_null(after.reason)},
                        {"came_right", time_or_null(after.when)},
                        {"error", text_or_null(e.error)},
                        {"attempts", e.attempts},
                        {"timings", timings_object(e.timings)},
                        {"elapsed_ms", elapsed_object(e.timings.received, e.timings)}});
}

Value sync_object(const store::Sync& s, const Names& names, const store::Store& store, bool steps) {
  const WallMicros start = s.timings.received == 0 ? s.started : s.timings.received;
  return Value::object({{"id", s.id.value},
                        {"event", id_or_null(s.event.value)},
                        {"application", names.name(s.application)},
                        {"application_uid", s.application.str()},
                        {"kind", s.kind},
                        {"revision", text_or_null(s.revision.str())},
                        {"state", to_string(s.state)},
                        {"ended", ended(s.state)},
                        {"reason", text_or_null(s.reason)},
                        {"error", text_or_null(s.error)},
                        {"approved_by", text_or_null(store.approved_by(s.id).value_or(""))},
                        {"created", s.created},
                        {"updated", s.updated},
                        {"deleted", s.deleted},
                        {"unchanged", s.unchanged},
                        {"started_at", time_or_null(s.started)},
                        {"ended_at", time_or_null(s.ended)},
                        {"duration_ms", span_ms(s.started, s.ended)},
                        {"input_key", text_or_null(s.input_key)},
                        {"timings", timings_object(s.timings)},
                        {"elapsed_ms", elapsed_object(start, s.timings)},
                        {"problems", steps ? stored_problems(s.plan) : Value()},
                        {"steps", steps ? stored_steps(s.plan) : Value()}});
}

Value step_object(const protocol::Step& s) {
  Value after = Value::array();
  for (const auto& key : s.after) after.push(key);
  return Value::object({{"key", s.key},
                        {"id", s.id.str()},
                        {"wave", s.wave},
                        {"after", std::move(after)},
                        {"action", to_string(s.action)},
                        {"reason", text_or_null(s.reason)},
                        {"diff", text_or_null(s.diff)},
                        {"destroys", to_string(s.destroys)}});
}

Value inventory_object(const store::InventoryEntry& e) {
  Value kind, name;
  try {
    const Value resource = parse_json(e.resource);
    kind = text_or_null(resource.get_string("kind"));
    name = text_or_null(resource.get_string("name"));
  } catch (const Failure&) {  // an entry without a resource is still listed
  }
  return Value::object({{"id", e.id.str()},
                        {"kind", std::move(kind)},
                        {"name", std::move(name)},
                        {"owned", !e.owned_digest.empty()},
                        {"digest", text_or_null(e.owned_digest)},
                        {"intended", intent(e)},
                        {"intended_sync", id_or_null(e.intended_sync.value)},
                        {"changed_by", id_or_null(e.changed_by.value)}});
}

Value plan_object(const sync::PlanView& plan, const ApplicationName& application) {
  using protocol::Action;
  std::map<std::string_view, int> counts;
  for (const auto action : {Action::none, Action::create, Action::update, Action::replace, Action::remove,
                            Action::adopt, Action::run, Action::release}) {
    counts[to_string(action)] = 0;
  }
  Value steps = Value::array();
  for (const auto& step : plan.steps) {
    ++counts[to_string(step.action)];
    steps.push(step_object(step));
  }
  Value left_out = Value::array();
  for (const auto& line : plan.left_out) left_out.push(line);
  Value summary = Value::object();
  for (const auto& [action, count] : counts) summary.set(std::string(action), count);
  return Value::object({{"application", application.str()},
                        {"revision", text_or_null(plan.revision.str())},
                        {"held_sync", id_or_null(plan.held.value)},
                        {"hold", text_or_null(plan.hold)},
                        {"kept_off", text_or_null(plan.kept_off)},
                        {"released_by", text_or_null(plan.released_by)},
                        {"left_out", std::move(left_out)},
                        {"steps", std::move(steps)},
                        {"summary", std::move(summary)}});
}

Value progress_object(const sync::ProgressLine& line, const Names& names) {
  const bool of_one = !line.application.empty();
  return Value::object({{"when", time_or_null(line.when)},
                        {"stage", line.stage},
                        {"text", text_or_null(line.text)},
                        {"application", of_one ? Value(names.name(line.application)) : Value()},
                        {"application_uid", text_or_null(line.application.str())},
                        {"repository", text_or_null(line.repository.str())},
                        {"event", id_or_null(line.event.value)},
                        {"sync", id_or_null(line.sync.value)},
                        {"state", Value()},
                        {"reason", Value()},
                        {"error", Value()}});
}

Value counters_object(const server::Counters& c) {
  return Value::object({{"connections", c.connections},
                        {"requests", c.requests},
                        {"accepted", c.accepted},
                        {"duplicates", c.duplicates},
                        {"ignored", c.ignored},
                        {"unauthenticated", c.unauthenticated},
                        {"malformed", c.malformed},
                        {"rejected_limits", c.rejected_limits},
                        {"store_errors", c.store_errors},
                        {"handshake_failures", c.handshake_failures}});
}

Value refused_object(const server::Refused& r) {
  return Value::object({{"when", time_or_null(r.when)},
                        {"hook", r.hook},
                        {"address", r.address},
                        {"status", r.status},
                        {"reason", r.reason}});
}

}  // namespace gitopsd::api
