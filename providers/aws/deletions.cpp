#include "providers/aws/deletions.h"

#include <algorithm>
#include <utility>

namespace gitopsd::aws {
namespace {

using namespace std::chrono_literals;
constexpr std::chrono::milliseconds kFirstDeletionPause = 500ms, kLongestDeletionPause = 15'000ms;

}  // namespace

Deletions::~Deletions() {
  thread_.request_stop();
}

void Deletions::watch(const std::string& stack, const Leaving& leaving) {
  const std::lock_guard lock(mutex_);
  news_ = leaving_.insert_or_assign(stack, leaving).second || news_;
  if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  woken_.notify_all();
}

bool Deletions::has_ended(const std::string& stack, const Leaving& leaving, const std::stop_token& stop) {
  try {
    const auto live = region_(leaving.region).stack(stack, [&stop] { return stop.stop_requested(); });
    return !live || live->status != "DELETE_IN_PROGRESS";
  } catch (const Failure&) {
    return false;  // looked at again
  }
}

void Deletions::run(const std::stop_token& stop) {
  std::chrono::milliseconds pause = kFirstDeletionPause;
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (leaving_.empty()) {
      woken_.wait(lock, stop, [this] { return !leaving_.empty(); });
      pause = kFirstDeletionPause;
      continue;
    }
    const auto asked = leaving_;
    lock.unlock();
    std::map<std::string, Leaving> ended;
    for (const auto& [stack, leaving] : asked)
      if (!stop.stop_requested() && has_ended(stack, leaving, stop)) ended.emplace(stack, leaving);
    for (const auto& [stack, leaving] : ended)
      notifier_->changed({leaving.application, {leaving.resource}, false});
    lock.lock();
    for (const auto& [stack, leaving] : ended) leaving_.erase(stack);
    const bool news = woken_.wait_for(lock, stop, pause, [this] { return std::exchange(news_, false); });
    pause = news || !ended.empty() ? kFirstDeletionPause : std::min(pause * 2, kLongestDeletionPause);
  }
}

}  // namespace gitopsd::aws
