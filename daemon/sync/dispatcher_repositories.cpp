// From stored events to the applications they concern: fetch, peel, place the commit, compare input keys.
#include <algorithm>
#include <random>

#include "base/log.h"
#include "daemon/sync/dispatcher_state.h"
#include "daemon/sync/input_key.h"
#include "daemon/sync/problems.h"
#include "daemon/sync/tag_pattern.h"

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;

std::chrono::milliseconds jittered(std::chrono::milliseconds around) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return around * std::uniform_int_distribution<int>(80, 120)(random) / 100;
}

std::chrono::milliseconds backoff(int failures) {
  return jittered(std::min<std::chrono::milliseconds>(500ms * (1 << std::min(failures, 12)), 5min));
}

}  // namespace

source::Remote DispatcherImpl::remote_of(const config::Repository& r) const {
  source::Remote remote;
  remote.name = r.name;
  remote.url = r.url;
  remote.user = r.user;
  if (r.token) remote.token = r.token->resolve();
  if (r.ssh_key) remote.ssh_key = r.ssh_key->file;
  remote.known_hosts = r.known_hosts;
  remote.ca_file = r.ca_file;
  remote.proxy = r.proxy;
  remote.connect_timeout = r.connect_timeout;
  remote.idle_timeout = r.idle_timeout;
  remote.total_timeout = r.total_timeout;
  return remote;
}

std::vector<DispatcherImpl::App> DispatcherImpl::followers(const RepositoryName& name, const Ref& ref) const {
  std::lock_guard lock(mutex_);
  std::vector<App> found;
  for (const auto& [uid, app] : apps_) {
    if (app->config.repository == name && follows(app->config.ref, ref)) found.push_back(app);
  }
  return found;
}

std::string DispatcherImpl::context_digest(const Dest& dest) {
  return dest->provider->info().render_context_digest;
}

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
  auto& pending = it->second->pending;
  const bool known =
      std::any_of(pending.begin(), pending.end(), [&](const auto& e) { return e.id == event.id; }) ||
      trackers_.contains(event.id);
  if (!known) pending.push_back(std::move(event));
  wake(it->second);
}

void DispatcherImpl::wake(const Repo& repo) {
  if (repo->busy || stopping_ || (repo->pending.empty() && !repo->look_wanted)) return;
  repo->busy = true;
  fetchers_->post([this, repo] { work(repo); });
}

/// One fetch at a time per repository; all events that gathered share it.
void DispatcherImpl::work(const Repo& repo) {
  std::map<Ref, std::vector<store::Event>> by_ref;
  bool look_wanted = false;
  {
    std::lock_guard lock(mutex_);
    for (auto& e : repo->pending) by_ref[e.ref].push_back(std::move(e));
    repo->pending.clear();
    look_wanted = std::exchange(repo->look_wanted, false);
  }
  for (auto& [ref, events] : by_ref) {
    try {
      decide_ref(repo, ref, events);
      std::lock_guard lock(mutex_);
      repo->failures = 0;
    } catch (const Failure& failure) {
      give_back(repo, std::move(events), failure);
    }
  }
  if (look_wanted) look(repo);
  std::lock_guard lock(mutex_);
  repo->busy = false;
  wake(repo);
}

/// Events whose repository could not be used: tried again where time may help, failed where it cannot.
void DispatcherImpl::give_back(const Repo& repo, std::vector<store::Event> events, const Failure& failure) {
  const std::string error = describe(failure.problems());
  log::warning("cannot read the repository", {{"repository", repo->config.name.str()}, {"error", error}});
  bool stopping = false;
  int failures = 0;
  {
    std::lock_guard lock(mutex_);
    repo->error = error;
    ++metrics_.fetch_failures;
    failures = ++repo->failures;
    stopping = stopping_;
  }
  if (stopping) return;
  std::erase_if(events, [&](const auto& e) {
    std::lock_guard lock(mutex_);
    return trackers_.contains(e.id);  // already handed to applications
  });
  if (events.empty()) return;
  if (failure.cause() != ProblemCause::transient) {
    for (const auto& e : events) env_.store->set_event(e.id, store::EventState::failed, "repository", error);
    return;
  }
  const auto delay = backoff(failures);
  for (auto& e : events) {
    e.attempts = env_.store->add_attempt(e.id);
    env_.store->set_event(
        e.id, store::EventState::queued,
        "the repository cannot be read; tried again in " + std::to_string(delay.count() / 1000 + 1) + " s",
        error);
  }
  fetchers_->at(Monotonic::now() + delay, [this, repo, events = std::move(events)] {
    std::lock_guard lock(mutex_);
    for (const auto& e : events) repo->pending.push_back(e);
    wake(repo);
  });
}

