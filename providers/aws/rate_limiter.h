// How fast requests may be sent once AWS has said that they are too many: what its SDKs call client-side rate
// limiting. It measures what is sent, slows down where AWS throttles, and then comes back to that by a cubic
// curve, as CUBIC does for TCP (RFC 9438).
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
#pragma once

#include <chrono>
#include <mutex>

#include "base/clock.h"

namespace gitopsd::aws {

/// Thread-safe. Until AWS throttles for the first time it lets everything pass.
class RateLimiter {
 public:
  explicit RateLimiter(const Clock& clock) : clock_(clock), begun_(clock.monotonic()) {}

  /// Takes a place for one request, and says how long to wait before it is sent.
  std::chrono::milliseconds take();
  /// What AWS said to a request.
  void answered(bool throttled);

 private:
  double now() const;
  void measure(double now);
  void set_rate(double rate, double now);
  double grown(double now) const;

  const Clock& clock_;
  const Monotonic::time_point begun_;
  std::mutex mutex_;
  bool on_ = false;
  double rate_ = 0;               ///< requests a second that may be sent
  double free_ = 0, filled_ = 0;  ///< places as of then; below 0: taken in advance
  double measured_ = 0;           ///< requests a second that were answered
  double span_began_ = 0, answered_ = 0;
  double highest_ = 0, throttled_at_ = 0;  ///< the rate at which AWS throttled, and when
};

}  // namespace gitopsd::aws
