// What waits: for somebody's word, for health, for its next attempt. The last applied state stays enforced
// while a sync waits (promise 10): the run is put aside while drift is looked at and put back.
#include "base/log.h"
#include "daemon/sync/dispatcher_state.h"
#include "daemon/sync/operator_audit.h"

namespace gitopsd::sync {

using Hold = ApplicationLine::Hold;

/// They name the sync, so that nothing else is approved or rejected than what was looked at.
std::string release_commands(const ApplicationLine& app, const Run& held) {
  const std::string& name = app.config.name.str();
  const std::string what = name + " --sync " + std::to_string(held.id().value);
  const std::string approve = "gitopsctl approve " + what + "; ";
  if (held.job().kind == Kind::rollback) return approve + "gitopsctl resume " + name + " ends it instead";
  const std::string reject = approve + "gitopsctl reject " + what + " ends it instead";
  return held.job().kind == Kind::remove ? reject : reject + ", a commit that changes its files replaces it";
}

std::string rejected_text(const CommitId& revision, const std::string& by) {
  return revision.short_str() + " was " + by;
}

bool same_state(const Job& a, const Job& b) {
  const bool same_source = !a.source_key.empty() && a.source_key == b.source_key;
  return a.kind == Kind::commit && b.kind == Kind::commit && (a.revision == b.revision || same_source);
}

Job as_it_stands(const Run& run) {
  Job job = run.job();
  job.approved = run.approval();
  return job;
}

/// With the mutex. Where the next job is for what this one was for, the events end with it, and what somebody
/// approved holds for the same plan.
void DispatcherImpl::goes_on(const App& app, const Job& before, std::vector<EventId>& events) {
  if (!app->next || !same_state(*app->next, before)) return;
  std::erase(events, EventId{});
  if (!before.approved.by.empty()) app->next->approved = before.approved;
  auto& along = app->next->along;
  for (const auto event : events) {
    say_of(event, app->uid, along.word);
    const auto tracker = trackers_.find(event);
    if (tracker != trackers_.end() && !app->error.empty()) tracker->second.failed_before.insert(app->uid);
  }
  along.events.insert(along.events.end(), events.begin(), events.end());
  events.clear();
}

std::string error_before_next(const ApplicationLine& app) {
  return app.next ? app.error : std::string();
}

/// With the mutex. Ends what waits for good; the store is written on a worker.
void DispatcherImpl::release_parked(const App& app, const std::string& why) {
  ++app->timer;
  app->hold = Hold::none;
  release_aside(app, why);
  // Without a run it was backing off: its events wait in `along`.
  const auto run = std::exchange(app->run, nullptr);
  const auto retrying = std::exchange(app->retrying, std::nullopt);
  auto events = with_along(*app, run ? run->job().event : EventId{});
  if (run || retrying) goes_on(app, run ? as_it_stands(*run) : *retrying, events);
  end_waiting(app, run, std::move(events), why, retrying ? error_before_next(*app) : std::string());
}

/// With the mutex.
void DispatcherImpl::release_aside(const App& app, const std::string& why) {
  auto aside = std::exchange(app->aside, {});
  auto events = std::move(aside.along.events);
  if (aside.run) events.push_back(aside.run->job().event);
  if (aside.any()) goes_on(app, aside.run ? as_it_stands(*aside.run) : *aside.retrying, events);
  end_waiting(app, aside.run, std::move(events), why,
              aside.retrying ? error_before_next(*app) : std::string());
}

/// Ends events, and the run that they waited with where there is one. `error`: of their last attempt.
void DispatcherImpl::end_waiting(const App& app, const std::shared_ptr<Run>& run, std::vector<EventId> events,
                                 const std::string& why, const std::string& error) {
  if (!run && events.empty()) return;
  workers_->post([this, run, why, error, events = std::move(events), part = part_of(*app)] {
    if (run && run->id()) run->end(store::SyncState::superseded, why);
    parts_ended(events, part, superseded_outcome(why, error), run ? run->timings() : store::Timings{});
  });
}

/// With the mutex. The run that waits makes way for a look at the live state.
void DispatcherImpl::set_aside(const App& app) {
  app->aside = {std::exchange(app->run, nullptr),
                std::exchange(app->along, {}),
                app->wanted,
                app->since,
                app->waits_for,
                false,
                app->hold == Hold::health,
                std::exchange(app->retrying, std::nullopt)};
}

/// With the mutex, when nothing is under way for the application any more.
void DispatcherImpl::take_up(const App& app) {
  app->look_failed = false;
  if (!app->aside.any()) return;
  auto aside = std::exchange(app->aside, {});
  app->run = std::move(aside.run);
  auto& events = aside.along.events;
  events.insert(events.end(), app->along.events.begin(), app->along.events.end());
  app->along = std::move(aside.along);
  app->wanted = aside.wanted;
  app->since = aside.since;
  if (aside.retrying) {
    app->retrying = std::move(aside.retrying);
    app->hold = Hold::backoff;
    app->phase = Phase::backing_off;
    app->waits_for = std::move(aside.waits_for);
    app->released_by = "time";
    return back_off(app);
  }
  app->sync = app->run->id();
  if (aside.approved) return go_on(app);
  if (aside.health) {
    app->hold = Hold::health;
    app->phase = Phase::waiting_health;
    app->waits_for = std::move(aside.waits_for);
    app->released_by = kHealth;
    return look_at_health(app, {});  // what was looked at may be what it waits for
  }
  app->hold = Hold::approval;
  app->phase = Phase::held;
  app->waits_for = app->run->hold();
  app->released_by = release_commands(*app, *app->run);
}

/// At the start. Whether a sync that waited at the stop may go on waiting: its event brings it up again.
bool DispatcherImpl::leave_held(const store::Sync& sync) {
  const auto event = env_.store->event(sync.event);
  if (!event || store::ended(event->state)) return false;
  if (!app_of(sync.application) && sync.kind != to_string(Kind::remove)) return false;
  std::lock_guard lock(mutex_);
  return left_held_.try_emplace(sync.application, sync).second;
}

/// With the mutex. What waited at the stop keeps its number where the job asks for just that, whichever event
/// brought it up, and else ends.
void DispatcherImpl::take_up_left(const App& app, Job& job) {
  const auto left = left_held_.find(app->uid);
  if (left == left_held_.end()) return;
  const auto& sync = left->second;
  if (sync.kind == to_string(job.kind) && sync.revision == job.revision && sync.input_key == job.input_key) {
    job.left = sync.id;
    job.left_plan = sync.plan;
    return;
  }
  workers_->post([this, sync, why = superseded_by(job)] { end_left(sync, why); });
  left_held_.erase(left);
}

/// Without the mutex. What waited at the stop ends with its event, where nothing is about to take it up.
void DispatcherImpl::end_left() {
  std::vector<store::Sync> left;
  const auto about_to = [this](const ApplicationUid& uid) {
    for (const auto* apps : {&apps_, &orphans_}) {
      const auto it = apps->find(uid);
      if (it != apps->end() && (it->second->engaged() || it->second->hold != Hold::none)) return true;
    }
    return false;
  };
  {
    std::lock_guard lock(mutex_);
    for (const auto& [uid, sync] : left_held_) {
      if (!about_to(uid)) left.push_back(sync);
    }
  }
  try {
    for (const auto& sync : left) {
      const auto event = env_.store->event(sync.event);
      if (event && !store::ended(event->state)) continue;
      {
        std::lock_guard lock(mutex_);
        if (about_to(sync.application) || left_held_.erase(sync.application) == 0) continue;
      }
      end_left(sync, event ? event->reason : std::string());
    }
  } catch (const std::exception& e) {
    log::error("cannot end a sync that waited before the restart", {{"error", e.what()}});
  }
}

/// Without the mutex.
void DispatcherImpl::end_left(const store::Sync& sync, const std::string& why) {
  store::Transition t;
  t.state = store::SyncState::superseded;
  t.reason = why;
  env_.store->set_sync(sync.id, t);
}

/// With the mutex. The run that waited was approved.
void DispatcherImpl::go_on(const App& app) {
  app->hold = Hold::busy;
  app->phase = Phase::planning;
  app->since = env_.clock->wall();
  app->waits_for.clear();
  app->released_by.clear();
  workers_->post(
      [this, app, run = app->run] { in_lane(app, [this, app, run] { ended(app, run, run->approved()); }); });
}

/// With the mutex. The run that waits, if it is the one that somebody looked at and nobody has approved it.
std::shared_ptr<Run> DispatcherImpl::held_run(const App& app, const std::optional<SyncId>& looked_at) {
  const std::string& name = app->config.name.str();
  auto run = app->held();
  if (!run) {
    throw fail(ProblemCause::conflict, "application " + name + " waits for no approval",
               app->waits_for.empty() ? "" : "it waits for: " + app->waits_for);
  }
  if (looked_at && *looked_at != run->id()) {
    const auto now = std::to_string(run->id().value);
    throw fail(ProblemCause::conflict,
               "sync " + std::to_string(looked_at->value) + " does not wait for approval: sync " + now +
                   " (" + run->job().revision.short_str() + ") does",
               "gitopsctl plan " + name + " shows it");
  }
  if (app->aside.approved) {
    throw fail(ProblemCause::conflict, "sync " + std::to_string(run->id().value) + " was approved already");
  }
  return run;
}

SyncId DispatcherImpl::reject(const ApplicationName& name, const std::optional<SyncId>& looked_at,
                              const std::string& who) {
  const auto app = app_or_orphan(name);
  std::shared_ptr<Run> run;
  {
    std::lock_guard lock(mutex_);
    run = held_run(app, looked_at);
    if (run->job().kind == Kind::rollback) {
      throw fail(ProblemCause::conflict, "what waits is a rollback",
                 "gitopsctl resume " + name.str() + " ends it, and follows the ref again");
    }
  }
  const std::string why = "rejected by " + who;
  env_.store->audit(audit_of("reject", who, name, Value::object({{"sync", run->id().value}})));
  std::vector<EventId> events;
  Part part;
  {
    std::lock_guard lock(mutex_);
    held_run(app, run->id());
    part = part_of(*app);
    if (const Job& job = run->job(); job.kind == Kind::commit) {
      app->rejected = {job.input_key, job.source_key, rejected_text(job.revision, why)};
      app->rejections.push_back(*app->rejected);
    }
    if (app->aside.run) {
      events = std::exchange(app->aside, {}).along.events;
    } else {
      app->run.reset();
      events = std::exchange(app->along, {}).events;
      idle(app);
    }
  }
  events.push_back(run->job().event);
  workers_->post([this, run, why, events, part] {
    run->end(store::SyncState::cancelled, why);
    parts_ended(events, part, cancelled_outcome(why), run->timings());
  });
  return run->id();
}

SyncId DispatcherImpl::approve(const ApplicationName& name, const std::optional<SyncId>& looked_at,
                               const std::string& who) {
  const auto app = app_or_orphan(name);
  std::shared_ptr<Run> run;
  bool alone = false;  // nothing is under way for the application but this
  {
    std::lock_guard lock(mutex_);
    run = held_run(app, looked_at);
    alone = !app->aside.run;
    if (alone) {
      set_aside(app);
      app->hold = Hold::busy;
    }
  }
  try {
    run->approve(who);
    env_.store->audit(audit_of("approve", who, name, Value::object({{"sync", run->id().value}})));
  } catch (...) {
    std::lock_guard lock(mutex_);
    if (alone) idle(app);
    throw;
  }
  std::lock_guard lock(mutex_);
  const bool aside = app->aside.run == run;
  if (!aside && app->run != run) {
    if (alone) idle(app);
    end_waiting(app, run, {run->job().event}, "something newer came");
    throw fail(ProblemCause::conflict,
               "what was approved does not wait any more: something newer came for " + name.str() +
                   ", or somebody rejected it",
               "gitopsctl status shows what it waits for now");
  }
  app->aside.approved = aside;
  say(app, aside ? app->aside.along : app->along, run->job().event,
      {store::EventState::running, "approved by " + who});
  if (alone) {
    idle(app);
  } else if (!aside) {
    go_on(app);
  } else if (app->hold != Hold::busy) {  // a heal waits: what it was for is seen again
    ++app->timer;
    const auto heal = std::exchange(app->run, nullptr);
    end_waiting(app, heal, with_along(*app, heal ? heal->job().event : EventId{}),
                "an approved sync goes on");
    idle(app);
  }
  return run->id();
}

}  // namespace gitopsd::sync
