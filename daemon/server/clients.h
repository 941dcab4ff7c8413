// What one address may do: how many connections it holds, how many failed proofs it has had lately.
#pragma once

#include <mutex>
#include <unordered_map>

#include "base/clock.h"
#include "daemon/server/address.h"

namespace gitopsd::server {

/// Thread-safe. Failed proofs leak away evenly at the rate of the limit.
class Clients {
 public:
  void set_limits(int connections_per_address, int failed_proofs_per_minute);

  /// Counts a connection; false beyond the limit, and then it is not counted.
  bool enter(const Address& address);
  void leave(const Address& address);

  void failed_proof(const Address& address, Monotonic::time_point now);
  /// Seconds until the address may try again, rounded up; 0: now.
  int blocked(const Address& address, Monotonic::time_point now) const;

  /// Forgets addresses without connections whose failures have leaked away.
  void forget_idle(Monotonic::time_point now);
  std::size_t size() const;

 private:
  struct Known {
    int connections = 0;
    double failures = 0;
    Monotonic::time_point counted_at;
  };
  double failures_at(const Known& known, Monotonic::time_point now) const;

  mutable std::mutex mutex_;
  int connections_ = 256;
  double failures_per_minute_ = 60;
  std::unordered_map<Address, Known, AddressHash> known_;
};

}  // namespace gitopsd::server
