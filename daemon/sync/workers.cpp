#include "daemon/sync/workers.h"

#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include "base/log.h"

namespace gitopsd::sync {
namespace {

struct Task {
  Monotonic::time_point when;
  std::uint64_t number;  // keeps the order of tasks for one instant
  std::function<void()> run;
  bool operator>(const Task& other) const {
    return when != other.when ? when > other.when : number > other.number;
  }
};

}  // namespace

struct Workers::State {
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::priority_queue<Task, std::vector<Task>, std::greater<>> tasks;
  std::uint64_t next = 0;
  bool stopping = false;
  std::vector<std::thread> threads;

  void work() {
    std::unique_lock lock(mutex);
    while (!stopping) {
      if (tasks.empty()) {
        wake.wait(lock);
        continue;
      }
      const auto when = tasks.top().when;
      if (when > Monotonic::now()) {
        wake.wait_until(lock, when);
        continue;
      }
      auto run = std::move(const_cast<Task&>(tasks.top()).run);  // top() is const only to protect the order
      tasks.pop();
      lock.unlock();
      try {
        run();
      } catch (const std::exception& e) {
        log::error("a task threw", {{"error", e.what()}});
      }
      run = nullptr;  // what it holds is released without the lock
      lock.lock();
    }
  }
};

Workers::Workers(const std::string& name, int threads) : state_(std::make_unique<State>()) {
  for (int i = 0; i < threads; ++i) {
    state_->threads.emplace_back([s = state_.get()] { s->work(); });
    pthread_setname_np(state_->threads.back().native_handle(), name.substr(0, 15).c_str());
  }
}

Workers::~Workers() {
  stop();
}

bool Workers::post(std::function<void()> task) {
  return at(Monotonic::time_point{}, std::move(task));
}

bool Workers::at(Monotonic::time_point when, std::function<void()> task) {
  {
    std::lock_guard lock(state_->mutex);
    if (state_->stopping) return false;
    state_->tasks.push({when, state_->next++, std::move(task)});
  }
  state_->wake.notify_one();
  return true;
}

void Workers::stop() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  for (auto& t : state_->threads) {
    if (t.joinable()) t.join();
  }
  std::lock_guard lock(state_->mutex);
  while (!state_->tasks.empty()) state_->tasks.pop();
}

}  // namespace gitopsd::sync
