#include "daemon/sync/backoff.h"

#include <algorithm>
#include <random>

namespace gitopsd::sync {

std::chrono::milliseconds jittered(std::chrono::milliseconds around) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return around * std::uniform_int_distribution<int>(80, 120)(random) / 100;
}

std::chrono::milliseconds backoff(std::chrono::milliseconds first, int doublings) {
  constexpr std::chrono::milliseconds kLongest = std::chrono::minutes(5);
  return jittered(std::min(first * (1 << std::min(doublings, 12)), kLongest));
}

}  // namespace gitopsd::sync
