#include "providers/aws/stack_looks.h"

namespace gitopsd::aws {

StackLooks::StackLooks(State& state, const std::vector<std::string>& places, std::size_t many,
                       Cancelled cancelled)
    : state_(state), cancelled_(std::move(cancelled)) {
  std::map<std::string, std::size_t> counts;
  for (const auto& place : places) ++counts[StackPlace::parse(place).region];
  for (const auto& [region, count] : counts) {
    if (count < many) continue;
    auto& there = seen_[region];
    for (auto& stack : state_.cloudformation(region).stacks(cancelled_)) there.emplace(stack.name, stack);
  }
}

std::optional<StackFacts> StackLooks::look(const std::string& place) const {
  const auto [region, name] = StackPlace::parse(place);
  const auto there = seen_.find(region);
  if (there == seen_.end()) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = asked_.find(place); found != asked_.end()) return found->second;
    }
    auto found = state_.cloudformation(region).stack(name, cancelled_);
    const std::lock_guard lock(mutex_);
    return asked_.emplace(place, std::move(found)).first->second;
  }
  const auto found = there->second.find(name);
  return found == there->second.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace gitopsd::aws
