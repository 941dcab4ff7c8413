// From stored events to the applications they concern: fetch, peel, place the commit, compare input keys.
#include <algorithm>

#include "base/log.h"
#include "daemon/sync/backoff.h"
#include "daemon/sync/dispatcher_state.h"
#include "daemon/sync/input_key.h"
#include "daemon/sync/problems.h"
#include "daemon/sync/tag_pattern.h"

namespace gitopsd::sync {

using namespace std::chrono_literals;
namespace {
constexpr auto kLongFetch = 1s;

Word word_of(const store::Event& event) {
  return {event.state, event.reason};
}

template <class Which>
std::vector<EventId> ids_where(const std::vector<store::Event>& events, const Which& which) {
  std::vector<EventId> ids;
  ids.reserve(events.size());
  for (const auto& e : events) {
    if (which(e)) ids.push_back(e.id);
  }
  return ids;
}
}  // namespace

std::vector<DispatcherImpl::App> DispatcherImpl::followers(const RepositoryName& name, const Ref& ref) const {
  std::lock_guard lock(mutex_);
  std::vector<App> found;
  for (const auto& [uid, app] : apps_) {
    if (app->config.repository == name && follows(app->config.ref, ref)) found.push_back(app);
  }
  return found;
}

// It is moved from, which the check does not see. NOLINTNEXTLINE(performance-unnecessary-value-param)
void DispatcherImpl::take_event(store::Event event) {
  if (event.cause == store::Cause::rollback ||
      (event.cause == store::Cause::manual && event.note == "cascade")) {
    return decide_direct(event);
  }
  std::unique_lock lock(mutex_);
  const auto it = repos_.find(event.repository);
  if (it == repos_.end()) {
    lock.unlock();
    env_.store->set_event(event.id, store::EventState::ignored, "repository left the configuration");
    return;
  }
  if (!trackers_.contains(event.id)) it->second->pending.try_emplace(event.id, std::move(event));
  wake(it->second);
}

void DispatcherImpl::wake(const Repo& repo) {
  if (repo->busy || stopping_ || repo->cancel.requested()) return;
  if (repo->pending.empty() && !repo->look_wanted) return;
  repo->busy = true;
  fetchers_->post([this, repo] { work(repo); });
}

/// One fetch at a time per repository; all events that gathered share it.
void DispatcherImpl::work(const Repo& repo) {
  std::map<Ref, std::vector<store::Event>> by_ref;
  bool look_wanted = false;
  {
    std::lock_guard lock(mutex_);
    for (auto& [id, e] : repo->pending) by_ref[e.ref].push_back(std::move(e));
    repo->pending.clear();
    look_wanted = std::exchange(repo->look_wanted, false);
  }
  for (auto& [ref, events] : by_ref) {
    try {
      decide_ref(repo, ref, events);
      std::lock_guard lock(mutex_);
      repo->failures = 0;
    } catch (const Failure& failure) {
      give_back(repo, events, failure);
    } catch (const std::exception& e) {
      give_back(repo, events, fail(ProblemCause::transient, e.what()));
    }
  }
  if (look_wanted) look(repo);
  end_left();
  std::lock_guard lock(mutex_);
  repo->busy = false;
  wake(repo);
}

/// Whatever happens to the store meanwhile, no event is forgotten here.
void DispatcherImpl::give_back(const Repo& repo, const std::vector<store::Event>& events,
                               const Failure& failure) {
  try {
    judge(repo, events, failure);
  } catch (const std::exception& e) {
    log::error("cannot record what became of events; they are looked at again", {{"error", e.what()}});
    fetchers_->at(Monotonic::now() + 5s, [this, events] {
      for (const auto& event : events) take_event(event);
    });
  }
}

/// Events whose repository could not be used: tried again where time may help, failed where it cannot.
void DispatcherImpl::judge(const Repo& repo, std::vector<store::Event> events, const Failure& failure) {
  const std::string error = describe(failure.problems());
  bool stopping = false, known = false;
  int failures = 0;
  {
    std::lock_guard lock(mutex_);
    known = std::exchange(repo->error, error) == error;
    ++metrics_.fetch_failures;
    if (!events.empty()) failures = ++repo->failures;  // polls have their interval
    stopping = stopping_;
  }
  if (!known || !events.empty())
    log::warning("cannot read the repository", {{"repository", repo->name.str()}, {"error", error}});
  if (stopping) return;
  std::erase_if(events, [&](const auto& e) {
    std::lock_guard lock(mutex_);
    return trackers_.contains(e.id);  // already handed to applications
  });
  if (events.empty()) return;
  const bool again = failure.cause() == ProblemCause::transient;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [uid, app] : apps_) {
      if (app->config.repository != repo->name || app->phase != Phase::fetching) continue;
      app->waits_for = again ? "repository " + repo->name.str() + " cannot be read; it is tried again" : "";
      if (!again) app->phase = Phase::idle;
    }
  }
  if (!again) {
    for (const auto& e : events) env_.store->set_event(e.id, store::EventState::failed, "repository", error);
    return;
  }
  const auto delay = backoff(500ms, failures);
  for (auto& e : events) {
    e.attempts = env_.store->add_attempt(e.id);
    e.state = store::EventState::queued;
    e.reason =
        "the repository cannot be read; tried again in " + std::to_string(delay.count() / 1000 + 1) + " s";
    env_.store->set_event(e.id, e.state, e.reason, error);
    tell({env_.clock->wall(), {}, repo->name, e.id, {}, "waiting", e.reason + ": " + error});
  }
  // By name, not by line: a reload may have replaced the repository meanwhile.
  fetchers_->at(Monotonic::now() + delay, [this, events = std::move(events)] {
    for (const auto& event : events) take_event(event);
  });
}

