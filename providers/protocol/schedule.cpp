#include "providers/protocol/schedule.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string_view>
#include <thread>

namespace gitopsd::protocol {
namespace {

class Schedule {
 public:
  Schedule(const std::vector<std::vector<std::size_t>>& after, const std::function<void(std::size_t)>& work)
      : work_(work), open_(after.size(), 0), followers_(after.size()), left_(after.size()) {
    for (std::size_t i = 0; i < after.size(); ++i) {
      for (std::size_t before : after[i]) {
        if (before >= i) continue;
        followers_[before].push_back(i);
        ++open_[i];
      }
      if (open_[i] == 0) ready_.insert(i);
    }
  }

  void loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return left_ == 0 || !ready_.empty(); });
      if (ready_.empty()) return;
      const std::size_t i = *ready_.begin();  // the first that may: close to the order of the plan
      ready_.erase(ready_.begin());
      --left_;
      lock.unlock();
      work_(i);
      lock.lock();
      for (std::size_t next : followers_[i])
        if (--open_[next] == 0) ready_.insert(next);
      changed_.notify_all();
    }
  }

 private:
  const std::function<void(std::size_t)>& work_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::size_t> open_;
  std::vector<std::vector<std::size_t>> followers_;
  std::set<std::size_t> ready_;
  std::size_t left_;
};

}  // namespace

void run_in_order(const std::vector<std::vector<std::size_t>>& after, std::size_t parallel,
                  const std::function<void(std::size_t)>& work) {
  Schedule schedule(after, work);
  std::vector<std::thread> helpers;
  for (std::size_t i = 1; i < std::min(parallel, after.size()); ++i)
    helpers.emplace_back([&] { schedule.loop(); });
  schedule.loop();
  for (auto& helper : helpers) helper.join();
}

std::vector<std::vector<std::size_t>> dependencies_of(const std::vector<Step>& steps) {
  std::vector<std::vector<std::size_t>> after(steps.size());
  std::map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (const auto& key : steps[i].after)
      if (const auto it = index.find(key); it != index.end()) after[i].push_back(it->second);
    index.emplace(steps[i].key, i);
  }
  return after;
}

ApplyOutcome outcome_of(const std::vector<StepResult>& results, bool cancelled) {
  ApplyOutcome outcome = cancelled ? ApplyOutcome::cancelled : ApplyOutcome::done;
  for (const auto& told : results) {
    if (told.problem && told.problem->code == "stale") return ApplyOutcome::stale;
    if (told.problem && outcome == ApplyOutcome::done) outcome = ApplyOutcome::failed;
  }
  return outcome;
}

}  // namespace gitopsd::protocol
