// Whether an object does what it is for, from the object alone.
//
// The rules are those of kstatus (sigs.k8s.io/cli-utils/pkg/kstatus), the words and the kinds that it leaves
// out (Ingress, HPA, APIService, paused and suspended things) are Argo CD's.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/value.h"
#include "providers/kubernetes/health_rule.h"
#include "providers/protocol/messages.h"

namespace gitopsd::kubernetes {

struct Judgement {
  protocol::Health health = protocol::Health::unknown;
  std::string reason;  ///< what a person has to know; may be empty when healthy
};

/// `object` as the API server gives it, whole; null is missing. The first rule that matches decides, else the
/// built-in rules. `now` is for Pods without a node: for 15 s that is progress. Never throws: fields of
/// unheard-of types count as not there.
Judgement judge_health(const Value& object, const std::vector<HealthRule>& rules = {},
                       WallMicros now = system_clock().wall());

}  // namespace gitopsd::kubernetes