void DispatcherImpl::decide_ref(const Repo& repo, const Ref& ref, std::vector<store::Event> events) {
  const auto apps = followers(repo->name, ref);
  const auto end_all = [&](store::EventState state, const std::string& reason) {
    env_.store->set_events(ids_where(events, [](const auto&) { return true; }), state, reason);
  };
  if (apps.empty()) return end_all(store::EventState::ignored, "no application follows " + ref.str());
  config::Repository config;
  {
    std::lock_guard lock(mutex_);
    config = repo->config;
    for (const auto& app : apps) {
      if (!app->engaged() && app->hold != ApplicationLine::Hold::backoff) app->phase = Phase::fetching;
    }
  }

  std::optional<CommitId> wanted;
  for (const auto& e : events) {
    if (!e.deleted && !e.after.empty()) wanted = e.after;
  }
  for (const auto& e : events) {
    tell({env_.clock->wall(), {}, repo->name, e.id, {}, "fetching", ref.str() + " of " + repo->name.str()});
  }
  auto remote = remote_of(config);
  const auto began = Monotonic::now();
  remote.progress = [this, &repo, &ref, &apps, began,
                     first = std::optional<bool>()](const source::Progress& p) mutable {
    if (!first) {
      const auto seen = env_.store->tip(repo->name, ref);
      first = !seen || !repo->mirror->has(*seen);
    }
    if (*first || Monotonic::now() - began > kLongFetch) show_fetch(repo, ref, apps, p, *first);
  };
  const auto fetched = repo->mirror->fetch(remote, ref, wanted, repo->cancel);
  const WallMicros fetched_at = env_.clock->wall();
  for (const auto& e : events) {
    tell({fetched_at,
          {},
          repo->name,
          e.id,
          {},
          "fetched",
          fetched.tip ? ref.str() + " is at " + fetched.tip->short_str() : ref.str() + " does not exist"});
  }
  {
    std::lock_guard lock(mutex_);
    ++metrics_.fetches;
    repo->last_look = fetched_at;
    repo->error.clear();
    for (const auto& app : apps) {
      if (app->phase != Phase::fetching) continue;
      app->phase = Phase::idle;
      app->waits_for.clear();
    }
    for (const auto& app : apps) {
      if (!is_pattern(app->config.ref)) app->source_missing = !fetched.tip.has_value();
    }
  }
  if (!fetched.tip)
    return end_all(store::EventState::ignored,
                   ref.str() + " does not exist at the repository; nothing is pruned");

  const auto passed = passed_over(repo, remote, ref, apps);
  if (passed.size() == apps.size()) return end_all(store::EventState::superseded, passed.begin()->second);

  const auto deletes = [](const store::Event& e) { return e.deleted; };
  env_.store->set_events(ids_where(events, deletes), store::EventState::ignored, ref.str() + " exists again");
  std::erase_if(events, deletes);
  const auto chosen = choose(repo, *fetched.tip, events);
  await_missing(repo, ref, *fetched.tip, chosen, events);
  if (!chosen) {
    std::map<CommitId, std::vector<EventId>> of;
    for (const auto& e : events) of[e.after].push_back(e.id);
    for (const auto& [commit, ids] : of) {
      env_.store->set_events(ids, store::EventState::superseded,
                             commit.short_str() + " is not on the way to the tip of " + ref.str());
    }
    return;
  }
  const auto others = ids_where(events, [&](const store::Event& e) { return e.after != *chosen; });
  env_.store->set_events(others, store::EventState::superseded, "superseded by " + chosen->short_str());
  const auto snapshot = repo->mirror->snapshot(*chosen);
  for (const auto& e : events) {
    if (e.after == *chosen) decide_event(repo, e, apps, passed, *fetched.tip, *snapshot, fetched_at);
  }
  if (*chosen == *fetched.tip) env_.store->set_tip(repo->name, ref, *fetched.tip);
}

