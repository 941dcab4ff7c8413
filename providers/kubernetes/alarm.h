// Wakes a thread that looks from time to time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace gitopsd::kubernetes {

/// Thread-safe.
class Alarm {
 public:
  void ring() {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    wake_.notify_all();
  }
  /// From now on nobody sleeps.
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    wake_.notify_all();
  }
  /// Until that much time has passed or, where it `listens`, until it rings; what rang before counts, once.
  /// False when it is time to stop.
  bool sleep(std::chrono::milliseconds time, bool listens) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, time, [&] { return stopped_ || (listens && rung_); });
    if (listens) rung_ = false;
    return !stopped_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool rung_ = false, stopped_ = false;
};

}  // namespace gitopsd::kubernetes
