#include "daemon/sync/dispatcher.h"

#include <sys/stat.h>
#include <filesystem>

#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "daemon/sync/dispatcher_state.h"

namespace gitopsd::sync {
namespace {
using namespace std::chrono_literals;
constexpr int kFetchers = 64;  // a Git server that says nothing keeps one until its deadline
}  // namespace

std::string_view to_string(Phase phase) {
  constexpr std::string_view words[] = {"idle", "queued",   "fetching",       "rendering",  "planning",
                                        "held", "applying", "waiting_health", "backing_off"};
  return words[static_cast<int>(phase)];
}

std::string_view to_string(SyncStatus status) {
  constexpr std::string_view words[] = {"Unknown",       "Synced",    "OutOfSync",
                                        "SourceMissing", "Contested", "NotConverging"};
  return words[static_cast<int>(status)];
}

DispatcherImpl::DispatcherImpl(Environment env) : env_(std::move(env)) {
  if (!env_.open_provider) {
    env_.open_provider = [this](const config::Destination& d, Provider::Events events) {
      return sync::open_provider(d, env_.store->installation(), env_.program_directory, env_.state_directory,
                                 std::move(events));
    };
  }
  fetchers_ = std::make_unique<Workers>("fetch", kFetchers);
  workers_ = std::make_unique<Workers>("sync", env_.workers);
}

DispatcherImpl::~DispatcherImpl() {
  stop(Monotonic::now());
}

void DispatcherImpl::start() {
  ::mkdir((env_.state_directory + "/mirrors").c_str(), 0700);
  std::error_code ignored;  // copies of snapshots that a killed daemon left; each run makes its own
  std::filesystem::remove_all(env_.state_directory + "/render", ignored);
  configure(env_.config);
  recover();
  std::lock_guard lock(mutex_);
  look_at_applications();
}

/// With the mutex.
void DispatcherImpl::look_at_repositories() {
  for (auto& [name, repo] : repos_) {
    repo->look_wanted = true;
    wake(repo);
  }
}

/// With the mutex. After a start or a reload nothing is known of what happened meanwhile.
void DispatcherImpl::look_at_applications() {
  for (auto& [uid, app] : apps_) {
    app->dirty_all = true;
    pump(app);
  }
}

/// After a restart the store says what is still to be done.
void DispatcherImpl::recover() {
  for (const auto& sync : env_.store->open_syncs()) {
    if (sync.state == store::SyncState::held && leave_held(sync)) continue;
    store::Transition t;
    t.state = store::SyncState::superseded;
    t.reason = "cut off by a restart; the next sync finishes it";
    env_.store->set_sync(sync.id, t);
  }
  store::EventFilter newest;
  newest.limit = 1;
  const auto stored = env_.store->events(newest);
  // Not on the way to READY: there may be 100,000 of them. What comes meanwhile is notified of by itself.
  fetchers_->post([this, last = stored.empty() ? EventId{} : stored.front().id] { take_open_events(last); });
}

/// Before the first look at the repositories, which would take the news of these events for its own.
void DispatcherImpl::take_open_events(EventId last) {
  try {
    for (auto& event : env_.store->open_events()) {
      if (event.id <= last) take_event(std::move(event));
    }
    std::lock_guard lock(mutex_);
    look_at_repositories();
  } catch (const std::exception& e) {
    log::error("cannot take up the open events; tried again", {{"error", e.what()}});
    fetchers_->at(Monotonic::now() + 5s, [this, last] { take_open_events(last); });
  }
}

void DispatcherImpl::notify(const std::vector<EventId>& ids) {
  fetchers_->post([this, ids] {
    for (const auto id : ids) {
      try {
        if (auto event = env_.store->event(id); event && !store::ended(event->state))
          take_event(std::move(*event));
      } catch (const std::exception& e) {
        log::error("cannot take up an event; tried again", {{"event", id.value}, {"error", e.what()}});
        fetchers_->at(Monotonic::now() + 5s, [this, id] { notify({id}); });
      }
    }
  });
}

void DispatcherImpl::reload(config::Snapshot config) {
  configure(config);
  std::lock_guard lock(mutex_);
  look_at_repositories();
  look_at_applications();
}

void DispatcherImpl::stop(Deadline deadline) {
  std::vector<std::shared_ptr<Provider>> providers;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    for (auto& [name, repo] : repos_) repo->cancel.request();
    for (const auto* apps : {&apps_, &orphans_}) {
      for (const auto& [uid, app] : *apps) {
        if (app->run) app->run->supersede("the daemon stops; the next start finishes it");
      }
    }
    for (auto& [name, dest] : dests_) providers.push_back(dest->provider);
  }
  // Providers finish the steps that have begun; a call that is open past the deadline is cut off with its
  // provider, and what it did is found out by `observe` at the next start.
  for (const auto& provider : providers) provider->shutdown(deadline);
  fetchers_->stop();
  workers_->stop();
}

