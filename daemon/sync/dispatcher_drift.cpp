// Drift is level-triggered: a mark in memory, looked at when the application is idle, healed by a run of its
// own.
#include <algorithm>

#include "base/log.h"
#include "daemon/sync/dispatcher_state.h"
#include "daemon/sync/look.h"

namespace gitopsd::sync {
namespace {

using Hold = ApplicationLine::Hold;
using namespace std::chrono_literals;

/// What one name of a commit stands for, where some of it may be of others.
CommitId common(const std::vector<ResourceId>& ids, const std::map<ResourceId, CommitId>& commits,
                const CommitId& otherwise) {
  const CommitId& first = commits.at(ids.front());
  const bool same =
      std::all_of(ids.begin(), ids.end(), [&](const auto& id) { return commits.at(id) == first; });
  return same && !first.empty() ? first : otherwise;
}

/// 1 s after a look that told nothing, doubling to a minute.
std::chrono::milliseconds next_look(ApplicationLine& app) {
  return std::min<std::chrono::milliseconds>(1s * (1 << std::min(app.unknown_looks++, 6)), 60s);
}

void say_contested(const ApplicationName& name, const ResourceId& id, const Changer& changer) {
  log::warning("contested: somebody or something other than gitopsd keeps changing a resource",
               {{"application", name.str()}, {"resource", id.str()}, {"by", changer.by}, {"at", changer.at}});
}

}  // namespace

/// What a look found to differ, on its way to a heal.
struct DispatcherImpl::Drifted {
  std::map<ResourceId, protocol::Drift> wish;
  std::map<ResourceId, Waits> before;        ///< what waited until then
  std::set<ResourceId> reported;             ///< what differed until then, and was not put back
  std::map<ResourceId, CommitId> commits{};  ///< whose bytes are put back; none: the last succeeded sync's
  std::vector<ResourceId> waiting{};         ///< would be put back, but for that
  bool waited = false;                       ///< something is put back that waited
};

void DispatcherImpl::drifted(const DestinationName& destination, const protocol::Changed& changed) {
  std::lock_guard lock(mutex_);
  for (auto& [uid, app] : apps_) {
    if (app->config.destination != destination) continue;
    if (!changed.application.empty() && changed.application != uid.str()) continue;
    if (changed.all || changed.application.empty()) {
      app->dirty_all = true;
    } else {
      app->dirty.insert(changed.ids.begin(), changed.ids.end());
    }
    // Its provider started, or reaches the destination again: nobody waits for more.
    if (changed.all && changed.application.empty()) hurry(app);
    pump(app);
  }
}

/// On a worker, without the mutex; the application is marked busy.
void DispatcherImpl::look_at_live(const App& app) {
  bool all = false, full = false;
  std::vector<ResourceId> ids;
  std::optional<Scope> scope;
  {
    std::lock_guard lock(mutex_);
    all = std::exchange(app->dirty_all, false);
    full = std::exchange(app->dirty_full, false);
    ids.assign(app->dirty.begin(), app->dirty.end());
    app->dirty.clear();
    if (dests_.contains(app->config.destination) && repos_.contains(app->config.repository))
      scope.emplace(scope_of(app));
  }
  Look look;
  std::map<ResourceId, protocol::Drift> wish;
  std::map<ResourceId, CommitId> commits;
  try {
    if (scope && env_.store->inventory_count(app->uid) > 0)
      look = observe(*scope, all ? nullptr : &ids, full);
    for (const auto& id : look.drifted) {
      wish[id] = protocol::Drift::heal;
      commits[id];
      const auto row = env_.store->declared_id(app->uid, id);
      if (row) wish[id] = decode_resource(id, row->digest, row->resource).options.drift;
      for (const auto& entry : env_.store->inventory(app->uid, {id})) {
        commits[id] = commit_of(entry, row);
        if (!row && !entry.resource.empty())  // of a sync that did not succeed
          wish[id] = decode_resource(id, entry.owned_digest, entry.resource).options.drift;
      }
    }
  } catch (const std::exception& failure) {
    std::lock_guard lock(mutex_);
    app->report = failure.what();
    app->compared = false;
    app->dirty_all = app->dirty_all || all;
    app->dirty.insert(ids.begin(), ids.end());
    if (stopping_) return;
    app->hold = Hold::backoff;
    app->look_failed = true;
    const auto timer = ++app->timer;
    workers_->at(Monotonic::now() + next_look(*app), [this, app, timer] {
      std::lock_guard guard(mutex_);
      if (app->timer == timer && app->hold == Hold::backoff) look_anew(app);
    });
    if (app->next) pump(app);
    return;
  }

  std::lock_guard lock(mutex_);
  app->compared = look.unknown.empty();
  app->report = look.unknown;
  const auto stays = [&](const ResourceId& id) { return look.waits.contains(id); };
  const bool all_wait = std::all_of(look.drifted.begin(), look.drifted.end(), stays);
  if (look.unknown.empty() && all_wait) app->heal_error.clear();
  if (look.unknown.empty()) app->convergence.looked(look.drifted, all ? nullptr : &ids);
  if (look.any) app->observed = true;
  auto reported = app->out_of_sync;
  if (all) {
    app->out_of_sync.clear();
    app->ailing.clear();
  }
  for (const auto& id : ids) {
    app->out_of_sync.erase(id);
    app->ailing.erase(id);
  }
  app->ailing.merge(look.ailing);
  if (app->again && app->again->for_health)
    app->again->due = look.unknown.empty() && app->ailing.empty() && !app->dirty_all;
  look_again(app, look.unknown.empty());
  Drifted drifted{std::move(wish), app->waiting, std::move(reported), std::move(commits)};
  app->hold = Hold::none;
  if (await_others(app, look, all ? nullptr : &ids)) {
    take_up(app);
    return pump(app);
  }
  auto heal = to_heal(app, look, drifted);
  if (app->next)
    app->dirty.insert(heal.begin(), heal.end());  // yields to the push, and is seen again after it
  if (heal.empty() || stopping_ || app->next || app->moving || !configured(app)) {
    take_up(app);
    return pump(app);
  }
  Job job;
  job.kind = Kind::heal;
  job.revision = common(heal, drifted.commits, app->state.revision);
  job.drifted = std::move(heal);
  job.waited = drifted.waited;
  job.received = env_.clock->wall();
  begin(app, std::move(job));
}

/// With the mutex. What is put back now; what is not differs, and is looked at again when it may be.
std::vector<ResourceId> DispatcherImpl::to_heal(const App& app, const Look& look, Drifted& drifted) {
  const auto now = Monotonic::now();
  std::vector<ResourceId> heal;
  std::set<ResourceId> healed;
  std::optional<Monotonic::time_point> later;
  const auto put_back = [&](const ResourceId& id) {
    heal.push_back(id);
    healed.insert(id);
  };
  for (const auto& id : look.drifted) {
    const auto wish = drifted.wish[id];
    if (wish == protocol::Drift::ignore || app->config.drift == config::DriftPolicy::ignore) continue;
    if (wish == protocol::Drift::report || app->config.drift == config::DriftPolicy::report ||
        app->config.suspended) {
      // What is put back is told by the run that does it, once its plan shows what differs.
      if (!drifted.reported.contains(id))
        log::info("drift", {{"application", app->config.name.str()},
                            {"resource", id.str()},
                            {"reason", look.reasons.at(id)}});
      app->out_of_sync.insert(id);
      continue;
    }
    if (look.waits.contains(id)) {
      drifted.waiting.push_back(id);
      continue;
    }
    // Whoever took away what it was in took it away once, however much was in there.
    if (drifted.before.contains(id) && drifted.before.at(id).on != id) {
      drifted.waited = true;
      put_back(id);
      continue;
    }
    const auto known = look.changers.find(id);
    const Changer changer = known == look.changers.end() ? Changer{} : known->second;
    const auto verdict = app->contest.ask(id, now, changer);
    if (verdict.say) say_contested(app->config.name, id, changer);
    if (verdict.when <= now) {
      put_back(id);
      app->contest.healed(id, now);
      continue;
    }
    app->out_of_sync.insert(id);
    if (!later || verdict.when < *later) later = verdict.when;
  }
  for (const auto& id : drifted.waiting) {
    // It comes with what it waits for.
    if (healed.contains(look.waits.at(id).on)) {
      app->waiting.erase(id);
      drifted.waited = true;
      heal.push_back(id);
    } else {
      app->out_of_sync.insert(id);
    }
  }
  app->contest.forget_quiet(now);
  if (later) {
    // The mark comes back when the slowest of the fighting heals may go on.
    std::vector<ResourceId> again(app->out_of_sync.begin(), app->out_of_sync.end());
    workers_->at(*later, [this, app, again] {
      std::lock_guard guard(mutex_);
      app->dirty.insert(again.begin(), again.end());
      pump(app);
    });
  }
  look_at_waiting(app);
  return heal;
}

/// With the mutex. The pause after a look that failed is over.
void DispatcherImpl::look_anew(const App& app) {
  ++app->timer;
  app->look_failed = false;
  app->hold = Hold::none;
  take_up(app);
  pump(app);
}

/// With the mutex. What could not be compared is looked at again, since no change of it may ever be told.
void DispatcherImpl::look_again(const App& app, bool known) {
  if (known) {
    app->unknown_looks = 0;
    return;
  }
  if (app->looks_again) return;
  app->looks_again = true;
  workers_->at(Monotonic::now() + next_look(*app), [this, app] {
    std::lock_guard guard(mutex_);
    app->looks_again = false;
    if (!configured(app) || stopping_) return;
    app->dirty_all = true;
    pump(app);
  });
}

void DispatcherImpl::schedule_check(const App& app) {
  const auto timer = ++app->check_timer;
  if (app->config.check_interval.count() == 0) return;
  workers_->at(Monotonic::now() + app->config.check_interval, [this, app, timer] {
    std::lock_guard guard(mutex_);
    if (app->check_timer != timer || !configured(app) || stopping_) return;
    app->dirty_all = app->dirty_full = true;
    pump(app);
    schedule_check(app);
  });
}

}  // namespace gitopsd::sync
