#include "daemon/server/refused.h"

#include "base/log.h"

namespace gitopsd::server {
namespace {

constexpr int kLogsPerSecond = 10;

}  // namespace

void RefusedRing::add(Refused refused) {
  const std::lock_guard lock(mutex_);
  log_bounded(refused);
  if (ring_.size() == kMost) ring_.pop_front();
  ring_.push_back(std::move(refused));
}

std::vector<Refused> RefusedRing::all() const {
  const std::lock_guard lock(mutex_);
  return {ring_.begin(), ring_.end()};
}

void RefusedRing::log_bounded(const Refused& refused) {
  const WallMicros second = refused.when / 1'000'000;
  if (second != second_) {
    if (unlogged_ > 0) log::warning("more requests were refused than are logged", {{"count", unlogged_}});
    second_ = second;
    logged_ = unlogged_ = 0;
  }
  if (logged_ == kLogsPerSecond) {
    ++unlogged_;
    return;
  }
  ++logged_;
  log::warning("request refused", {{"hook", refused.hook},
                                   {"address", refused.address},
                                   {"status", refused.status},
                                   {"reason", refused.reason}});
}

std::string hook_of(std::string_view path) {
  const auto slash = path.rfind('/');
  std::string hook(path.substr(slash == path.npos ? 0 : slash + 1).substr(0, 64));
  for (char& c : hook)
    if (c <= ' ' || c >= 0x7f) c = '?';
  return hook;
}

}  // namespace gitopsd::server