/// What a fetch says that people wait for: a first clone, or one that takes long.
void DispatcherImpl::show_fetch(const Repo& repo, const Ref& ref, const std::vector<App>& apps,
                                const source::Progress& p, bool first) {
  std::string text = first ? "cloning: " : "fetching: ";
  if (p.total_objects > 0)
    text += std::to_string(p.objects) + " of " + std::to_string(p.total_objects) + " objects";
  else
    text += std::to_string(p.bytes >> 10) + " KiB";
  {
    std::lock_guard lock(mutex_);
    for (const auto& app : apps) {
      if (app->phase == Phase::fetching) app->waits_for = text;
    }
  }
  tell({env_.clock->wall(), {}, repo->name, {}, {}, "fetching", ref.str() + ": " + text});
}

/// The applications that follow the ref by a pattern which means another tag, each with why: every one goes
/// by its own pattern, whatever others follow.
DispatcherImpl::PassedOver DispatcherImpl::passed_over(const Repo& repo, const source::Remote& remote,
                                                       const Ref& ref, const std::vector<App>& apps) {
  std::map<ApplicationUid, std::string> patterns;
  std::set<std::string> asked;
  {
    std::lock_guard lock(mutex_);
    for (const auto& app : apps) {
      if (!is_pattern(app->config.ref)) continue;
      patterns.emplace(app->uid, app->config.ref);
      asked.insert(app->config.ref);
    }
  }
  PassedOver passed;
  if (patterns.empty()) return passed;
  const auto refs = repo->mirror->remote_refs(remote, {asked.begin(), asked.end()}, repo->cancel);
  for (const auto& [uid, pattern] : patterns) {
    const auto top = meant(pattern, refs);
    if (!top) passed.emplace(uid, ref.str() + " is no version");
    if (top && *top != ref) passed.emplace(uid, top->str() + " is a higher version");
  }
  return passed;
}

/// With the mutex. What a commit has to be ahead of: what the application has, or is about to have. Events
/// may be decided out of order, and an older commit must not end the sync of a newer one.
CommitId DispatcherImpl::newest_wanted(const App& app, const CommitId& commit) {
  const Job* job = app->next ? &*app->next : app->under_way();
  const bool newer = job && job->kind == Kind::commit && job->revision != commit;
  return newer ? app->newest_of(*job) : app->revision();
}

