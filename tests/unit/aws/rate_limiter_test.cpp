#include "providers/aws/rate_limiter.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace gitopsd;
using namespace gitopsd::aws;
using namespace std::chrono_literals;

namespace {

class SteppedClock : public Clock {
 public:
  WallMicros wall() const override { return 0; }
  Monotonic::time_point monotonic() const override { return Monotonic::time_point(now); }
  std::chrono::milliseconds now{0};
};

/// One caller that sends as fast as it may, to a service that takes `most` in any second and throttles the
/// rest.
struct ThrottlingService {
  explicit ThrottlingService(double most) : free(most), most(most) {}
  bool takes(std::chrono::milliseconds now) {
    free = std::min(most, free + std::chrono::duration<double>(now - before).count() * most);
    before = now;
    if (free < 1) return false;
    free -= 1;
    return true;
  }
  double free, most;
  std::chrono::milliseconds before{0};
};

struct Sent {
  int all = 0, throttled = 0;
};

Sent send_for(std::chrono::milliseconds time, SteppedClock& clock, RateLimiter& limiter,
              ThrottlingService& service) {
  Sent sent;
  const auto end = clock.now + time;
  while (clock.now < end) {
    clock.now += limiter.take() + 1ms;
    const bool throttled = !service.takes(clock.now);
    limiter.answered(throttled);
    ++sent.all;
    sent.throttled += throttled;
  }
  return sent;
}

}  // namespace

TEST_CASE("without a throttle nothing waits") {
  SteppedClock clock;
  RateLimiter limiter(clock);
  for (int i = 0; i < 1000; ++i) {
    CHECK(limiter.take() == 0ms);
    limiter.answered(false);
    clock.now += 1ms;
  }
}

TEST_CASE("after a throttle it comes near to what the service takes, and few requests are refused") {
  SteppedClock clock;
  RateLimiter limiter(clock);
  ThrottlingService service(20);
  send_for(5s, clock, limiter, service);
  const auto sent = send_for(60s, clock, limiter, service);
  CHECK(sent.all - sent.throttled > 20 * 60 / 2);
  CHECK(sent.throttled < sent.all / 10);
}

TEST_CASE("callers at once take places one behind the other") {
  SteppedClock clock;
  RateLimiter limiter(clock);
  for (int i = 0; i < 100; ++i) {
    limiter.answered(false);
    clock.now += 20ms;
  }
  limiter.answered(true);
  std::vector<std::chrono::milliseconds> waits;
  for (int i = 0; i < 40; ++i) waits.push_back(limiter.take());
  CHECK(std::is_sorted(waits.begin(), waits.end()));
  CHECK(waits.back() > 0ms);
}

TEST_CASE("it never stops altogether, and what was throttled long ago is forgotten") {
  SteppedClock clock;
  RateLimiter limiter(clock);
  for (int i = 0; i < 50; ++i) {
    clock.now += limiter.take();
    limiter.answered(true);
    clock.now += 100ms;
  }
  CHECK(limiter.take() <= 4s);
  ThrottlingService service(1000);
  send_for(60s, clock, limiter, service);
  const auto later = send_for(10s, clock, limiter, service);
  CHECK(later.throttled == 0);
  CHECK(later.all > 1000);
}
