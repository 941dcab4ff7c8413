// Polls: the safety net for lost webhooks, and the check whether settings changed what a commit means.
#include <algorithm>

#include "daemon/sync/backoff.h"
#include "daemon/sync/dispatcher_state.h"
#include "daemon/sync/input_key.h"
#include "daemon/sync/tag_pattern.h"

namespace gitopsd::sync {

using namespace std::chrono_literals;

std::string only_reported(const CommitId& commit) {
  return "commit " + commit.short_str() + " was not named by a signed delivery; it is only reported";
}

/// Whether a delivery already brought the news that a poll would.
bool DispatcherImpl::expected(const Repo& repo, const CommitId& tip) const {
  std::lock_guard lock(mutex_);
  return std::any_of(repo->pending.begin(), repo->pending.end(),
                     [&](const auto& e) { return e.second.after == tip; });
}

/// Whether an earlier poll made an event of it, which waits, or ended lately: a fetch that fails is tried
/// again by its event, and not by more of them.
bool DispatcherImpl::known(const Repo& repo, const Ref& ref, const CommitId& tip) {
  RepositoryLine::Found found;
  {
    std::lock_guard lock(mutex_);
    const auto it = repo->found.find(ref);
    if (it == repo->found.end() || it->second.tip != tip) return false;
    found = it->second;
  }
  const auto event = env_.store->event(found.event);
  return event && (!store::ended(event->state) || Monotonic::now() < found.next);
}

void DispatcherImpl::note_found(const Repo& repo, const Ref& ref, const CommitId& tip, EventId event) {
  std::lock_guard lock(mutex_);
  auto& found = repo->found[ref];
  if (found.tip != tip) found = {tip, event};
  found.event = event;
  found.next = Monotonic::now() + std::min<std::chrono::seconds>(10s * (1 << std::min(found.times++, 9)), 1h);
}

void DispatcherImpl::look(const Repo& repo) {
  std::set<std::string> patterns;
  config::Repository config;
  {
    std::lock_guard lock(mutex_);
    config = repo->config;
    for (const auto& [uid, app] : apps_) {
      if (app->config.repository == repo->name) patterns.insert(app->config.ref);
    }
  }
  schedule_look(repo, jittered(config.poll));
  if (patterns.empty()) return;
  std::vector<store::Event> found;
  try {
    const auto refs =
        repo->mirror->remote_refs(remote_of(config), {patterns.begin(), patterns.end()}, repo->cancel);
    {
      std::lock_guard lock(mutex_);
      repo->last_look = env_.clock->wall();
      repo->error.clear();
    }
    for (const auto& pattern : patterns) {
      const auto ref = meant(pattern, refs);
      const auto tip = ref ? refs.find(*ref) : refs.end();
      std::vector<App> apps;
      {
        std::lock_guard lock(mutex_);
        for (const auto& [uid, app] : apps_) {
          if (app->config.repository != repo->name || app->config.ref != pattern) continue;
          app->source_missing = tip == refs.end();
          apps.push_back(app);
        }
      }
      if (tip == refs.end()) continue;
      store::NewEvent event;
      event.repository = repo->name;
      event.ref = *ref;
      event.after = tip->second;
      event.received = env_.clock->wall();
      const auto seen = env_.store->tip(repo->name, *ref);
      const bool same = seen && *seen == tip->second;
      const bool moved = !same && !expected(repo, tip->second);
      if (same) {
        std::lock_guard lock(mutex_);
        repo->found.erase(*ref);
      }
      if (!moved && !same) continue;
      if (moved) {
        const bool told =
            std::any_of(found.begin(), found.end(), [&](const auto& e) { return e.ref == *ref; });
        if (told) continue;  // another pattern means the same tag
        if (known(repo, *ref, tip->second)) continue;
        event.cause = store::Cause::poll;
        event.before = seen.value_or(CommitId{});
        const auto id = env_.store->add_event(event);
        note_found(repo, *ref, tip->second, id);
        if (auto stored = env_.store->event(id)) found.push_back(std::move(*stored));
        continue;
      }
      if (!repo->mirror->has(tip->second)) continue;
      const auto snapshot = repo->mirror->snapshot(tip->second);
      for (const auto& app : apps) {
        Dest dest;
        config::Application config;
        std::string settings;
        store::ApplicationState state;
        std::string tried;
        CommitId accepted;
        bool signed_only = false, engaged = false;
        {
          std::lock_guard lock(mutex_);
          engaged = app->engaged();
          config = app->config;
          settings = app->settings_key;
          state = app->state;
          tried = app->last_tried_key;
          accepted = app->revision();
          signed_only = repo->config.require_signed;
          // Each look would find it anew.
          if (signed_only && tip->second != accepted && app->unsigned_report == only_reported(tip->second))
            continue;
          if (auto it = dests_.find(app->config.destination); it != dests_.end()) dest = it->second;
        }
        if (!dest) continue;
        const auto source = source_key(config.path, *snapshot, decode_outside(state.outside));
        std::string digest;
        try {
          digest = dest->provider->render_context_digest();
        } catch (const Failure&) {
          continue;  // that destination's matter: others of the repository go on
        }
        const auto key = input_key_now(state.input_key, source, settings, digest, *snapshot, config);
        if (engaged && (tried == tried_key(key, digest) || pass_over(app))) continue;
        const bool offers_else = !tried.empty() && !tried.ends_with(tried_key({}, digest));
        if (key == state.input_key && tip->second != accepted && !signed_only)
          note_accord(app, tip->second, state.last_succeeded);
        Job job;
        job.cause = store::Cause::context;
        job.revision = tip->second;
        job.source_key = source;
        job.input_key = key;
        if (key == state.input_key || is_in_part(app, job, digest) || tried == tried_key(key, digest) ||
            state.quarantined.find(source) != std::string::npos)
          continue;
        {
          std::lock_guard lock(mutex_);
          if (is_rejected(app, key)) continue;
        }
        event.cause = store::Cause::context;
        event.application = app->uid;
        event.body_signed = tip->second == accepted;
        event.note = offers_else                               ? "what the destination offers changed"
                     : !state.last_succeeded                   ? "first sync"
                     : state.last_sync != state.last_succeeded ? "the last sync did not succeed"
                                                               : "settings changed";
        if (auto stored = env_.store->event(env_.store->add_event(event)))
          found.push_back(std::move(*stored));
      }
    }
  } catch (const Failure& failure) {
    give_back(repo, {}, failure);
  }
  for (auto& event : found) take_event(std::move(event));
}

/// What is under way may be of other settings, or for what the destination offered before: that is looked at
/// when it has ended. False where it has.
bool DispatcherImpl::pass_over(const App& app) {
  const std::lock_guard lock(mutex_);
  return app->passed_over = app->engaged();
}

/// With what a sync brought, if that is the last one still, and nothing is under way that changes it.
void DispatcherImpl::note_accord(const App& app, const CommitId& tip, SyncId succeeded) {
  std::lock_guard lock(mutex_);
  const auto& state = app->state;
  if (succeeded && state.last_succeeded == succeeded && state.last_sync == succeeded && !app->engaged())
    app->accord = {tip, succeeded};
}

void DispatcherImpl::schedule_look(const Repo& repo, std::chrono::milliseconds delay) {
  if (delay.count() == 0) return;
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