/// Among events of one ref: the newest that is the tip, else the newest on the way to it. The others are
/// superseded.
std::optional<store::Event> DispatcherImpl::choose(const Repo& repo, const CommitId& tip,
                                                   std::vector<store::Event>& events) {
  std::sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.id > b.id; });
  const store::Event* chosen = nullptr;
  for (auto& e : events) {
    const auto commit = repo->mirror->peel(e.after);
    if (!commit) continue;
    e.after = *commit;
    if (e.after == tip) {
      chosen = &e;
      break;
    }
  }
  if (!chosen) {
    for (const auto& e : events) {
      if (!repo->mirror->has(e.after)) continue;
      const auto standing = repo->mirror->standing(e.after, tip, CommitId{});
      if (standing != source::Standing::ahead && standing != source::Standing::tip) continue;
      if (!chosen || repo->mirror->standing(e.after, tip, chosen->after) == source::Standing::ahead)
        chosen = &e;
    }
  }
  return chosen ? std::optional(*chosen) : std::nullopt;
}

void DispatcherImpl::decide_ref(const Repo& repo, const Ref& ref, std::vector<store::Event> events) {
  const auto apps = followers(repo->config.name, ref);
  const auto end_all = [&](store::EventState state, const std::string& reason, const EventId except = {}) {
    for (const auto& e : events) {
      if (e.id == except) continue;
      env_.store->set_event(e.id, state, reason);
    }
  };
  if (apps.empty()) return end_all(store::EventState::ignored, "no application follows " + ref.str());
  for (const auto& app : apps) {
    std::lock_guard lock(mutex_);
    if (app->hold == ApplicationLine::Hold::none) app->phase = Phase::fetching;
  }

  std::optional<CommitId> wanted;
  for (const auto& e : events) {
    if (!e.deleted && !e.after.empty()) wanted = e.after;
  }
  const auto remote = remote_of(repo->config);
  const auto fetched = repo->mirror->fetch(remote, ref, wanted, repo->cancel);
  const WallMicros fetched_at = env_.clock->wall();
  {
    std::lock_guard lock(mutex_);
    ++metrics_.fetches;
    repo->last_look = fetched_at;
    repo->error.clear();
    for (const auto& app : apps) {
      if (app->phase == Phase::fetching) app->phase = Phase::idle;
      if (!is_pattern(app->config.ref)) app->source_missing = !fetched.tip.has_value();
    }
  }
  if (!fetched.tip)
    return end_all(store::EventState::ignored,
                   ref.str() + " does not exist at the repository; nothing is pruned");

  const bool pattern_only =
      std::all_of(apps.begin(), apps.end(), [](const App& a) { return is_pattern(a->config.ref); });
  if (pattern_only) {
    std::vector<Ref> refs;
    for (const auto& [name, id] : repo->mirror->remote_refs(remote, {apps.front()->config.ref}, repo->cancel))
      refs.push_back(name);
    const auto top = highest(apps.front()->config.ref, refs);
    if (top && *top != ref)
      return end_all(store::EventState::superseded, top->str() + " is a higher version");
  }

  std::erase_if(events, [](const auto& e) { return e.deleted; });  // the ref is back already
  const auto chosen = choose(repo, *fetched.tip, events);
  if (!chosen) {
    for (const auto& e : events) {
      const bool here = repo->mirror->has(e.after);
      env_.store->set_event(
          e.id, here ? store::EventState::superseded : store::EventState::failed,
          e.after.short_str() +
              (here ? " is not on the way to the tip of "
                    : " is no commit that the repository gives out on ") +
              ref.str(),
          here ? std::string() : "the repository has no commit " + e.after.str() + " on " + ref.str());
    }
    return;
  }
  end_all(store::EventState::superseded, "superseded by " + chosen->after.short_str(), chosen->id);

  const auto snapshot = repo->mirror->snapshot(chosen->after);
  {
    std::lock_guard lock(mutex_);
    trackers_[chosen->id].timings.received = chosen->timings.received;
    trackers_[chosen->id].timings.fetched = fetched_at;
  }
  std::string note;
  Tracker finished;
  try {
    for (const auto& app : apps) {
      if (!chosen->application.empty() && chosen->application != app->config.uid) continue;
      if (repo->config.require_signed && !chosen->body_signed && chosen->cause != store::Cause::manual &&
          chosen->after != app->state.revision) {
        std::lock_guard lock(mutex_);
        app->report = "commit " + chosen->after.short_str() +
                      " was not named by a signed delivery; it is only reported";
        note = app->report;
        continue;
      }
      const auto standing = repo->mirror->standing(chosen->after, *fetched.tip, app->state.revision);
      concern(app, *chosen, chosen->after, *snapshot, standing, note, fetched_at);
    }
  } catch (...) {
    std::lock_guard lock(mutex_);
    if (trackers_[chosen->id].open == 0) trackers_.erase(chosen->id);
    throw;
  }
  if (chosen->after == *fetched.tip) env_.store->set_tip(repo->config.name, ref, *fetched.tip);
  std::unique_lock lock(mutex_);
  auto& tracker = trackers_[chosen->id];
  tracker.decided = true;
  tracker.note = note;
  if (tracker.open > 0) return;
  finished = std::move(tracker);
  trackers_.erase(chosen->id);
  lock.unlock();
  finish_event(chosen->id, std::move(finished));
}

