#include "providers/protocol/workers.h"

#include <chrono>

namespace gitopsd::protocol {
namespace {

/// The calls of one sync follow each other faster.
constexpr std::chrono::seconds kQuiet{2};
/// With a small call every second, what a large one needed goes back in between two of them.
constexpr std::chrono::seconds kNeverQuiet{10};

}  // namespace

Workers::Workers(int count) {
  for (int i = 0; i < count; ++i) threads_.emplace_back([this] { loop(); });
}

Workers::~Workers() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  for (auto& thread : threads_) thread.join();
}

void Workers::run(std::function<void()> work) {
  std::lock_guard lock(mutex_);
  queue_.push_back(std::move(work));
  changed_.notify_all();
}

void Workers::wait_idle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return queue_.empty() && busy_ == 0; });
}

void Workers::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stop_ || !queue_.empty(); });
    if (queue_.empty()) return;
    auto work = std::move(queue_.front());
    queue_.pop_front();
    ++busy_;
    lock.unlock();
    work();
    work = nullptr;  // what the call held is let go before it counts as ended
    lock.lock();
    --busy_;
    changed_.notify_all();
    if (busy_ > 0 || !queue_.empty()) continue;
    const bool overdue = Monotonic::now() - looked_ > kNeverQuiet;
    if (!overdue && changed_.wait_for(lock, kQuiet, [&] { return stop_ || busy_ > 0 || !queue_.empty(); }))
      continue;
    looked_ = Monotonic::now();
    lock.unlock();
    heap_.look();
    lock.lock();
  }
}

}  // namespace gitopsd::protocol
