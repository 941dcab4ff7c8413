#include "daemon/server/clients.h"

#include <algorithm>
#include <cmath>

namespace gitopsd::server {
namespace {

/// Beyond this many addresses the failures of those without a connection are forgotten early.
constexpr std::size_t kMostAddresses = 1u << 16;

}  // namespace

void Clients::set_limits(int connections_per_address, int failed_proofs_per_minute) {
  const std::lock_guard lock(mutex_);
  connections_ = connections_per_address;
  failures_per_minute_ = failed_proofs_per_minute;
}

bool Clients::enter(const Address& address) {
  const std::lock_guard lock(mutex_);
  Known& known = known_[address.counted()];
  if (known.connections >= connections_) return false;
  ++known.connections;
  return true;
}

void Clients::leave(const Address& address) {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(address.counted());
  if (found == known_.end()) return;
  --found->second.connections;
  if (found->second.connections <= 0 && found->second.failures <= 0) known_.erase(found);
}

double Clients::failures_at(const Known& known, Monotonic::time_point now) const {
  const double minutes = std::chrono::duration<double, std::ratio<60>>(now - known.counted_at).count();
  return std::max(0.0, known.failures - std::max(0.0, minutes) * failures_per_minute_);
}

void Clients::failed_proof(const Address& address, Monotonic::time_point now) {
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kMostAddresses)
    std::erase_if(known_, [](const auto& entry) { return entry.second.connections <= 0; });
  Known& known = known_[address.counted()];
  known.failures = failures_at(known, now) + 1;
  known.counted_at = now;
}

int Clients::blocked(const Address& address, Monotonic::time_point now) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(address.counted());
  if (found == known_.end()) return 0;
  const double over = failures_at(found->second, now) - failures_per_minute_ + 1;
  if (over <= 0) return 0;
  return std::max(1, static_cast<int>(std::ceil(over / failures_per_minute_ * 60)));
}

void Clients::forget_idle(Monotonic::time_point now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(known_, [&](const auto& entry) {
    return entry.second.connections <= 0 && failures_at(entry.second, now) <= 0;
  });
}

std::size_t Clients::size() const {
  const std::lock_guard lock(mutex_);
  return known_.size();
}

}  // namespace gitopsd::server
