#include "daemon/sync/dispatcher.h"

#include <sys/stat.h>

#include "base/json.h"
#include "base/log.h"
#include "daemon/sync/dispatcher_state.h"

namespace gitopsd::sync {
namespace {
using namespace std::chrono_literals;
constexpr auto kConnectionCheck = 2s;
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
  configure(env_.config);
  recover();
  std::lock_guard lock(mutex_);
  look_at_applications();
  for (auto& [uid, app] : apps_) schedule_check(app);
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

/// Makes the lines of a configuration; what stays the same keeps its state, its mirror and its provider
/// process.
void DispatcherImpl::configure(const config::Snapshot& config) {
  std::vector<std::shared_ptr<Provider>> retired;
  std::vector<store::ApplicationState> known = env_.store->applications();
  {
    std::lock_guard lock(mutex_);
    config_ = config;
    std::map<DestinationName, Dest> dests;
    for (const auto& d : config->destinations) {
      auto old = dests_.find(d.name);
      const bool same = old != dests_.end() && old->second->config.provider == d.provider &&
                        old->second->config.command == d.command && old->second->config.socket == d.socket &&
                        old->second->config.settings == d.settings;
      if (same) {
        dests[d.name] = old->second;
        continue;
      }
      auto line = std::make_shared<DestinationLine>();
      line->config = d;
      Provider::Events events;
      events.changed = [this, name = d.name](const protocol::Changed& changed) { drifted(name, changed); };
      events.context = [this](const std::string&) {
        std::lock_guard guard(mutex_);
        look_at_repositories();
      };
      line->provider = env_.open_provider(d, std::move(events));
      workers_->post([this, weak = std::weak_ptr(line)] { keep_connected(weak); });
      dests[d.name] = std::move(line);
    }
    for (auto& [name, line] : dests_) {
      if (!dests.contains(name) || dests[name] != line) retired.push_back(line->provider);
    }
    dests_ = std::move(dests);

    std::map<RepositoryName, Repo> repos;
    for (const auto& r : config->repositories) {
      auto old = repos_.find(r.name);
      auto line = old != repos_.end() && old->second->config.url == r.url
                      ? old->second
                      : std::make_shared<RepositoryLine>();
      line->config = r;
      if (!line->mirror) {
        line->mirror = source::open_mirror(env_.state_directory + "/mirrors/" + r.name.str() + ".git");
      }
      repos[r.name] = std::move(line);
    }
    for (auto& [name, line] : repos_) {
      if (!repos.contains(name) || repos[name] != line) line->cancel.request();
    }
    repos_ = std::move(repos);

    std::map<ApplicationUid, App> apps;
    for (const auto& a : config->applications) {
      auto old = apps_.find(a.uid);
      auto line = old != apps_.end() ? old->second : std::make_shared<ApplicationLine>();
      line->config = a;
      if (old == apps_.end()) {
        for (const auto& state : known) {
          if (state.uid == a.uid) line->state = state;
        }
      }
      line->state.uid = a.uid;
      apps[a.uid] = std::move(line);
    }
    apps_ = std::move(apps);
  }
  // Names, destinations, settings and orphans are durable facts.
  std::vector<store::Configured> changed;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [uid, app] : apps_) {
      const auto& a = app->config;
      auto& state = app->state;
      const std::string settings = to_json(Value::object(
          {{"policy", a.policy}, {"defaults", a.defaults}, {"repository", a.repository.str()}}));
      const bool same = state.name == a.name && state.destination == a.destination && !state.orphaned &&
                        state.settings == settings;
      if (same) continue;
      state.name = a.name;
      state.destination = a.destination;
      state.orphaned = false;
      state.settings = settings;
      changed.push_back({uid, a.name, a.destination, settings});
    }
  }
  for (const auto& now : changed) env_.store->configure_application(now);
  for (const auto& state : known) {
    if (app_of(state.uid) || state.orphaned) continue;
    env_.store->orphan_application(state.uid);
    log::warning("application left the configuration; nothing that it owns is deleted",
                 {{"application", state.name.str()},
                  {"release", "gitopsctl delete " + state.name.str() + " --cascade"}});
  }
  for (const auto& provider : retired) provider->shutdown(Monotonic::now() + std::chrono::seconds(5));
}

/// A provider is started with the daemon and again whenever it ended: drift is seen only by one that runs.
void DispatcherImpl::keep_connected(const std::weak_ptr<DestinationLine>& weak) {
  const auto dest = weak.lock();
  if (!dest) return;  // it left the configuration
  try {
    if (!dest->provider->connected()) dest->provider->info();
  } catch (const std::exception& failure) {
    log::warning("provider is not to be had",
                 {{"destination", dest->config.name.str()}, {"error", failure.what()}});
  }
  workers_->at(Monotonic::now() + kConnectionCheck, [this, weak] { keep_connected(weak); });
}

/// After a restart the store says what is still to be done.
void DispatcherImpl::recover() {
  for (const auto& sync : env_.store->open_syncs()) {
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
    for (auto& [uid, app] : apps_) {
      if (app->run) app->run->supersede("the daemon stops; the next start finishes it");
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
  for (const auto& [uid, app] : orphans_) {
    if (app->config.name == name) return app;
  }
  const std::string near = did_you_mean(name.str(), names);
  throw fail(ProblemCause::input, "no application is named \"" + name.str() + "\"",
             near.empty() ? "gitopsctl status lists them" : "did you mean \"" + near + "\"?");
}

DispatcherImpl::App DispatcherImpl::app_of(const ApplicationUid& uid) const {
  std::lock_guard lock(mutex_);
  const auto it = apps_.find(uid);
  return it == apps_.end() ? nullptr : it->second;
}

DispatcherImpl::App DispatcherImpl::orphan_of(const ApplicationUid& uid) {
  const auto state = env_.store->application(uid);
  if (!state) return nullptr;
  const Value settings = state->settings.empty() ? Value::object() : parse_json(state->settings);
  std::lock_guard lock(mutex_);
  if (!dests_.contains(state->destination)) {
    throw fail(ProblemCause::input,
               "destination " + state->destination.str() + " of application " + state->name.str() +
                   " is not configured",
               "configure the destination again, so that what is there can be deleted");
  }
  App& app = orphans_[uid];
  if (app) return app;
  app = std::make_shared<ApplicationLine>();
  app->state = *state;
  app->config.uid = uid;
  app->config.name = state->name;
  app->config.destination = state->destination;
  app->config.repository = RepositoryName(settings.get_string("repository"));
  if (const Value* policy = settings.find("policy")) app->config.policy = *policy;
  return app;
}

std::unique_ptr<Dispatcher> make_dispatcher(Environment environment) {
  return std::make_unique<DispatcherImpl>(std::move(environment));
}

}  // namespace gitopsd::sync
