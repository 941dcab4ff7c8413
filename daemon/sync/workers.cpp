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
  std::string name;
  std::size_t most = 1, busy = 0;
  std::vector<std::thread> threads;

  /// With the mutex. Somebody always watches the queue, until there are as many as there may be.
  void add_watcher() {
    if (stopping || busy < threads.size() || threads.size() >= most) return;
    threads.emplace_back([this] { work(); });
    pthread_setname_np(threads.back().native_handle(), name.c_str());
  }

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
      ++busy;
      add_watcher();
      lock.unlock();
      try {
        run();
      } catch (const std::exception& e) {
        log::error("a task threw", {{"error", e.what()}});
      }
      run = nullptr;  // what it holds is released without the lock
      lock.lock();
      --busy;
    }
  }
};

Workers::Workers(const std::string& name, int most) : state_(std::make_unique<State>()) {
  state_->name = name.substr(0, 15);
  state_->most = static_cast<std::size_t>(most);
  const std::lock_guard lock(state_->mutex);
  state_->add_watcher();
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
  for (auto& t : state_->threads) {  // none is added once it is stopping
    if (t.joinable()) t.join();
  }
  std::lock_guard lock(state_->mutex);
  while (!state_->tasks.empty()) state_->tasks.pop();
}

}  // namespace gitopsd::sync
