// Delays that differ between daemons and grow with each failure.
#pragma once

#include <chrono>

namespace gitopsd::sync {

/// Within 20 % around it: many daemons that wait for one forge must not come back at one instant.
std::chrono::milliseconds jittered(std::chrono::milliseconds around);

/// `first` doubled `doublings` times, at most five minutes, jittered.
std::chrono::milliseconds backoff(std::chrono::milliseconds first, int doublings);

}  // namespace gitopsd::sync
