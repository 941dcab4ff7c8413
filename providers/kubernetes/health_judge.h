// Health by one destination's rules, and for which kinds there is nothing to judge.
#pragma once

#include <vector>

#include "providers/kubernetes/health.h"
#include "providers/kubernetes/identity.h"

namespace gitopsd::kubernetes {

class HealthJudge {
 public:
  explicit HealthJudge(std::vector<HealthRule> rules) : rules_(std::move(rules)) {}
  Judgement judge(const Value& object) const { return judge_health(object, rules_); }
  /// Kinds that do nothing by themselves (configuration, rights): healthy as soon as they are there.
  bool always_healthy(const GroupKind&) const;

 private:
  std::vector<HealthRule> rules_;
};

}  // namespace gitopsd::kubernetes
