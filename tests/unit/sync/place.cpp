#include "tests/unit/sync/place.h"
#include "tests/unit/slower.h"

#include <stdexcept>

namespace gitopsd::sync::test {

using namespace std::chrono_literals;

/// What to say where it is not the one that is meant.
std::optional<protocol::Condition> Place::another() const {
  std::optional<std::string> identity;
  decltype(judge_) judge;
  {
    std::lock_guard lock(mutex_);
    identity = identity_;
    judge = judge_;
  }
  return identity ? judge(*identity) : std::nullopt;
}

/// As at the begin of a connection.
void Place::meet() {
  protocol::Condition condition = another().value_or(protocol::Condition{});
  condition.key = kAnother;
  condition.unreachable = true;
  say(condition);
  listener_({{}, {}, true});
}

void Place::become(const std::string& identity) {
  {
    std::lock_guard lock(mutex_);
    identity_ = identity;
  }
  meet();
}

void Place::say(const protocol::Condition& condition) {
  conditions_.take(condition, system_clock().wall());
  condition_listener_();
}

void Place::go_away(const std::string& why) {
  break_off();
  say({"away", why, {}, true, {}});
}

void Place::come_back() {
  break_off(false);
  say({"away"});
  listener_({{}, {}, true});
}

void Place::offer(const std::string& context) {
  {
    std::lock_guard lock(mutex_);
    context_ = context;
  }
  context_listener_(context);
}

std::string Place::value(const std::string& id) const {
  std::lock_guard lock(mutex_);
  const auto it = things_.find(id);
  return it == things_.end() ? std::string() : it->second.value;
}

std::string Place::owner(const std::string& id) const {
  std::lock_guard lock(mutex_);
  const auto it = things_.find(id);
  return it == things_.end() ? std::string() : it->second.owner;
}

int Place::births_of(const std::string& id) const {
  std::lock_guard lock(mutex_);
  const auto it = births_.find(id);
  return it == births_.end() ? 0 : it->second;
}

std::set<std::string> Place::ids() const {
  std::lock_guard lock(mutex_);
  std::set<std::string> out;
  for (const auto& [id, thing] : things_) out.insert(id);
  return out;
}

void Place::tell(const std::string& owner, const std::string& id) {
  std::function<void(const protocol::Changed&)> listener;
  {
    std::lock_guard lock(mutex_);
    listener = listener_;
  }
  protocol::Changed changed;
  changed.application = owner;
  changed.ids.emplace_back(id);
  if (listener) listener(changed);
}

void Place::change(const std::string& id, const std::string& value) {
  std::string owner;
  {
    std::lock_guard lock(mutex_);
    owner = things_.at(id).owner;
    things_.at(id).value = value;
  }
  tell(owner, id);
}

void Place::change_unseen(const std::string& id, const std::string& value) {
  std::lock_guard lock(mutex_);
  things_.at(id).value = value;
}

void Place::never_content(const std::string& id) {
  std::lock_guard lock(mutex_);
  never_content_.insert(id);
}

void Place::always_drifted(const std::string& id, bool on) {
  std::string owner;
  {
    std::lock_guard lock(mutex_);
    if (on)
      always_drifted_.insert(id);
    else
      always_drifted_.erase(id);
    owner = things_.at(id).owner;
  }
  tell(owner, id);
}

void Place::wait_for(const std::string& id, const std::string& on, const std::string& by) {
  std::lock_guard lock(mutex_);
  waits_[id] = {on, by};
}

void Place::end_waits() {
  std::lock_guard lock(mutex_);
  waits_.clear();
}

void Place::hide(const std::string& id, bool on) {
  std::lock_guard lock(mutex_);
  if (on)
    hidden_.insert(id);
  else
    hidden_.erase(id);
}

void Place::refuse_plan(const std::string& id, ProblemCause cause) {
  std::lock_guard lock(mutex_);
  no_plan_.insert_or_assign(id, cause);
}

void Place::occupy(const std::string& id) {
  std::lock_guard lock(mutex_);
  occupied_.insert(id);
}

void Place::set_health(const std::string& id, protocol::Health health) {
  std::string owner;
  {
    std::lock_guard lock(mutex_);
    health_[id] = health;
    if (const auto it = things_.find(id); it != things_.end()) owner = it->second.owner;
  }
  if (!owner.empty()) tell(owner, id);
}

void Place::refuse(const std::string& id, bool on, ProblemCause cause) {
  std::lock_guard lock(mutex_);
  if (on)
    refused_[id] = cause;
  else
    refused_.erase(id);
}

void Place::mark(const std::string& id, const std::string& owner) {
  std::lock_guard lock(mutex_);
  things_.at(id).owner = owner;
}

void Place::busy(const std::string& id, bool on) {
  refuse(id, on, ProblemCause::transient);
}

void Place::shut() {
  std::lock_guard lock(mutex_);
  shut_ = true;
}

void Place::open() {
  std::lock_guard lock(mutex_);
  shut_ = false;
  changed_.notify_all();
}

void Place::await_waiting(int count) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, 30s * gitopsd::test::kSlower, [&] { return waiting_ >= count; }))
    throw std::runtime_error("no apply came");
}

void Place::stop(bool on) {
  std::lock_guard lock(mutex_);
  stopped_ = on;
}

int Place::failed_looks() const {
  std::lock_guard lock(mutex_);
  return failed_looks_;
}

void Place::break_off(bool on) {
  std::lock_guard lock(mutex_);
  broken_ = on;
}

int Place::most_at_once() const {
  std::lock_guard lock(mutex_);
  return most_at_once_;
}

int Place::applies() const {
  std::lock_guard lock(mutex_);
  return applies_;
}

int Place::changes_of(const std::string& id) const {
  std::lock_guard lock(mutex_);
  const auto it = changes_.find(id);
  return it == changes_.end() ? 0 : it->second;
}

void Place::be_independent() {
  independent_ = true;
}

std::size_t Place::largest_call() const {
  return largest_call_;
}

std::chrono::milliseconds Place::longest_plan() const {
  std::lock_guard lock(mutex_);
  return longest_plan_;
}

std::chrono::milliseconds Place::least_patience() const {
  std::lock_guard lock(mutex_);
  return least_patience_;
}

int Place::resolves() const {
  return resolves_;
}

void Place::leave_plans() {
  std::lock_guard lock(mutex_);
  leaves_plans_ = true;
}

std::set<std::string> Place::left_plans() const {
  std::lock_guard lock(mutex_);
  return left_plans_;
}

std::vector<std::string> Place::order() const {
  std::lock_guard lock(mutex_);
  return order_;
}

}  // namespace gitopsd::sync::test