DispatcherImpl::App DispatcherImpl::app_named(const ApplicationName& name) const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [uid, app] : apps_) {
    if (app->config.name == name) return app;
    names.push_back(app->config.name.str());
  }
  const std::string near = did_you_mean(name.str(), names);
  throw fail(ProblemCause::input, "no application is named \"" + name.str() + "\"",
             near.empty() ? "gitopsctl status lists them" : "did you mean \"" + near + "\"?");
}

DispatcherImpl::App DispatcherImpl::app_or_orphan(const ApplicationName& name) const {
  {
    std::lock_guard lock(mutex_);
    const auto named = [&](const auto& line) { return line.second->config.name == name; };
    const auto orphan = std::find_if(orphans_.begin(), orphans_.end(), named);
    if (orphan != orphans_.end() && std::none_of(apps_.begin(), apps_.end(), named)) return orphan->second;
  }
  return app_named(name);
}

DispatcherImpl::App DispatcherImpl::app_of(const ApplicationUid& uid) const {
  std::lock_guard lock(mutex_);
  const auto it = apps_.find(uid);
  return it == apps_.end() ? nullptr : it->second;
}

DispatcherImpl::App DispatcherImpl::orphan_of(const ApplicationUid& uid) {
  const auto state = env_.store->application(uid);
  if (!state) return nullptr;
  std::lock_guard lock(mutex_);
  if (!dests_.contains(state->destination)) {
    throw fail(ProblemCause::input,
               "destination " + state->destination.str() + " of application " + state->name.str() +
                   " is not configured",
               "configure the destination again, so that what is there can be deleted; where it is gone for "
               "good, gitopsctl forget " +
                   state->name.str());
  }
  return orphan_line(*state);
}

/// With the mutex.
DispatcherImpl::App DispatcherImpl::orphan_line(const store::ApplicationState& state) {
  App& app = orphans_[state.uid];
  if (app) return app;
  const Value settings = state.settings.empty() ? Value::object() : parse_json(state.settings);
  app = std::make_shared<ApplicationLine>(state.uid);
  app->state = state;
  app->config.uid = state.uid;
  app->config.name = state.name;
  app->config.destination = state.destination;
  app->config.repository = RepositoryName(settings.get_string("repository"));
  if (const Value* policy = settings.find("policy")) app->config.policy = *policy;
  return app;
}

DispatcherImpl::App DispatcherImpl::orphan_named(const ApplicationName& name) {
  App app;
  for (const auto& state : env_.store->applications()) {
    // By what is configured now: the mark in the store follows a reload a moment later.
    if (state.name == name && !app_of(state.uid)) app = orphan_of(state.uid);
  }
  return app;
}

std::unique_ptr<Dispatcher> make_dispatcher(Environment environment) {
  return std::make_unique<DispatcherImpl>(std::move(environment));
}

}  // namespace gitopsd::sync
