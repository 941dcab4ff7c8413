// Stacks as they are, for one call: many of a region are asked for at once.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "providers/aws/stack.h"
#include "providers/aws/state.h"

namespace gitopsd::aws {

class StackLooks {
 public:
  /// `places`: the stacks that are going to be asked for; from `many` of them in one region on, a page of all
  /// is cheaper than each by itself. Throws Failure.
  StackLooks(State&, const std::vector<std::string>& places, std::size_t many, Cancelled);

  /// Each is asked for once. Thread-safe. Throws Failure.
  std::optional<StackFacts> look(const std::string& place) const;

 private:
  State& state_;
  const Cancelled cancelled_;
  std::map<std::string, std::map<std::string, StackFacts>> seen_;  ///< by region, then name
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::optional<StackFacts>> asked_;  ///< by the place's text
};

}  // namespace gitopsd::aws
