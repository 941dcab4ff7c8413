#include "daemon/sync/contest.h"

#include <algorithm>
#include <chrono>

namespace gitopsd::sync {
namespace {
using namespace std::chrono_literals;
constexpr Monotonic::duration kFirstDelay = 1s;
constexpr Monotonic::duration kLastDelay = 5min;
constexpr auto kQuiet = 10min;
constexpr auto kWindow = 1min;
constexpr std::size_t kHealsInWindow = 3;
}  // namespace

Contest::Verdict Contest::ask(const ResourceId& id, Monotonic::time_point now) {
  auto it = records_.find(id);
  if (it == records_.end() || it->second.heals.empty()) return {now, false, false};
  Record& record = it->second;
  if (now - record.heals.back() > kQuiet) {
    records_.erase(it);
    return {now, false, false};
  }
  Verdict verdict;
  // The first heal is at once; then 1 s after the last, doubling to 5 min.
  const int doublings = std::min(record.in_a_row - 1, 16);
  const auto delay = std::min(kFirstDelay * (1 << doublings), kLastDelay);
  verdict.when = std::max(now, record.heals.back() + delay);
  verdict.contested = record.said;
  if (record.heals.size() == kHealsInWindow && record.heals.back() - record.heals.front() <= kWindow) {
    verdict.contested = true;
    verdict.say = !record.said;
    record.said = true;
  }
  return verdict;
}

void Contest::healed(const ResourceId& id, Monotonic::time_point now) {
  Record& record = records_[id];
  record.heals.push_back(now);
  if (record.heals.size() > kHealsInWindow) record.heals.pop_front();
  ++record.in_a_row;
}

std::vector<ResourceId> Contest::contested(Monotonic::time_point now) const {
  std::vector<ResourceId> found;
  for (const auto& [id, record] : records_) {
    if (record.said && now - record.heals.back() <= kQuiet) found.push_back(id);
  }
  return found;
}

void Contest::forget_quiet(Monotonic::time_point now) {
  std::erase_if(records_, [&](const auto& r) {
    return r.second.heals.empty() || now - r.second.heals.back() > kQuiet;
  });
}

}  // namespace gitopsd::sync
