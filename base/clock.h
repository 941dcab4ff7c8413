// Time as a dependency: monotonic for durations, wall for records. Tests bring their own.
#pragma once

#include <chrono>
#include <string>

#include "base/types.h"

namespace gitopsd {

using Monotonic = std::chrono::steady_clock;
using Deadline = Monotonic::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallMicros wall() const = 0;
  virtual Monotonic::time_point monotonic() const = 0;
};

/// The machine's clock. Lives for the whole process.
const Clock& system_clock();

/// RFC 3339 in UTC with milliseconds: `2026-11-24T08:15:30.123Z`.
std::string rfc3339(WallMicros);

}  // namespace gitopsd
