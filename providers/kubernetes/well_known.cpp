#include "providers/kubernetes/well_known.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>
#include <vector>

#include "base/problem.h"

namespace gitopsd::kubernetes {
namespace {

/// The core group has no others, and gets none any more: what is new has a group.
constexpr std::array kCoreInside{"Binding",       "ConfigMap",   "Endpoints",
                                 "Event",         "LimitRange",  "PersistentVolumeClaim",
                                 "Pod",           "PodTemplate", "ReplicationController",
                                 "ResourceQuota", "Secret",      "Service",
                                 "ServiceAccount"};
constexpr std::array kCoreOutside{"ComponentStatus", "Namespace", "Node", "PersistentVolume"};
constexpr std::array kInside{"ControllerRevision.apps",
                             "CronJob.batch",
                             "DaemonSet.apps",
                             "Deployment.apps",
                             "EndpointSlice.discovery.k8s.io",
                             "HorizontalPodAutoscaler.autoscaling",
                             "Ingress.networking.k8s.io",
                             "Job.batch",
                             "Lease.coordination.k8s.io",
                             "NetworkPolicy.networking.k8s.io",
                             "PodDisruptionBudget.policy",
                             "ReplicaSet.apps",
                             "Role.rbac.authorization.k8s.io",
                             "RoleBinding.rbac.authorization.k8s.io",
                             "StatefulSet.apps"};
constexpr std::array kOutside{"APIService.apiregistration.k8s.io",
                              "CSIDriver.storage.k8s.io",
                              "ClusterRole.rbac.authorization.k8s.io",
                              "ClusterRoleBinding.rbac.authorization.k8s.io",
                              "CustomResourceDefinition.apiextensions.k8s.io",
                              "IngressClass.networking.k8s.io",
                              "MutatingWebhookConfiguration.admissionregistration.k8s.io",
                              "PriorityClass.scheduling.k8s.io",
                              "RuntimeClass.node.k8s.io",
                              "StorageClass.storage.k8s.io",
                              "ValidatingAdmissionPolicy.admissionregistration.k8s.io",
                              "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io",
                              "ValidatingWebhookConfiguration.admissionregistration.k8s.io"};

template <class List>
bool has(const List& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// The well-known kind that somebody meant who forgot the group, or wrote the resource, such as `configmaps`.
std::string meant(const std::string& name) {
  std::vector<std::string> all;
  all.insert(all.end(), kCoreInside.begin(), kCoreInside.end());
  all.insert(all.end(), kCoreOutside.begin(), kCoreOutside.end());
  all.insert(all.end(), kInside.begin(), kInside.end());
  all.insert(all.end(), kOutside.begin(), kOutside.end());
  const std::string word = lower(name);
  std::vector<std::string> kinds;
  for (const auto& each : all) {
    const std::string whole = lower(each), kind = lower(GroupKind::parse(each).kind);
    for (const auto& [one, many] : {std::pair(whole, whole), std::pair(kind, kind + "s")})
      if (word == one || word == many) return each;
    kinds.push_back(GroupKind::parse(each).kind);
  }
  const auto near = did_you_mean(name, kinds);
  const auto at = std::find(kinds.begin(), kinds.end(), near);
  return at == kinds.end() ? std::string() : all[static_cast<std::size_t>(at - kinds.begin())];
}

}  // namespace

GroupKind definition_kind() {
  return {"apiextensions.k8s.io", "CustomResourceDefinition"};
}

std::optional<Mistake> mistaken_kind(const std::string& written, bool namespaced) {
  const std::string name = written == definition_kind().kind ? definition_kind().str() : written;
  if (name.find('*') != name.npos) return std::nullopt;
  const bool inside = has(kCoreInside, name) || has(kInside, name);
  const bool outside = has(kCoreOutside, name) || has(kOutside, name);
  if (namespaced && outside)
    return Mistake{name + " lives outside of namespaces", "name it in `clusterKinds`"};
  if (!namespaced && inside)
    return Mistake{name + " lives in namespaces", "`kinds` may name it; `clusterKinds` is for what does not"};
  const bool capital = !name.empty() && name.front() >= 'A' && name.front() <= 'Z';
  if (inside || outside || (capital && name.find('.') != name.npos)) return std::nullopt;
  const std::string near = meant(name);
  const std::string hint = near.empty() ? "kinds are written as in manifests, with their group, such as "
                                          "Deployment.apps; only those of v1 have none"
                                        : "did you mean `" + near + "`?";
  return Mistake{capital ? "there is no kind " + name + " without a group" : "'" + name + "' is no kind",
                 hint};
}

}  // namespace gitopsd::kubernetes
