// The last deliveries that were not accepted, for the operator.
#pragma once

#include <deque>
#include <mutex>
#include <vector>

#include "daemon/server/server.h"

namespace gitopsd::server {

/// Thread-safe. Also logs each, at most ten a second.
class RefusedRing {
 public:
  static constexpr std::size_t kMost = 256;
  void add(Refused refused);
  /// Oldest first.
  std::vector<Refused> all() const;

 private:
  void log_bounded(const Refused& refused);

  mutable std::mutex mutex_;
  std::deque<Refused> ring_;
  WallMicros second_ = 0;
  int logged_ = 0, unlogged_ = 0;
};

/// The last part of a path, at most 64 bytes, what is not visible ASCII replaced.
std::string hook_of(std::string_view path);

}  // namespace gitopsd::server
