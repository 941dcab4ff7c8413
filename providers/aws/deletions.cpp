#include "providers/aws/deletions.h"

#include <algorithm>
#include <utility>

#include "providers/aws/nested_stacks.h"

namespace gitopsd::aws {
namespace {

using namespace std::chrono_literals;
constexpr std::chrono::milliseconds kFirstDeletionPause = 500ms, kLongestDeletionPause = 15'000ms;

/// Of a stack that is there, and no deletion under way.
bool is_over(const StackFacts& live, const AskedDeletion& asked, const std::vector<StackEvent>& events) {
  if (asked.token.empty() || Monotonic::now() > asked.shown || has_come_to(live.status, asked.token, events))
    return true;
  // Of an export that is in use: the stack is as it was before, and says why.
  return live.status != "DELETE_FAILED" && !live.status_reason.empty() && live.status_reason != asked.reason;
}

protocol::Condition condition_of(const ResourceId& resource) {
  protocol::Condition condition;
  condition.key = "deletion " + resource.str();
  return condition;
}

}  // namespace

DeletionLook look_at_deletion(CloudFormation& there, const std::string& stack, const AskedDeletion& asked,
                              const PlaceOf& place_of, const Cancelled& cancelled) {
  using End = DeletionLook::End;
  const auto live = there.stack(stack, cancelled);
  if (!live) return {End::gone, {}, {}};
  DeletionLook look{End::none, live->status, {}};
  if (live->status == "DELETE_IN_PROGRESS") return look;
  auto events = there.events(stack, {}, cancelled);
  if (!is_over(*live, asked, events)) return look;
  look.end = End::stays;
  look.why = live->status_reason;
  if (look.why.empty()) look.why = "it is in " + live->status;
  if (live->status != "DELETE_FAILED") return look;
  if (auto cause = first_failure(there, std::move(events), place_of, cancelled); !cause.empty())
    look.why = std::move(cause);
  return look;
}

Deletions::~Deletions() {
  thread_.request_stop();
}

void Deletions::watch(const std::string& stack, const Leaving& leaving) {
  const std::lock_guard lock(mutex_);
  const bool known = leaving_.contains(stack);
  // Who sees it under way does not know what it was asked with.
  if (!known || !leaving.asked.token.empty()) leaving_.insert_or_assign(stack, leaving);
  news_ = news_ || !known;
  if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  woken_.notify_all();
}

void Deletions::tell_that_it_stays(const std::string& application, const ResourceId& resource,
                                   const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stay_[resource], why) == why) return;
  }
  auto condition = condition_of(resource);
  condition.message = resource.str() + " is not deleted: " + why;
  condition.hint = "mend that: the next sync tries again";
  condition.applications = {application};
  notifier_->condition(condition);
}

void Deletions::forget(const ResourceId& resource) {
  {
    const std::lock_guard lock(mutex_);
    if (stay_.erase(resource) == 0) return;
  }
  notifier_->condition(condition_of(resource));
}

DeletionLook Deletions::look_at(const std::string& stack, const Leaving& leaving,
                                const std::stop_token& stop) {
  try {
    return look_at_deletion(region_(leaving.region), stack, leaving.asked, {},
                            [&stop] { return stop.stop_requested(); });
  } catch (const Failure&) {
    return {};  // looked at again
  }
}

void Deletions::end(const Leaving& leaving, const DeletionLook& look) {
  if (look.end == DeletionLook::End::stays)
    tell_that_it_stays(leaving.application, leaving.resource, look.why);
  else
    forget(leaving.resource);
  notifier_->changed({leaving.application, {leaving.resource}, false});
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
    for (const auto& [stack, leaving] : asked) {
      if (stop.stop_requested()) break;
      const auto look = look_at(stack, leaving, stop);
      if (look.end == DeletionLook::End::none) continue;
      end(leaving, look);
      ended.emplace(stack, leaving);
    }
    lock.lock();
    for (const auto& [stack, leaving] : ended) leaving_.erase(stack);
    const bool news = woken_.wait_for(lock, stop, pause, [this] { return std::exchange(news_, false); });
    pause = news || !ended.empty() ? kFirstDeletionPause : std::min(pause * 2, kLongestDeletionPause);
  }
}

}  // namespace gitopsd::aws
