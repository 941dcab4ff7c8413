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

/// The first heal is at once; then 1 s after the last, doubling to 5 min.
Monotonic::time_point Contest::Record::next() const {
  const int doublings = std::min(in_a_row - 1, 16);
  return heals.back() + std::min(kFirstDelay * (1 << doublings), kLastDelay);
}

Contest::Verdict Contest::ask(const ResourceId& id, Monotonic::time_point now, const Changer& changer) {
  auto it = records_.find(id);
  if (it == records_.end() || it->second.heals.empty()) return {now, false, false};
  Record& record = it->second;
  if (now - record.heals.back() > kQuiet) {
    records_.erase(it);
    return {now, false, false};
  }
  if (!changer.by.empty()) record.changer = changer;
  Verdict verdict;
  verdict.when = std::max(now, record.next());
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

std::vector<Contest::Fight> Contest::fights(Monotonic::time_point now) const {
  std::vector<Fight> found;
  for (const auto& [id, record] : records_) {
    if (record.said && now - record.heals.back() <= kQuiet)
      found.push_back({id, record.changer, record.in_a_row, record.next()});
  }
  return found;
}

bool Contest::settle() {
  const bool any = std::any_of(records_.begin(), records_.end(), [](const auto& r) { return r.second.said; });
  records_.clear();
  return any;
}

void Contest::forget_quiet(Monotonic::time_point now) {
  std::erase_if(records_, [&](const auto& r) {
    return r.second.heals.empty() || now - r.second.heals.back() > kQuiet;
  });
}

}  // namespace gitopsd::sync
