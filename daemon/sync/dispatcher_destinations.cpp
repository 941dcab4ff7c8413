// What destinations are like, by what their providers say of them.
#include <algorithm>

#include "base/log.h"
#include "daemon/sync/dispatcher_state.h"

namespace gitopsd::sync {

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
    log::warning("destination cannot be reached",
                 {{"destination", name.str()}, {"error", away->condition.message}});
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
      s.error = away->condition.message;
      if (!away->condition.hint.empty()) s.error += " (" + away->condition.hint + ")";
      s.since = away->since;
    }
    list.push_back(std::move(s));
  }
  return list;
}

}  // namespace gitopsd::sync