/// Hands the commit to one application, unless it has nothing to do with it.
bool DispatcherImpl::concern(const App& app, const store::Event& event, const CommitId& commit,
                             const source::Snapshot& snapshot, source::Standing standing, std::string& note,
                             WallMicros) {
  using source::Standing;
  Dest dest;
  store::ApplicationState state;
  config::Application config;
  {
    std::lock_guard lock(mutex_);
    state = app->state;
    config = app->config;
    const auto it = dests_.find(config.destination);
    if (it == dests_.end()) return false;
    dest = it->second;
  }
  if (standing != Standing::tip && standing != Standing::ahead) {
    note = commit.short_str() + " is behind what " + config.name.str() + " has";
    return false;
  }
  const auto source = source_key(config, snapshot, decode_outside(state.outside));
  const auto key = input_key(source, config, dest->config, context_digest(dest));
  const bool force = event.cause == store::Cause::manual || event.cause == store::Cause::replay;
  if (!state.quarantined.empty()) {
    if (state.quarantined == source && event.cause != store::Cause::manual) {
      note = config.name.str() + " was rolled back from this state; gitopsctl resume " + config.name.str() +
             " releases it";
      return false;
    }
    state.quarantined.clear();
    env_.store->put_application(state);
  }
  std::lock_guard lock(mutex_);
  app->state.quarantined = state.quarantined;
  const bool same = key == state.input_key && state.last_sync == state.last_succeeded && state.last_succeeded;
  const bool busy = app->run || app->next;
  if (same && !force && !busy) {
    if (commit != state.revision && app->report.empty()) app->state.revision = state.revision;
    return false;
  }
  app->last_tried_key = key;
  Job job;
  job.kind = Kind::commit;
  job.event = event.id;
  job.cause = event.cause;
  job.actor = event.actor;
  job.revision = commit;
  job.source_key = source;
  job.input_key = key;
  job.force = force;
  job.received = event.timings.received;
  ++trackers_[event.id].open;
  offer(app, std::move(job));
  return true;
}