/// Events that name one commit are each handed to its applications; an application that is already busy with
/// that very input takes the event along.
void DispatcherImpl::decide_event(const Repo& repo, const store::Event& event, const std::vector<App>& apps,
                                  const PassedOver& passed, const CommitId& tip,
                                  const source::Snapshot& snapshot, WallMicros fetched_at) {
  {
    std::lock_guard lock(mutex_);
    auto& timings = trackers_.try_emplace(event.id, word_of(event)).first->second.timings;
    timings.received = event.timings.received;
    timings.fetched = fetched_at;
  }
  std::string note;
  for (const auto& app : apps) {
    if (!event.application.empty() && event.application != app->uid) continue;
    CommitId applied, ahead_of;
    bool signed_only = false;
    {
      std::lock_guard lock(mutex_);
      signed_only = repo->config.require_signed;
      if (const auto why = passed.find(app->uid); why != passed.end()) {
        note = why->second;
        ++trackers_[event.id].superseded;
        continue;
      }
      applied = app->revision();
      ahead_of = newest_wanted(app, event.after);
    }
    if (signed_only && !event.body_signed && event.cause != store::Cause::manual && event.after != applied) {
      std::lock_guard lock(mutex_);
      app->unsigned_report = only_reported(event.after);
      note = app->unsigned_report;
      continue;
    }
    // One destination that cannot be reached is its applications' matter: the others go on.
    try {
      concern(app, event, snapshot, repo->mirror->standing(event.after, tip, ahead_of), note);
    } catch (const Failure& failure) {
      std::lock_guard lock(mutex_);
      if (failure.cause() == ProblemCause::transient) {
        ++trackers_[event.id].open;
        offer(app, commit_job(event));  // the sync itself tries again, with back-off
      } else {
        auto& tracker = trackers_[event.id];
        tracker.errors.push_back(describe(failure.problems()));
        tracker.failed[app->uid] = app->state.last_sync;
      }
    }
  }
  std::unique_lock lock(mutex_);
  auto& tracker = trackers_[event.id];
  tracker.decided = true;
  if (!note.empty()) tracker.note = note;
  if (tracker.open > 0) return;
  Tracker finished = std::move(tracker);
  trackers_.erase(event.id);
  lock.unlock();
  finish_event(event.id, finished);
}

Job DispatcherImpl::commit_job(const store::Event& event) {
  Job job;
  job.kind = Kind::commit;
  job.event = event.id;
  job.cause = event.cause;
  job.hook = event.hook;
  job.delivery = event.delivery;
  job.actor = event.actor;
  job.revision = event.after;
  job.force = event.cause == store::Cause::manual || event.cause == store::Cause::replay;
  job.received = event.timings.received;
  return job;
}

