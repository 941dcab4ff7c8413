// An application goes to another destination: there it begins with nothing, and what it owns at the old one
// stays, as an orphan's. Back there, that is its own again. Functions here want `mutex_` held.
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "daemon/sync/dispatcher_state.h"

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;
using Hold = ApplicationLine::Hold;

/// Names the place that a destination is, whatever the destination's name.
std::string place_of(const config::Destination& d) {
  Hasher hasher;
  hasher.field("place").field(d.provider).field(d.socket).field(to_json(d.settings));
  return to_hex(hasher.finish());
}

/// No configuration has such a name or uid: it stays apart from every application.
std::string orphan_at(const ApplicationUid& uid, const DestinationName& destination) {
  return uid.str() + "@" + destination.str();
}

}  // namespace

/// As the store keeps it.
store::Configured DispatcherImpl::configured_as(const config::Application& a) const {
  Value settings =
      Value::object({{"policy", a.policy}, {"defaults", a.defaults}, {"repository", a.repository.str()}});
  settings.set("place", place_of(dests_.at(a.destination)->config));
  return {a.uid, a.name, a.destination, to_json(settings)};
}

/// Not where the destination only got another name.
bool DispatcherImpl::moves(const store::ApplicationState& state, const config::Application& a) const {
  if (state.destination.empty() || state.destination == a.destination) return false;
  std::string was = state.settings.empty() ? std::string() : parse_json(state.settings).get_string("place");
  const auto old = dests_.find(state.destination);
  if (was.empty() && old != dests_.end()) was = place_of(old->second->config);
  return was != place_of(dests_.at(a.destination)->config);
}

/// When nothing is under way for it any more.
void DispatcherImpl::move(const App& app) {
  if (app->hold == Hold::busy) return;
  if (app->hold != Hold::none) release_parked(app, kMoved);
  app->hold = Hold::busy;
  workers_->post([this, app] {
    store::Configured now;
    DestinationName old;
    {
      std::lock_guard lock(mutex_);
      if (!configured(app) || !dests_.contains(app->config.destination)) {
        app->hold = Hold::none;
        return;
      }
      now = configured_as(app->config);
      old = app->state.destination;
    }
    try {
      const auto owned = env_.store->inventory_count(now.uid);
      const std::string left = orphan_at(now.uid, old);
      env_.store->change_destination(now, ApplicationUid(left),
                                     ApplicationUid(orphan_at(now.uid, now.destination)));
      if (owned > 0)
        log::warning(
            "application goes to another destination; nothing that it owns at the old one is deleted",
            {{"application", now.name.str()},
             {"destination", now.destination.str()},
             {"old", old.str()},
             {"release", "gitopsctl delete " + left + " --cascade"}});
    } catch (const std::exception& e) {
      log::error("cannot record that an application goes to another destination; tried again",
                 {{"application", now.name.str()}, {"error", e.what()}});
      workers_->at(Monotonic::now() + 5s, [this, app] {
        std::lock_guard lock(mutex_);
        app->hold = Hold::none;
        pump(app);
      });
      return;
    }
    std::lock_guard lock(mutex_);
    moved(app, now);
  });
}

/// What is known of it is of the old destination.
void DispatcherImpl::moved(const App& app, const store::Configured& now) {
  const std::string held_off = app->state.quarantined;
  app->state = {};
  app->state.uid = now.uid;
  app->state.name = now.name;
  app->state.destination = now.destination;
  app->state.settings = now.settings;
  app->state.quarantined = held_off;
  app->again.reset();
  app->rejected.reset();
  app->rejections.clear();
  app->in_part.reset();
  app->out_of_sync.clear();
  app->ailing.clear();
  app->contest = {};
  app->convergence = {};
  *app->needs = NeedIndex{};
  app->compared = app->observed = false;
  app->error.clear();
  app->heal_error.clear();
  app->report.clear();
  app->last_tried_key.clear();
  app->sync = SyncId{};
  orphans_.erase(ApplicationUid(orphan_at(now.uid, now.destination)));
  app->moving = moves(app->state, app->config);  // and on, by another reload meanwhile
  app->dirty_all = true;                         // where it comes back, something may be its own again
  if (const auto repo = repos_.find(app->config.repository); repo != repos_.end()) {
    repo->second->look_wanted = true;
    wake(repo->second);
  }
  idle(app);
}

}  // namespace gitopsd::sync
