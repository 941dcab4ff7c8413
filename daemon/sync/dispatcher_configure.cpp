// A configuration comes into force, at the start and at each reload: what stays the same keeps its state, its
// mirror and its provider process; what leaves ends what it had begun.
#include "base/json.h"
#include "base/log.h"
#include "daemon/sync/dispatcher_state.h"
#include "daemon/sync/input_key.h"
#include "daemon/sync/same_destination.h"

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;
using Hold = ApplicationLine::Hold;
constexpr auto kConnectionCheck = 2s;

bool same_provider(const config::Destination& a, const config::Destination& b) {
  return a.provider == b.provider && a.command == b.command && a.socket == b.socket &&
         a.settings == b.settings;
}

}  // namespace

void DispatcherImpl::configure(const config::Snapshot& config) {
  std::unique_lock configuring(configure_mutex_);
  const auto known = env_.store->applications();
  const auto remembered = memories(known);
  std::vector<std::shared_ptr<Provider>> retired;
  std::vector<store::Event> homeless;
  {
    std::lock_guard lock(mutex_);
    config_ = config;
    retired = configure_destinations(*config);
    homeless = configure_repositories(*config);
    configure_applications(*config, known, remembered);
  }
  record_applications(known);
  configuring.unlock();
  for (auto& event : homeless) take_event(std::move(event));
  for (const auto& provider : retired) provider->shutdown(Monotonic::now() + 5s);
}

/// With the mutex. Returns the providers that nobody uses any more.
std::vector<std::shared_ptr<Provider>> DispatcherImpl::configure_destinations(const config::Config& config) {
  std::map<DestinationName, Dest> dests;
  for (const auto& d : config.destinations) {
    const auto old = dests_.find(d.name);
    if (old != dests_.end() && same_provider(old->second->config, d)) {
      dests[d.name] = old->second;
      continue;
    }
    auto line = std::make_shared<DestinationLine>(d);
    Provider::Events events;
    events.changed = [this, name = d.name](const protocol::Changed& changed) { drifted(name, changed); };
    events.context = [this](const std::string&) {
      std::lock_guard guard(mutex_);
      look_at_repositories();
    };
    events.condition = [this, name = d.name] { condition_changed(name); };
    events.started = [name = d.name](const protocol::InitializeResult& info) {
      log::info("provider started",
                {{"destination", name.str()}, {"provider", info.name}, {"version", info.version}});
    };
    events.meant = [this, name = d.name] { return meant_destination(*env_.store, name); };
    events.judge = [this, name = d.name](const std::string& identity) {
      return judge_destination(*env_.store, name, identity);
    };
    line->provider = env_.open_provider(d, std::move(events));
    workers_->post([this, weak = std::weak_ptr(line)] { keep_connected(weak); });
    dests[d.name] = std::move(line);
  }
  std::vector<std::shared_ptr<Provider>> retired;
  for (auto& [name, line] : dests_) {
    if (!dests.contains(name) || dests[name] != line) retired.push_back(line->provider);
  }
  dests_ = std::move(dests);
  return retired;
}

/// With the mutex. Returns the events that waited for a fetch from where a repository is no longer.
std::vector<store::Event> DispatcherImpl::configure_repositories(const config::Config& config) {
  std::map<RepositoryName, Repo> repos;
  for (const auto& r : config.repositories) {
    const auto old = repos_.find(r.name);
    const bool known = old != repos_.end();
    auto line =
        known && old->second->config.url == r.url ? old->second : std::make_shared<RepositoryLine>(r.name);
    line->config = r;
    // The mirror is the name's, wherever its commits come from: two on one folder would be in each other's
    // way.
    if (!line->mirror && known) line->mirror = old->second->mirror;
    if (!line->mirror)
      line->mirror = source::open_mirror(env_.state_directory + "/mirrors/" + r.name.str() + ".git");
    repos[r.name] = std::move(line);
  }
  std::vector<store::Event> homeless;
  for (auto& [name, line] : repos_) {
    if (repos.contains(name) && repos[name] == line) continue;
    line->cancel.request();
    line->look_wanted = false;
    for (auto& [id, event] : line->pending) homeless.push_back(std::move(event));
    line->pending.clear();
  }
  repos_ = std::move(repos);
  return homeless;
}

