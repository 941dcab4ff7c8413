// Drift that cannot be put back yet, since what it is in has to go or to come first: it waits, and comes back
// together.
#include <algorithm>

#include "base/log.h"
#include "daemon/sync/dispatcher_state.h"

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;
constexpr std::chrono::milliseconds kFirstWaitingLook = 1s, kLastWaitingLook = 5s;

}  // namespace

/// "namespace "web" to be gone, deleted by somebody at ... (17 resources)"
std::string awaited_text(const std::map<ResourceId, Waits>& waiting) {
  const auto& first = waiting.begin()->second;
  const auto same = std::count_if(waiting.begin(), waiting.end(),
                                  [&](const auto& one) { return one.second.on == first.on; });
  return first.text + " (" + std::to_string(same) + (same == 1 ? " resource" : " resources") +
         (static_cast<std::size_t>(same) < waiting.size() ? ", and others wait for more)" : ")");
}

/// With the mutex. Takes in what waits. Whether a wait has ended for more than was looked at (`asked` null:
/// at all): then all of that is looked at again, so that it is put back in one go.
bool DispatcherImpl::await_others(const App& app, const Look& look, const std::vector<ResourceId>* asked) {
  const std::set<ResourceId> some =
      asked ? std::set<ResourceId>(asked->begin(), asked->end()) : std::set<ResourceId>();
  const auto looked_at = [&](const ResourceId& id) { return !asked || some.contains(id); };
  std::set<ResourceId> over, known;
  for (const auto& [id, waits] : app->waiting) {
    known.insert(waits.on);
    for (const auto& one : {id, waits.on})
      if (looked_at(one) && !look.waits.contains(one)) over.insert(waits.on);
  }
  std::set<ResourceId> together;
  for (const auto& [id, waits] : app->waiting)
    if (over.contains(waits.on) && !looked_at(id)) together.insert(id);
  if (!together.empty()) {
    app->dirty.insert(together.begin(), together.end());
    app->dirty.insert(some.begin(), some.end());
    return true;
  }
  std::erase_if(app->waiting, [&](const auto& one) { return looked_at(one.first); });
  for (const auto& [id, waits] : look.waits) {
    app->waiting.insert_or_assign(id, waits);
    if (known.insert(waits.on).second)
      log::info("drift waits",
                {{"application", app->config.name.str()}, {"resource", id.str()}, {"for", waits.text}});
  }
  return false;
}

/// With the mutex. What it waits for may be another's, of which nobody tells this application: one of those
/// that wait for it is asked about.
void DispatcherImpl::look_at_waiting(const App& app) {
  if (app->waiting.empty()) app->waiting_looks = 0;
  if (app->waiting.empty() || app->looks_at_waiting) return;
  app->looks_at_waiting = true;
  const auto delay = std::min(kFirstWaitingLook * (1 << std::min(app->waiting_looks++, 8)), kLastWaitingLook);
  workers_->at(Monotonic::now() + delay, [this, app] {
    std::lock_guard guard(mutex_);
    app->looks_at_waiting = false;
    if (!configured(app) || stopping_) return;
    std::set<ResourceId> asked;
    for (const auto& [id, waits] : app->waiting)
      if (asked.insert(waits.on).second) app->dirty.insert(id);
    pump(app);
  });
}

}  // namespace gitopsd::sync
