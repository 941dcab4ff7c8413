// Back to an earlier state, held until the repository says something new or somebody resumes (promise 10).
#include <algorithm>

#include "daemon/sync/dispatcher_state.h"
#include "daemon/sync/input_key.h"
#include "daemon/sync/operator_audit.h"
#include "daemon/sync/tag_pattern.h"

namespace gitopsd::sync {
namespace {

constexpr int kRecentSyncs = 50;

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// Whether the destination has something of a sync that came after the last succeeded one, or may get it at
/// any moment.
bool went_ahead(const store::Store& store, const store::ApplicationState& state, const store::Sync& last) {
  using store::SyncState;
  if (!ended(last.state) && last.state != SyncState::held) return true;
  for (const auto& sync : store.syncs_since(state.uid, state.last_succeeded, kRecentSyncs))
    if (sync.created + sync.updated + sync.deleted > 0) return true;
  // A sync that was cut off counted nothing.
  for (const auto& entry : store.unsettled(state.uid)) {
    for (const SyncId id : {entry.changed_by, entry.intended_sync}) {
      if (id <= state.last_succeeded) continue;
      const auto sync = store.sync(id);
      if (!sync || sync->kind != "heal") return true;
    }
  }
  return false;
}

/// The source keys that a rollback leads away from: of what was wanted last, and of what is in force, unless
/// that is the way back from a sync that went half-way.
std::vector<std::string> led_away_from(const store::Store& store, const store::ApplicationState& state) {
  std::vector<std::string> away;
  const auto last = store.sync(state.last_sync);
  if (last && last->kind == "sync" && !last->source_key.empty()) away.push_back(last->source_key);
  const bool half_way = last && last->id != state.last_succeeded && went_ahead(store, state, *last);
  if ((!half_way || away.empty()) && !contains(away, state.source_key)) away.push_back(state.source_key);
  return away;
}

/// The last of the kept syncs that is at or before a commit, where nothing that the application reads changed
/// from there to that commit: it was in force at it.
const store::Sync* in_force_at(const source::Mirror& mirror, const CommitId& commit, const std::string& path,
                               const std::string& outside, const std::vector<store::Sync>& kept) {
  const auto leads_to = [&](const CommitId& later, const CommitId& earlier) {
    return mirror.standing(earlier, later, {}) != source::Standing::unreachable;
  };
  const store::Sync* last = nullptr;
  for (const auto& sync : kept) {
    if (!leads_to(commit, sync.revision)) continue;
    const bool nearer = !last || (sync.revision != last->revision && leads_to(sync.revision, last->revision));
    if (nearer) last = &sync;
  }
  if (!last) return nullptr;
  const auto at_commit = source_key(path, *mirror.snapshot(commit), decode_outside(outside));
  return at_commit == last->source_key ? last : nullptr;
}

/// Whether a commit is, or was, on the way to what the application follows.
bool is_of_ref(const store::Store& store, const source::Mirror& mirror, const CommitId& commit,
               const config::Application& config, const std::vector<store::Sync>& kept) {
  const auto leads_to = [&](const CommitId& head) {
    return mirror.standing(commit, head, {}) != source::Standing::unreachable;
  };
  const auto ref = is_pattern(config.ref) ? std::nullopt : Ref::parse(config.ref);
  const auto tip = ref ? store.tip(config.repository, *ref) : std::nullopt;
  return (tip && leads_to(*tip)) ||
         std::any_of(kept.begin(), kept.end(), [&](const auto& sync) { return leads_to(sync.revision); });
}

bool is_kept_away(const store::ApplicationState& state, const store::Sync& sync) {
  return !sync.source_key.empty() && state.quarantined.find(sync.source_key) != std::string::npos;
}

/// The newest that a rollback without a commit may go to.
const store::Sync* state_before(const store::ApplicationState& state, const std::vector<store::Sync>& kept,
                                const std::vector<std::string>& away) {
  for (const auto& sync : kept)
    if (!is_kept_away(state, sync) && !contains(away, sync.source_key)) return &sync;
  return nullptr;
}

/// What a commit brought, or what was in force at it; nullptr where neither is kept.
const store::Sync* state_at(const store::Store& store, const source::Mirror& mirror, const CommitId& commit,
                            const config::Application& config, const store::ApplicationState& state,
                            const std::vector<store::Sync>& kept) {
  const store::Sync* found = nullptr;
  for (const auto& sync : kept)
    if (sync.revision == commit && (!found || is_kept_away(state, *found))) found = &sync;
  if (found || !is_of_ref(store, mirror, commit, config, kept)) return found;
  return in_force_at(mirror, commit, config.path, state.outside, kept);
}

Failure no_way_back(const ApplicationName& name, const std::optional<CommitId>& to,
                    const store::Sync* kept_away, const store::ApplicationState& state,
                    const std::vector<store::Sync>& kept) {
  std::string known;
  for (const auto& sync : kept)
    if (!is_kept_away(state, sync)) known += (known.empty() ? "kept: " : " ") + sync.revision.short_str();
  if (!to)
    return fail(ProblemCause::conflict, "application " + name.str() + " has no earlier state to roll back to",
                known);
  if (kept_away)
    return fail(ProblemCause::input, name.str() + " was rolled back from what was in force at " + to->str(),
                "gitopsctl resume " + name.str() + " follows the ref again; " + known);
  return fail(ProblemCause::input,
              name.str() + " cannot go back to commit " + to->str() +
                  ": it is not among the kept syncs, nor a commit of its ref that changed nothing after one "
                  "of them",
              known);
}

}  // namespace

/// Without the mutex. What a rollback holds off changes in the store and here as one: `change` makes the new
/// word of the old, and nobody else's comes in between.
void DispatcherImpl::quarantine(const App& app,
                                const std::function<std::string(const std::string&)>& change) {
  std::lock_guard turn(quarantine_mutex_);
  std::string before;
  {
    std::lock_guard lock(mutex_);
    before = app->state.quarantined;
  }
  const std::string after = change(before);
  if (after == before) return;
  env_.store->quarantine(app->uid, after);
  std::lock_guard lock(mutex_);
  app->state.quarantined = after;
}

EventId DispatcherImpl::rollback(const ApplicationName& name, const std::optional<CommitId>& to,
                                 const std::string& who) {
  const auto app = app_named(name);
  config::Application config;
  store::ApplicationState state;
  std::shared_ptr<source::Mirror> mirror;
  {
    std::lock_guard lock(mutex_);
    config = app->config;
    state = app->state;
    mirror = repos_.at(config.repository)->mirror;
  }
  // The store's word is newer than this copy where a sync begins or ends meanwhile.
  if (const auto now = env_.store->application(config.uid)) state = *now;
  std::vector<std::string> away = led_away_from(*env_.store, state);
  const auto kept = env_.store->kept_syncs(config.uid);
  const store::Sync* target =
      to ? state_at(*env_.store, *mirror, *to, config, state, kept) : state_before(state, kept, away);
  if (!target || is_kept_away(state, *target)) throw no_way_back(name, to, target, state, kept);
  std::erase(away, target->source_key);        // somebody may go back to what is in force
  quarantine(app, [&](std::string held_off) {  // earlier rollbacks hold too
    for (const auto& key : away) {
      if (held_off.find(key) == std::string::npos) held_off += (held_off.empty() ? "" : " ") + key;
    }
    return held_off;
  });
  store::NewEvent event;
  event.cause = store::Cause::rollback;
  event.repository = config.repository;
  if (const auto ref = Ref::parse(config.ref)) event.ref = *ref;
  event.before = state.revision;
  event.after = target->revision;
  event.application = config.uid;
  event.actor = who;
  event.note = std::to_string(target->id.value);
  event.received = env_.clock->wall();
  const EventId id = env_.store->add_event(event);
  Value said = Value::object({{"event", id.value}, {"commit", target->revision.str()}});
  if (to && *to != target->revision) said.set("asked", to->str());
  env_.store->audit(audit_of("rollback", who, name, std::move(said)));
  notify({id});
  return id;
}

/// Without the mutex. Ends pauses for resources that others kept changing. Whether there were any.
bool DispatcherImpl::resume_healing(const App& app) {
  const std::lock_guard lock(mutex_);
  const bool fights = app->contest.settle();
  const bool stuck = app->convergence.settle();
  if (!fights && !stuck) return false;
  app->dirty.insert(app->out_of_sync.begin(), app->out_of_sync.end());
  pump(app);
  return true;
}

void DispatcherImpl::resume(const ApplicationName& name, const std::string& who) {
  const auto app = app_named(name);
  const bool healing = resume_healing(app);
  quarantine(app, [&](const std::string& held_off) {
    if (held_off.empty() && !healing) {
      throw fail(ProblemCause::conflict, "application " + name.str() +
                                             " is not held back by a rollback, and the healing of its drift "
                                             "does not pause");
    }
    return std::string();
  });
  env_.store->audit(audit_of("resume", who, name));
  std::lock_guard lock(mutex_);
  const auto rolls_back = [](const Job& job) { return job.kind == Kind::rollback; };
  if (app->next && rolls_back(*app->next)) {
    drop_next(app, "resumed before the rollback began");
  } else if (app->run && rolls_back(app->run->job()) && app->hold != ApplicationLine::Hold::busy) {
    release_parked(app, "resumed before the rollback went on");
    rest(app);
  }
  app->last_tried_key.clear();
  const auto repo = repos_.at(app->config.repository);
  repo->look_wanted = true;
  wake(repo);
}

}  // namespace gitopsd::sync