/// With the mutex. An application that comes back finds its line again, so that never two syncs of one run.
void DispatcherImpl::configure_applications(const config::Config& config,
                                            const std::vector<store::ApplicationState>& known,
                                            const Memories& remembered) {
  std::map<ApplicationUid, App> apps;
  for (const auto& a : config.applications) {
    App line;
    if (const auto old = apps_.find(a.uid); old != apps_.end()) {
      line = old->second;
      const auto& was = line->config;
      if (was.repository != a.repository || was.ref != a.ref)
        let_go(line, "the application follows another ref");
    } else if (const auto orphan = orphans_.find(a.uid); orphan != orphans_.end()) {
      line = orphan->second;
      orphans_.erase(orphan);
      let_go(line, "the application came back into the configuration");
    } else {
      line = std::make_shared<ApplicationLine>(a.uid);
      for (const auto& state : known) {
        if (state.uid == a.uid) line->state = state;
      }
      if (const auto memory = remembered.find(a.uid); memory != remembered.end())
        remember(*line, memory->second);
    }
    if (line->moving || moves(line->state, a)) {
      line->moving = true;
      let_go(line, kMoved);
    }
    const bool check = line->check_timer == 0 || line->config.check_interval != a.check_interval;
    line->config = a;
    line->settings_key = settings_key(a, dests_.at(a.destination)->config);
    if (check) schedule_check(line);
    apps[a.uid] = std::move(line);
  }
  for (auto& [uid, line] : apps_) {
    if (apps.contains(uid)) continue;
    if (std::exchange(line->moving, false)) line->config.destination = line->state.destination;
    let_go(line, kLeft);
    line->check_timer = 0;
    orphans_[uid] = line;
  }
  apps_ = std::move(apps);
}

/// With the mutex. Ends what an application was to do, or waits to do; a step that has begun ends as it will.
void DispatcherImpl::let_go(const App& app, const std::string& why) {
  app->dirty.clear();
  app->dirty_all = app->dirty_full = false;
  drop_next(app, why);
  if (app->hold == Hold::busy) {
    if (app->run) app->run->supersede(why);
    return release_aside(app, why);
  }
  if (app->hold != Hold::none) release_parked(app, why);
  rest(app);
}

/// With the mutex. Ends what an application was to do next.
void DispatcherImpl::drop_next(const App& app, const std::string& why) {
  if (!app->next) return;
  auto events = std::exchange(app->next->along, {}).events;
  events.push_back(app->next->event);
  app->next.reset();
  end_waiting(app, nullptr, std::move(events), why);
}

/// Names, destinations, settings and orphans are durable facts.
void DispatcherImpl::record_applications(const std::vector<store::ApplicationState>& known) {
  std::vector<store::Configured> changed;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [uid, app] : apps_) {
      if (app->moving) continue;
      auto& state = app->state;
      auto now = configured_as(app->config);
      const bool same = state.name == now.name && state.destination == now.destination && !state.orphaned &&
                        state.settings == now.settings;
      if (same) continue;
      state.name = now.name;
      state.destination = now.destination;
      state.orphaned = false;
      state.settings = now.settings;
      changed.push_back(std::move(now));
    }
    for (const auto& [uid, app] : orphans_) app->state.orphaned = true;
  }
  for (const auto& now : changed) env_.store->configure_application(now);
  for (const auto& state : known) {
    if (app_of(state.uid)) continue;
    if (env_.store->inventory_count(state.uid) == 0 && env_.store->forget_application(state.uid)) {
      forget_orphan(state.uid);
      continue;
    }
    if (state.orphaned) continue;
    env_.store->orphan_application(state.uid);
    log::warning("application left the configuration; nothing that it owns is deleted",
                 {{"application", state.name.str()},
                  {"release", "gitopsctl delete " + state.name.str() + " --cascade"}});
  }
}

/// The store has forgotten it, since it owns nothing.
void DispatcherImpl::forget_orphan(const ApplicationUid& uid) {
  std::lock_guard lock(mutex_);
  const auto orphan = orphans_.find(uid);
  if (orphan == orphans_.end()) return;
  const auto app = orphan->second;  // one that is busy may come back before it has ended
  app->state = {};
  app->state.uid = uid;
  if (!app->engaged() && app->hold == Hold::none) orphans_.erase(orphan);
}

/// With the mutex.
bool DispatcherImpl::configured(const App& app) const {
  const auto it = apps_.find(app->uid);
  return it != apps_.end() && it->second == app;
}

/// A provider is started with the daemon and again whenever it ended: drift is seen only by one that runs.
void DispatcherImpl::keep_connected(const std::weak_ptr<DestinationLine>& weak) {
  const auto dest = weak.lock();
  if (!dest) return;  // it left the configuration
  std::string trouble;
  try {
    if (!dest->provider->connected()) dest->provider->info();
  } catch (const std::exception& failure) {
    trouble = dest->provider->trouble();
    if (trouble.empty()) trouble = failure.what();
  }
  // Once, for as long as it stays so.
  if (std::exchange(dest->trouble_said, trouble) != trouble && !trouble.empty())
    log::warning("provider cannot be started; tried again until it can",
                 {{"destination", dest->config.name.str()}, {"error", trouble}});
  workers_->at(Monotonic::now() + kConnectionCheck, [this, weak] { keep_connected(weak); });
}

}  // namespace gitopsd::sync
