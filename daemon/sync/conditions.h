// What a provider says of its destination, as long as it holds.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "providers/protocol/messages.h"

namespace gitopsd::sync {

/// Key of the daemon's own condition: it is another destination than is meant. Comes before its provider's.
inline constexpr const char* kAnother = " another";

struct ToldCondition {
  protocol::Condition condition;
  WallMicros since = 0;
};

/// Thread-safe. Bounded in number and length, whatever a provider says.
class Conditions {
 public:
  void take(protocol::Condition, WallMicros now);
  void clear();
  /// In the order of their keys.
  std::vector<ToldCondition> all() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, ToldCondition> told_;
};

/// The one, if any, for which nothing there can be compared or changed.
std::optional<ToldCondition> unreachable_in(const std::vector<ToldCondition>&);

}  // namespace gitopsd::sync
