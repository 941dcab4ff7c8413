#include "base/clock.h"

#include <cstdio>
#include <ctime>

namespace gitopsd {
namespace {

class SystemClock : public Clock {
 public:
  WallMicros wall() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  Monotonic::time_point monotonic() const override { return Monotonic::now(); }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

std::string rfc3339(WallMicros micros) {
  constexpr WallMicros kSecond = 1'000'000;
  const WallMicros fraction = (micros % kSecond + kSecond) % kSecond;  // also before 1970
  const auto seconds = static_cast<std::time_t>((micros - fraction) / kSecond);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  char text[40];
  const std::size_t n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
  std::snprintf(text + n, sizeof text - n, ".%03dZ", static_cast<int>(fraction / 1000));
  return text;
}

}  // namespace gitopsd
