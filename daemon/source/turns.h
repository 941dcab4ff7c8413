// One at a time, with a say in how long to wait: what a mutex cannot do.
#pragma once

#include <condition_variable>
#include <mutex>

namespace gitopsd::source {

class Turns {
 public:
  /// This thread's turn, until it goes.
  class Turn {
   public:
    /// Waits. `check` is called every 20 ms meanwhile, and may throw to give up.
    template <class Check>
    Turn(Turns& turns, const Check& check) : turns_(turns) {
      std::unique_lock lock(turns_.mutex_);
      while (turns_.busy_) {
        turns_.freed_.wait_for(lock, std::chrono::milliseconds(20));
        if (turns_.busy_) check();
      }
      turns_.busy_ = true;
    }
    ~Turn() {
      const std::lock_guard lock(turns_.mutex_);
      turns_.busy_ = false;
      turns_.freed_.notify_one();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Turns& turns_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  bool busy_ = false;
};

}  // namespace gitopsd::source
