// Threads that run tasks, now or at a time; as many as are needed, up to a most.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"

namespace gitopsd::sync {

class Workers {
 public:
  /// One thread waits at first, and another is added whenever all are busy, up to `most`. They are named
  /// `name` for ps(1) and perf(1), at most 15 bytes.
  Workers(const std::string& name, int most);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// False once stopping: the task is dropped. A task must not throw.
  bool post(std::function<void()> task);
  bool at(Monotonic::time_point when, std::function<void()> task);
  /// Takes nothing more, drops what has not begun, joins what has.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gitopsd::sync
