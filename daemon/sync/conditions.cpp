#include "daemon/sync/conditions.h"

#include <algorithm>

namespace gitopsd::sync {
namespace {

constexpr std::size_t kMostConditions = 1000;
constexpr std::size_t kLongestText = 2000;

void shorten(std::string& text) {
  if (text.size() > kLongestText) text.replace(kLongestText, text.npos, "...");
}

}  // namespace

void Conditions::take(protocol::Condition told, WallMicros now) {
  shorten(told.key);
  const std::lock_guard lock(mutex_);
  if (told.message.empty()) {
    told_.erase(told.key);
    return;
  }
  const auto known = told_.find(told.key);
  if (known == told_.end() && told_.size() >= kMostConditions) {
    if (!told.unreachable) return;
    told_.erase(std::prev(told_.end()));
  }
  shorten(told.message);
  shorten(told.hint);
  const bool goes_on = known != told_.end() && known->second.condition.unreachable == told.unreachable;
  const WallMicros since = goes_on ? known->second.since : now;
  const std::string key = told.key;
  told_.insert_or_assign(key, ToldCondition{std::move(told), since});
}

void Conditions::clear() {
  const std::lock_guard lock(mutex_);
  told_.clear();
}

std::vector<ToldCondition> Conditions::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<ToldCondition> out;
  out.reserve(told_.size());
  for (const auto& [key, told] : told_) out.push_back(told);
  return out;
}

std::optional<ToldCondition> unreachable_in(const std::vector<ToldCondition>& all) {
  const auto it = std::find_if(all.begin(), all.end(),
                               [](const ToldCondition& one) { return one.condition.unreachable; });
  return it == all.end() ? std::nullopt : std::optional(*it);
}

}  // namespace gitopsd::sync
