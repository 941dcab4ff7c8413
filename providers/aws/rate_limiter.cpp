#include "providers/aws/rate_limiter.h"

#include <algorithm>
#include <cmath>

namespace gitopsd::aws {
namespace {

// As AWS's SDKs have them.
constexpr double kKeptRate = 0.7;   ///< of the rate at which AWS throttled
constexpr double kCurve = 0.4;      ///< how fast it comes back
constexpr double kLeastRate = 0.5;  ///< requests a second
constexpr double kSpan = 0.5;       ///< seconds over which is measured
constexpr double kSmooth = 0.8;     ///< weight of the last span
/// Of places that nobody took.
constexpr double kLeastPlaces = 1;

}  // namespace

double RateLimiter::now() const {
  return std::chrono::duration<double>(clock_.monotonic() - begun_).count();
}

std::chrono::milliseconds RateLimiter::take() {
  const std::lock_guard lock(mutex_);
  if (!on_) return {};
  const double at = now();
  set_rate(rate_, at);
  free_ -= 1;
  const double seconds = free_ >= 0 ? 0 : -free_ / rate_;
  return std::chrono::milliseconds(static_cast<long>(std::ceil(seconds * 1000)));
}

void RateLimiter::answered(bool throttled) {
  const std::lock_guard lock(mutex_);
  const double at = now();
  measure(at);
  double rate = 0;
  if (throttled) {
    highest_ = on_ ? std::min(measured_, rate_) : measured_;
    throttled_at_ = at;
    rate = highest_ * kKeptRate;
    on_ = true;
  } else if (on_) {
    rate = grown(at);
  } else {
    return;
  }
  // Nobody knows what a rate does that was never tried.
  set_rate(std::min(rate, 2 * measured_), at);
}

/// By the cubic curve that is back at the highest rate after some time, and flat there.
double RateLimiter::grown(double at) const {
  const double until_back = std::cbrt(highest_ * (1 - kKeptRate) / kCurve);
  return kCurve * std::pow(at - throttled_at_ - until_back, 3) + highest_;
}

void RateLimiter::measure(double at) {
  answered_ += 1;
  const double span = std::floor(at / kSpan) * kSpan;
  if (span <= span_began_) return;
  measured_ = answered_ / (span - span_began_) * kSmooth + measured_ * (1 - kSmooth);
  answered_ = 0;
  span_began_ = span;
}

/// With the places that came free at the rate before.
void RateLimiter::set_rate(double rate, double at) {
  const double most = std::max(rate_, kLeastPlaces);
  free_ = std::min(most, free_ + (at - filled_) * rate_);
  filled_ = at;
  rate_ = std::max(rate, kLeastRate);
}

}  // namespace gitopsd::aws
