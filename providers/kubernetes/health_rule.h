// Health of kinds that gitopsd does not know: rules that people write into a destination's settings.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"
#include "providers/protocol/messages.h"

namespace gitopsd::kubernetes {

/// `{group: cert-manager.io, kind: Certificate, when: [{pointer: /status/conditions/type=Ready/status,
/// equals: "False"}], health: degraded, reason: /status/conditions/type=Ready/message}`.
struct HealthRule {
  struct Test {
    std::string pointer;          ///< pointer.h
    std::optional<Value> equals;  ///< numbers by value, all else exactly; without it the test is `exists`
    bool exists = true;           ///< null is not there
  };
  std::string group, kind;  ///< the empty group is Kubernetes' own
  std::vector<Test> when;   ///< all must hold; none always do
  protocol::Health health = protocol::Health::unknown;
  std::string reason;  ///< pointer to a text for people, or empty

  bool matches(const Value& object) const;
  /// What the reason's pointer finds, or which rule this is.
  std::string reason_for(const Value& object) const;
};

/// The list of rules; nullptr or null are none. Adds a problem, with a pointer that starts with `where`, for
/// everything that it cannot use.
std::vector<HealthRule> parse_health_rules(const Value* value, std::string_view where,
                                           std::vector<protocol::WireProblem>& problems);

}  // namespace gitopsd::kubernetes
