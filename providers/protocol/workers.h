// A fixed number of threads that run calls. What a large one needed is given back once it is quiet.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/heap.h"

namespace gitopsd::protocol {

class Workers {
 public:
  explicit Workers(int count);
  /// Runs what is queued to its end first.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  /// `work` throws nothing.
  void run(std::function<void()> work);
  /// Until nothing is queued and nothing runs.
  void wait_idle();

 private:
  void loop();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  int busy_ = 0;
  bool stop_ = false;
  HeapTrim heap_{1u << 20};
  Monotonic::time_point looked_ = Monotonic::now();
  std::vector<std::thread> threads_;
};

}  // namespace gitopsd::protocol
