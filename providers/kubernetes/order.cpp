#include "providers/kubernetes/order.h"

#include <algorithm>
#include <set>

namespace gitopsd::kubernetes {
namespace {

constexpr int kStages = 8;
constexpr int kMostWave = 100'000;
constexpr int kRemovals = kStages * (kMostWave + 1);

int stage_of(const GroupKind& type) {
  static const std::set<GroupKind> needed{
      {"", "ServiceAccount"},
      {"", "Secret"},
      {"", "ConfigMap"},
      {"", "PersistentVolume"},
      {"", "PersistentVolumeClaim"},
      {"", "ResourceQuota"},
      {"", "LimitRange"},
      {"", "Service"},
      {"scheduling.k8s.io", "PriorityClass"},
      {"storage.k8s.io", "StorageClass"},
      {"storage.k8s.io", "CSIDriver"},
      {"networking.k8s.io", "NetworkPolicy"},
      {"networking.k8s.io", "IngressClass"},
      {"node.k8s.io", "RuntimeClass"},
      {"policy", "PodDisruptionBudget"},
  };
  static const std::set<GroupKind> judges{
      {"admissionregistration.k8s.io", "ValidatingWebhookConfiguration"},
      {"admissionregistration.k8s.io", "MutatingWebhookConfiguration"},
      {"admissionregistration.k8s.io", "ValidatingAdmissionPolicy"},
      {"admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"},
      {"apiregistration.k8s.io", "APIService"},
  };
  if (type == GroupKind{"", "Namespace"}) return 0;
  if (type == GroupKind{"apiextensions.k8s.io", "CustomResourceDefinition"}) return 1;
  if (type.group == "rbac.authorization.k8s.io" && type.kind.starts_with("ClusterRole")) return 2;
  if (type.group == "rbac.authorization.k8s.io" || needed.contains(type)) return 3;
  return judges.contains(type) ? 5 : 4;
}

}  // namespace

int wave_of(const Manifest& manifest) {
  return std::clamp(manifest.wave, -kMostWave, kMostWave) * kStages + stage_of(manifest.id.type);
}

std::string group_of(const Manifest& manifest) {
  // A kind is served, and a namespace filled, once these are there; all others need only their turn.
  return stage_of(manifest.id.type) < 2 ? std::string() : "wave " + std::to_string(manifest.wave);
}

int removal_wave(const GroupKind& type) {
  return kRemovals + kStages - stage_of(type);
}

bool holds_data(const GroupKind& type) {
  static const std::set<GroupKind> kinds{{"", "Namespace"},
                                         {"", "PersistentVolume"},
                                         {"", "PersistentVolumeClaim"},
                                         {"apiextensions.k8s.io", "CustomResourceDefinition"},
                                         {"snapshot.storage.k8s.io", "VolumeSnapshot"},
                                         {"snapshot.storage.k8s.io", "VolumeSnapshotContent"}};
  return kinds.contains(type);
}

bool holds_objects(const GroupKind& type) {
  return type == GroupKind{"", "Namespace"} ||
         type == GroupKind{"apiextensions.k8s.io", "CustomResourceDefinition"};
}

}  // namespace gitopsd::kubernetes
