#include "providers/kubernetes/health_judge.h"

#include <algorithm>
#include <set>

namespace gitopsd::kubernetes {

bool HealthJudge::always_healthy(const GroupKind& type) const {
  static const std::set<GroupKind> kinds{{"", "ConfigMap"},
                                         {"", "Secret"},
                                         {"", "ServiceAccount"},
                                         {"", "LimitRange"},
                                         {"rbac.authorization.k8s.io", "Role"},
                                         {"rbac.authorization.k8s.io", "RoleBinding"},
                                         {"rbac.authorization.k8s.io", "ClusterRole"},
                                         {"rbac.authorization.k8s.io", "ClusterRoleBinding"},
                                         {"scheduling.k8s.io", "PriorityClass"},
                                         {"storage.k8s.io", "StorageClass"}};
  const bool ruled = std::any_of(rules_.begin(), rules_.end(), [&](const HealthRule& rule) {
    return rule.group == type.group && rule.kind == type.kind;
  });
  return !ruled && kinds.contains(type);
}

}  // namespace gitopsd::kubernetes