/// Hands the commit to one application, unless it has nothing to do with it.
void DispatcherImpl::concern(const App& app, const store::Event& event, const source::Snapshot& snapshot,
                             source::Standing standing, std::string& note) {
  using source::Standing;
  // No more than what is compared: this is all that an application costs which the commit does not concern.
  Dest dest;
  config::Application config;
  std::string settings, outside, known;
  bool quarantined = false;
  {
    std::lock_guard lock(mutex_);
    const auto it = dests_.find(app->config.destination);
    if (it == dests_.end()) return;
    dest = it->second;
    if (standing != Standing::tip && standing != Standing::ahead) {
      note = event.after.short_str() + " is behind what " + app->config.name.str() + " has";
      ++trackers_[event.id].superseded;
      return;
    }
    config = app->config;
    settings = app->settings_key;
    outside = app->state.outside;
    known = app->state.input_key;
    quarantined = !app->state.quarantined.empty();
  }
  const auto source = source_key(config.path, snapshot, decode_outside(outside));
  const auto digest = dest->provider->render_context_digest();
  const auto key = input_key_now(known, source, settings, digest, snapshot, config);
  const bool force = event.cause == store::Cause::manual || event.cause == store::Cause::replay;
  const auto held_off = [&](const std::string& quarantined) {
    return event.cause != store::Cause::manual && quarantined.find(source) != std::string::npos;
  };
  if (quarantined) {  // a new state ends what a rollback holds off
    quarantine(app, [&](const std::string& now) { return held_off(now) ? now : std::string(); });
  }
  std::lock_guard lock(mutex_);
  if (held_off(app->state.quarantined)) {
    const std::string& name = app->config.name.str();
    note = name + " was rolled back from this state; gitopsctl resume " + name + " releases it";
    return;
  }
  if (!force && is_rejected(app, key)) {
    note = app->rejected->text + "; gitopsctl sync " + app->config.name.str() + " asks for it again";
    ++trackers_[event.id].cancelled;
    return;
  }
  app->seen = {event.after, key};
  if (take_along(app, event, key, force)) return;
  const auto& state = app->state;
  const bool same = key == state.input_key && state.last_sync == state.last_succeeded && state.last_succeeded;
  if (same && !force && !app->engaged()) {
    app->accord = {event.after, state.last_succeeded};
    if (standing == Standing::tip) app->unsigned_report.clear();  // this one has it behind it
    return;
  }
  app->last_tried_key = tried_key(key, digest);
  Job job = commit_job(event);
  job.source_key = source;
  job.input_key = key;
  if (app->again && app->again->job.input_key == key && !force) {  // what failed before, for the same reason
    job.failures = app->again->job.failures;
    job.tries = app->again->job.tries;
  }
  ++trackers_[event.id].open;
  offer(app, std::move(job));
}

/// With the mutex. Whether the application is about to do, or doing, just what the event asks for.
bool DispatcherImpl::take_along(const App& app, const store::Event& event, const std::string& key,
                                bool force) {
  const Job* doing = app->next ? &*app->next : app->under_way();
  if (!doing || doing->kind != Kind::commit || doing->input_key != key || (force && !doing->force))
    return false;
  auto& along = app->next ? app->next->along : app->aside.any() ? app->aside.along : app->along;
  along.events.push_back(event.id);
  ++trackers_[event.id].open;
  say_of(event.id, app->uid, along.word);
  // What waits may do so for months: of all the pushes that leave it alone meanwhile the newest stays open.
  const bool waits = along.word.state == store::EventState::held || app->retrying || app->aside.retrying;
  if (!waits || force) return true;
  const auto older = std::exchange(along.news, Askers::News{event.id, event.after});
  if (older.event && older.commit != event.after && std::erase(along.events, older.event) > 0)
    end_waiting(app, nullptr, {older.event}, "superseded by " + event.after.short_str());
  return true;
}

void DispatcherImpl::decide_direct(const store::Event& event) {
  auto app = app_of(event.application);
  std::string why = kLeft;
  try {
    if (!app && event.cause == store::Cause::manual) app = orphan_of(event.application);
  } catch (const Failure& failure) {
    why = failure.what();
  }
  if (!app && event.cause == store::Cause::manual && !env_.store->application(event.application)) {
    return env_.store->set_event(event.id, store::EventState::succeeded, "nothing is left to delete");
  }
  if (!app) return env_.store->set_event(event.id, store::EventState::failed, {}, why);
  Job job;
  job.event = event.id;
  job.cause = event.cause;
  job.actor = event.actor;
  job.revision = event.after;
  job.received = event.timings.received;
  job.kind = event.cause == store::Cause::rollback ? Kind::rollback : Kind::remove;
  if (job.kind == Kind::rollback) job.rollback_to = SyncId{std::stoll(event.note)};
  std::lock_guard lock(mutex_);
  auto& tracker = trackers_.try_emplace(event.id, word_of(event)).first->second;
  if (tracker.open > 0) return;
  tracker.decided = true;
  tracker.open = 1;
  tracker.timings.received = event.timings.received;
  offer(app, std::move(job));
}

}  // namespace gitopsd::sync
