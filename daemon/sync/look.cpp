#include "daemon/sync/look.h"

#include <algorithm>
#include <set>

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;
constexpr auto kObserveTimeout = 120s;

}  // namespace

Look observe(const Scope& scope, const std::vector<ResourceId>* ids, bool full) {
  const auto& uid = scope.application.uid;
  const auto entries = ids ? scope.store.inventory(uid, *ids) : scope.store.inventory(uid);
  Look look;
  std::vector<store::Store::Settled> gone;
  for (std::size_t start = 0; start < entries.size(); start += kBatchCount) {
    auto request = observe_request(scope);
    request.full = full;
    request.watch = true;
    std::set<ResourceId> leaving;  // asked to be deleted, and kept by somebody else: no drift
    for (std::size_t i = start; i < std::min(entries.size(), start + kBatchCount); ++i) {
      if (entries[i].intended_sync && entries[i].intended_digest.empty()) leaving.insert(entries[i].id);
      if (entries[i].owned_digest.empty() || is_hook(entries[i].resource)) continue;
      request.entries.push_back(owned_entry(entries[i]));
    }
    if (request.entries.empty()) continue;
    for (const auto& o :
         scope.provider->observe(request, nullptr, Monotonic::now() + kObserveTimeout).observations) {
      if (leaving.contains(o.id)) {
        if (o.live == protocol::Live::absent) gone.push_back({o.id, true, {}, {}, {}});
        continue;
      }
      if (o.live == protocol::Live::unknown || o.drift == protocol::DriftState::unknown) {
        look.unknown = o.id.str() + ": " + o.reason;
      } else if (o.live == protocol::Live::absent || o.live == protocol::Live::foreign ||
                 o.drift == protocol::DriftState::yes) {
        look.drifted.push_back(o.id);
        look.reasons[o.id] = o.reason.empty() ? std::string(to_string(o.live)) : o.reason;
        if (!o.waits.empty()) look.waits[o.id] = {o.waits, ResourceId(o.on)};
        if (!o.by.empty()) look.changers[o.id] = {o.by, o.at};
      }
      look.any = true;
      if (o.health != protocol::Health::healthy && o.health != protocol::Health::suspended)
        look.ailing[o.id] = {o.health, o.reason};
    }
  }
  if (!gone.empty()) scope.store.settle(uid, SyncId{}, gone);
  return look;
}

}  // namespace gitopsd::sync
