// What moves from one application to another: who they are and where they go, and that they go on at once
// when it has moved. Functions here want `mutex_` held unless they say otherwise.
#include "daemon/sync/dispatcher_state.h"

namespace gitopsd::sync {

/// Without the mutex. The other applications of a destination.
std::vector<Other> DispatcherImpl::others_of(const ApplicationUid& self, const DestinationName& destination) {
  std::vector<Other> others;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [uid, app] : apps_) {
      if (uid == self || app->config.destination != destination || !repos_.contains(app->config.repository))
        continue;
      const Job* job = app->next ? &*app->next : app->under_way();
      if (!job && app->again) job = &app->again->job;
      others.push_back({scope_of(app), app->state, job ? job->revision : CommitId{}});
    }
  }
  for (auto& other : others) {
    if (!other.wanted.empty()) continue;
    const auto ref = Ref::parse(other.scope.application.ref);
    const auto tip = ref && other.state.quarantined.empty()
                         ? env_.store->tip(other.scope.application.repository, *ref)
                         : std::nullopt;
    other.wanted = tip.value_or(other.state.revision);
  }
  return others;
}

/// Those that something went to take it up, by their sync or else as drift; those that were refused something
/// of this destination, or wait for this application's word, are tried again.
void DispatcherImpl::hand_on(const App& app, Run& run, const Outcome& outcome) {
  const auto dest = dests_.find(app->config.destination);
  if (dest == dests_.end()) return;
  for (const auto& [uid, ids] : run.take_handed()) {
    const auto to = apps_.find(uid);
    if (to == apps_.end()) continue;
    to->second->dirty.insert(ids.begin(), ids.end());
    pump(to->second);
  }
  if (run.take_let_go()) {
    app->let_go = ++dest->second->let_go;
    for (const auto& [uid, other] : apps_) {
      const bool refused = other->again || other->retrying || other->aside.retrying;
      if (other == app || other->config.destination != app->config.destination || !refused) continue;
      hurry(other);
      pump(other);
    }
  }
  const bool ended = outcome.kind == Outcome::Kind::succeeded && run.job().kind != Kind::heal;
  if (ended) {
    for (const auto& uid : std::exchange(dest->second->awaiting, {})) {
      const auto other = apps_.find(uid);
      if (other == apps_.end() || other->second == app) continue;
      hurry(other->second);
      pump(other->second);
    }
  }
  if (!outcome.awaits.empty()) dest->second->awaiting.insert(app->uid);
}

/// Whether something was let go of since the run began: it may have been refused for that.
bool DispatcherImpl::let_go_meanwhile(const App& app) const {
  const auto dest = dests_.find(app->config.destination);
  return dest != dests_.end() && dest->second->let_go != app->let_go;
}

}  // namespace gitopsd::sync
