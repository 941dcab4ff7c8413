#include "providers/kubernetes/health.h"

#include <functional>
#include <map>
#include <optional>

#include "providers/kubernetes/health_kinds.h"
#include "providers/kubernetes/object_fields.h"

namespace gitopsd::kubernetes {

using protocol::Health;

Judgement healthy(std::string reason) {
  return {Health::healthy, std::move(reason)};
}
Judgement progressing(std::string reason) {
  return {Health::progressing, std::move(reason)};
}
Judgement degraded(std::string reason) {
  return {Health::degraded, std::move(reason)};
}
Judgement suspended(std::string reason) {
  return {Health::suspended, std::move(reason)};
}

namespace {

using Judge = Judgement (*)(const Value&);

/// By group and kind.
const std::map<std::string, Judge, std::less<>>& judges() {
  static const std::map<std::string, Judge, std::less<>> all{
      {"apps/Deployment", &judge_deployment},
      {"apps/StatefulSet", &judge_stateful_set},
      {"apps/DaemonSet", &judge_daemon_set},
      {"apps/ReplicaSet", &judge_replica_set},
      {"/ReplicationController", &judge_replica_set},
      {"batch/Job", &judge_job},
      {"batch/CronJob", &judge_cron_job},
      {"/PersistentVolumeClaim", &judge_claim},
      {"/Service", &judge_service},
      {"networking.k8s.io/Ingress", &judge_ingress},
      {"autoscaling/HorizontalPodAutoscaler", &judge_autoscaler},
      {"policy/PodDisruptionBudget", &judge_disruption_budget},
      {"apiextensions.k8s.io/CustomResourceDefinition", &judge_custom_resource_definition},
      {"apiregistration.k8s.io/APIService", &judge_api_service},
      {"/Namespace", &judge_namespace},
  };
  return all;
}

/// What keeps an object that is being deleted: finalizers, and in a Namespace also what its conditions tell.
Judgement judge_deletion(const Value& object) {
  std::string reason = "it is being deleted since " + text_at(object, "/metadata/deletionTimestamp");
  std::string waits;
  for (const char* list : {"/metadata/finalizers", "/spec/finalizers"})
    for (const Value& item : list_at(object, list))
      if (item.is_string()) waits += (waits.empty() ? "" : ", ") + item.as_string();
  if (!waits.empty()) reason += "; finalizers: " + waits;
  for (const char* type :
       {"NamespaceDeletionDiscoveryFailure", "NamespaceDeletionGroupVersionParsingFailure",
        "NamespaceDeletionContentFailure", "NamespaceContentRemaining", "NamespaceFinalizersRemaining"}) {
    const Condition condition = condition_of(object, type);
    if (condition.is_true()) reason += "; " + condition.message;
  }
  return progressing(reason);
}

/// What any kind may tell in the same way.
std::optional<Judgement> judge_common(const Value& object) {
  if (!text_at(object, "/metadata/deletionTimestamp").empty()) return judge_deletion(object);
  const auto generation = number_at(object, "/metadata/generation", -1);
  const auto observed = number_at(object, "/status/observedGeneration", -1);
  if (generation >= 0 && observed >= 0 && generation != observed)
    return progressing("its controller has seen generation " + std::to_string(observed) + ", and this is " +
                       std::to_string(generation));
  const Condition stalled = condition_of(object, "Stalled");
  if (stalled.is_true()) return degraded(stalled.str());
  const Condition reconciling = condition_of(object, "Reconciling");
  if (reconciling.is_true()) return progressing(reconciling.str());
  return std::nullopt;
}

}  // namespace

Judgement judge_health(const Value& object, const std::vector<HealthRule>& rules, WallMicros now) {
  if (!object.is_object()) return {Health::missing, "it is not there"};
  for (const HealthRule& rule : rules)
    if (rule.matches(object)) return {rule.health, rule.reason_for(object)};
  if (auto judgement = judge_common(object)) return *judgement;
  const std::string name = group_of(object) + "/" + text_at(object, "/kind");
  if (name == "/Pod") return judge_pod(object, now);
  const auto judge = judges().find(name);
  return judge == judges().end() ? judge_by_ready(object) : judge->second(object);
}

}  // namespace gitopsd::kubernetes
