// What destinations are like, by what their providers say of them.
#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "daemon/sync/dispatcher_state.h"

namespace gitopsd::sync {
namespace {

std::string describe(const protocol::Condition& condition) {
  return condition.message + (condition.hint.empty() ? "" : " (" + condition.hint + ")");
}

}  // namespace

/// What was compared before a destination went tells nothing of it now. Its provider tells `changed` when it
/// is back.
void DispatcherImpl::condition_changed(const DestinationName& name) {
  std::lock_guard lock(mutex_);
  const auto it = dests_.find(name);
  if (it == dests_.end()) return;
  DestinationLine& dest = *it->second;
  const auto away = unreachable_in(dest.provider->conditions());
  const WallMicros before = std::exchange(dest.unreachable_since, away ? away->since : 0);
  if (!away) {
    // One whose provider ended is as far away as before.
    if (before == 0 || !dest.provider->connected()) return;
    log::info("destination can be reached again",
              {{"destination", name.str()}, {"after_s", (env_.clock->wall() - before) / 1'000'000}});
    return;
  }
  if (before == 0)
    log::warning(away->condition.key == kAnother ? "destination is another one than before"
                                                 : "destination cannot be reached",
                 {{"destination", name.str()}, {"error", describe(away->condition)}});
  for (const auto& [uid, app] : apps_)
    if (app->config.destination == name) app->compared = false;
}

/// With the mutex.
std::optional<ToldCondition> DispatcherImpl::unreachable(const DestinationName& name) const {
  const auto it = dests_.find(name);
  if (it == dests_.end() || it->second->unreachable_since == 0) return std::nullopt;
  return unreachable_in(it->second->provider->conditions());
}

/// With the mutex. Those that concern one application, or all.
std::vector<ConditionStatus> DispatcherImpl::conditions_of(const Provider& provider,
                                                           const ApplicationUid* concerned) const {
  std::vector<ConditionStatus> list;
  for (auto& [condition, since] : provider.conditions()) {
    const auto& whom = condition.applications;
    if (condition.unreachable) continue;
    if (concerned && !whom.empty() && std::find(whom.begin(), whom.end(), concerned->str()) == whom.end())
      continue;
    ConditionStatus s{condition.message, condition.hint, since};
    for (const auto& uid : whom)
      if (const auto app = apps_.find(ApplicationUid(uid)); app != apps_.end())
        s.applications.push_back(app->second->config.name);
    list.push_back(std::move(s));
  }
  return list;
}

std::vector<DestinationStatus> DispatcherImpl::destinations() const {
  std::lock_guard lock(mutex_);
  std::vector<DestinationStatus> list;
  for (const auto& [name, dest] : dests_) {
    const Provider& provider = *dest->provider;
    DestinationStatus s{name, dest->config.provider, provider.connected(), provider.generation(),
                        provider.trouble()};
    s.since = s.connected ? 0 : provider.down_since();
    const auto away = unreachable_in(provider.conditions());
    s.reachable = s.connected && !away;
    s.conditions = conditions_of(provider, nullptr);
    if (away && s.connected) {
      s.error = describe(away->condition);
      s.since = away->since;
    }
    s.identity = provider.identity().value_or("");
    list.push_back(std::move(s));
  }
  return list;
}

/// Everything there is compared anew, since its provider tells `changed` when it has begun anew.
void DispatcherImpl::accept_destination(const DestinationName& name,
                                        const std::optional<std::string>& looked_at, const std::string& who) {
  std::shared_ptr<Provider> provider;
  {
    std::lock_guard lock(mutex_);
    const auto it = dests_.find(name);
    if (it == dests_.end()) throw fail(ProblemCause::input, "there is no destination '" + name.str() + "'");
    provider = it->second->provider;
  }
  const auto told = provider->identity();
  if (!told)
    throw fail(ProblemCause::conflict, "which one destination " + name.str() + " is now is not known",
               "its provider tells when it has reached it; gitopsctl status says what keeps it");
  if (looked_at && *looked_at != *told)
    throw fail(ProblemCause::conflict,
               "destination " + name.str() + " is " + (told->empty() ? "one that cannot be told" : *told) +
                   " by now, not " + *looked_at,
               "look again: gitopsctl status");
  const auto known = env_.store->destination(name);
  if (!known || known->identity == *told)
    throw fail(ProblemCause::conflict,
               "destination " + name.str() + " is the one that it was: there is nothing to accept");
  env_.store->set_destination(name, *told);
  env_.store->audit(to_json(Value::object({{"action", "accept destination"},
                                           {"who", who},
                                           {"destination", name.str()},
                                           {"before", known->identity},
                                           {"identity", *told}})));
  log::info("destination was accepted as another one than before",
            {{"destination", name.str()}, {"before", known->identity}, {"identity", *told}, {"who", who}});
  provider->reconnect();
}

}  // namespace gitopsd::sync
