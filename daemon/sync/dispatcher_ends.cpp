// How events end: when the last application that they concern is through with them.
#include <algorithm>

#include "base/log.h"
#include "daemon/sync/dispatcher_state.h"

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;

std::string applications(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " application" : " applications");
}

std::string listed(const std::vector<std::string>& given_up) {
  std::string out;
  for (const auto& text : given_up) out += "; " + text;
  return out;
}

}  // namespace

void DispatcherImpl::parts_ended(const std::vector<EventId>& events, const Part& part, const Outcome& outcome,
                                 const store::Timings& timings) {
  for (const auto event : events) part_ended(event, part, outcome, timings);
}

/// Without the mutex. One application is through with an event.
void DispatcherImpl::part_ended(EventId event, const Part& part, const Outcome& outcome,
                                const store::Timings& timings) {
  if (!event) return;
  std::unique_lock lock(mutex_);
  if (stopping_ && outcome.kind != Outcome::Kind::succeeded) return;
  const auto it = trackers_.find(event);
  if (it == trackers_.end()) return;
  Tracker& tracker = it->second;
  --tracker.open;
  if (outcome.kind == Outcome::Kind::succeeded) {
    ++tracker.succeeded;
    if (tracker.failed_before.contains(part.uid)) tracker.came_right_by = part.sync;
  }
  if (outcome.kind == Outcome::Kind::superseded) {
    ++tracker.superseded;
    tracker.note = outcome.reason;
    if (!outcome.error.empty()) {
      tracker.note += "; its last attempt failed: " + outcome.error;
      const auto app = apps_.find(part.uid);
      const auto& name = app == apps_.end() ? part.uid.str() : app->second->config.name.str();
      tracker.given_up.push_back(name + " was " + tracker.note);
    }
  }
  if (outcome.kind == Outcome::Kind::cancelled) {
    ++tracker.cancelled;
    tracker.note = outcome.reason;
  }
  if (outcome.kind == Outcome::Kind::failed) {
    tracker.errors.push_back(outcome.error);
    tracker.failed[part.uid] = part.sync;
  }
  auto& t = tracker.timings;
  // What an event goes along with may have been rendered and planned before it came.
  const auto note = [&t](WallMicros& when, WallMicros reached) {
    if (reached > 0) when = std::max({when, reached, t.received});
  };
  note(t.rendered, timings.rendered);
  note(t.planned, timings.planned);
  note(t.applied, timings.applied);
  note(t.healthy, timings.healthy);
  if (tracker.open > 0 || !tracker.decided) return say_of(event, part.uid, {});
  Tracker finished = std::move(tracker);
  trackers_.erase(it);
  lock.unlock();
  finish_event(event, finished);
}

/// Without the mutex.
void DispatcherImpl::finish_event(EventId id, const Tracker& t) {
  try {
    record_end(id, t);
    end_left();
  } catch (const std::exception& e) {
    // A full disk, say: the end is as durable as the event, however long it takes.
    log::error("cannot record the end of an event; tried again", {{"event", id.value}, {"error", e.what()}});
    workers_->at(Monotonic::now() + 5s, [this, id, t] { finish_event(id, t); });
  }
}

/// Without the mutex.
void DispatcherImpl::record_end(EventId id, const Tracker& t) {
  using store::EventState;
  env_.store->add_timings(id, t.timings);
  std::string errors;
  for (const auto& e : t.errors) errors += (errors.empty() ? "" : "\n") + e;
  EventState state = EventState::succeeded;
  std::string reason = t.note;
  if (!t.errors.empty()) {
    state = EventState::failed;
    reason = applications(t.errors.size()) + " failed" + listed(t.given_up);
  } else if (t.cancelled > 0) {
    state = EventState::cancelled;
  } else if (t.succeeded == 0 && t.superseded > 0) {
    state = EventState::superseded;
  } else if (t.succeeded == 0 && reason.empty()) {
    reason = "no application's input changed";
  } else if (t.succeeded > 0) {
    // What failed there and was replaced is not what the event asked for, though nothing alarms any more.
    if (!t.given_up.empty()) state = EventState::superseded;
    reason = applications(static_cast<std::size_t>(t.succeeded)) + " in sync" + listed(t.given_up);
    if (const auto by = t.came_right_by ? env_.store->sync(t.came_right_by) : std::nullopt)
      reason += ", by sync " + std::to_string(by->id.value) + " (" + by->revision.short_str() + ")";
  }
  if (state == EventState::failed)
    env_.store->fail_event(id, reason, errors, t.failed);
  else
    env_.store->set_event(id, state, reason);
  log::info("event ended", {{"event", id.value}, {"state", store::to_string(state)}, {"reason", reason}});
  std::lock_guard lock(mutex_);
  if (auto event = t.timings; event.applied > 0) {
    ended_timings_.push_back(event);
    if (ended_timings_.size() > 10'000)
      ended_timings_.erase(ended_timings_.begin(), ended_timings_.begin() + 5'000);
  }
}

}  // namespace gitopsd::sync