void DispatcherImpl::decide_direct(const store::Event& event) {
  auto app = app_of(event.application);
  if (!app && event.cause == store::Cause::manual) app = orphan_of(event.application);
  if (!app) {
    env_.store->set_event(event.id, store::EventState::failed, "", "the application left the configuration");
    return;
  }
  Job job;
  job.event = event.id;
  job.cause = event.cause;
  job.actor = event.actor;
  job.revision = event.after;
  job.received = event.timings.received;
  job.kind = event.cause == store::Cause::rollback ? Kind::rollback : Kind::remove;
  if (job.kind == Kind::rollback) job.rollback_to = SyncId{std::stoll(event.note)};
  std::lock_guard lock(mutex_);
  auto& tracker = trackers_[event.id];
  if (tracker.open > 0) return;
  tracker.decided = true;
  tracker.open = 1;
  tracker.timings.received = event.timings.received;
  offer(app, std::move(job));
}

/// Polls: the safety net for lost webhooks, and the check whether settings changed what a commit means.
void DispatcherImpl::look(const Repo& repo) {
  std::set<std::string> patterns;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [uid, app] : apps_) {
      if (app->config.repository == repo->config.name) patterns.insert(app->config.ref);
    }
  }
  schedule_look(repo, jittered(repo->config.poll));
  if (patterns.empty()) return;
  std::vector<store::Event> found;
  try {
    const auto refs =
        repo->mirror->remote_refs(remote_of(repo->config), {patterns.begin(), patterns.end()}, repo->cancel);
    {
      std::lock_guard lock(mutex_);
      repo->last_look = env_.clock->wall();
      repo->error.clear();
    }
    for (const auto& pattern : patterns) {
      std::vector<Ref> names;
      for (const auto& [name, id] : refs) names.push_back(name);
      const auto ref = is_pattern(pattern) ? highest(pattern, names) : Ref::parse(pattern);
      const auto tip = ref ? refs.find(*ref) : refs.end();
      std::vector<App> apps;
      {
        std::lock_guard lock(mutex_);
        for (const auto& [uid, app] : apps_) {
          if (app->config.repository != repo->config.name || app->config.ref != pattern) continue;
          app->source_missing = tip == refs.end();
          apps.push_back(app);
        }
      }
      if (tip == refs.end()) continue;
      store::NewEvent event;
      event.repository = repo->config.name;
      event.ref = *ref;
      event.after = tip->second;
      event.received = env_.clock->wall();
      const auto seen = env_.store->tip(repo->config.name, *ref);
      const bool moved = !seen || *seen != tip->second;
      if (moved) {
        event.cause = store::Cause::poll;
        event.before = seen.value_or(CommitId{});
        if (auto stored = env_.store->event(env_.store->add_event(event)))
          found.push_back(std::move(*stored));
        continue;
      }
      if (!repo->mirror->has(tip->second)) continue;
      const auto snapshot = repo->mirror->snapshot(tip->second);
      for (const auto& app : apps) {
        Dest dest;
        store::ApplicationState state;
        std::string tried;
        {
          std::lock_guard lock(mutex_);
          if (app->run || app->next) continue;
          state = app->state;
          tried = app->last_tried_key;
          if (auto it = dests_.find(app->config.destination); it != dests_.end()) dest = it->second;
        }
        if (!dest) continue;
        const auto source = source_key(app->config, *snapshot, decode_outside(state.outside));
        const auto key = input_key(source, app->config, dest->config, context_digest(dest));
        if (key == state.input_key || key == tried || source == state.quarantined) continue;
        event.cause = store::Cause::context;
        event.application = app->config.uid;
        event.body_signed = tip->second == state.revision;
        event.note = state.last_succeeded ? "settings changed" : "first sync";
        if (auto stored = env_.store->event(env_.store->add_event(event)))
          found.push_back(std::move(*stored));
      }
    }
  } catch (const Failure& failure) {
    give_back(repo, {}, failure);
  }
  for (auto& event : found) take_event(std::move(event));
}

void DispatcherImpl::schedule_look(const Repo& repo, std::chrono::milliseconds delay) {
  if (repo->config.poll.count() == 0) return;
  std::lock_guard lock(mutex_);
  const auto timer = ++repo->timer;
  fetchers_->at(Monotonic::now() + delay, [this, repo, timer] {
    std::lock_guard guard(mutex_);
    if (repo->timer != timer || repo->cancel.requested()) return;
    repo->look_wanted = true;
    wake(repo);
  });
}

}  // namespace gitopsd::sync
