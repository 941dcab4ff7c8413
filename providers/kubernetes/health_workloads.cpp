#include <algorithm>
#include <limits>
#include <optional>

#include "providers/kubernetes/health_kinds.h"
#include "providers/kubernetes/object_fields.h"

namespace gitopsd::kubernetes {
namespace {

/// "2 of 3 Pods are ready" while that is too few.
std::optional<Judgement> too_few(std::int64_t have, std::int64_t want, const char* what) {
  if (have >= want) return std::nullopt;
  return progressing(std::to_string(have) + " of " + std::to_string(want) + " Pods are " + what);
}

std::optional<Judgement> too_many(std::int64_t have, std::int64_t want) {
  if (have <= want) return std::nullopt;
  return progressing(std::to_string(have - want) + " Pods that are not wanted any more have yet to end");
}

/// Until then the counts are those of nothing.
std::optional<Judgement> not_seen_yet(const Value& object) {
  if (number_at(object, "/status/observedGeneration", -1) >= 0) return std::nullopt;
  return progressing("its controller has not seen it yet");
}

std::optional<Judgement> count_deployment(const Value& object) {
  const auto wanted = number_at(object, "/spec/replicas", 1);
  const auto replicas = number_at(object, "/status/replicas");
  const auto updated = number_at(object, "/status/updatedReplicas");
  if (auto few = too_few(updated, wanted, "of the newest template")) return few;
  if (auto many = too_many(replicas, wanted)) return many;
  if (auto few = too_few(number_at(object, "/status/availableReplicas"), updated, "available")) return few;
  return too_few(number_at(object, "/status/readyReplicas"), wanted, "ready");
}

/// Adds why Pods cannot be made (a quota, an admission webhook), where that is known.
Judgement with_replica_failure(Judgement judgement, const Value& object) {
  const Condition failure = condition_of(object, "ReplicaFailure");
  if (failure.is_true()) judgement.reason += "; " + failure.str();
  return judgement;
}

}  // namespace

Judgement judge_deployment(const Value& object) {
  if (flag_at(object, "/spec/paused")) return suspended("its rollout is paused (spec.paused)");
  if (auto unseen = not_seen_yet(object)) return *unseen;
  const Condition progress = condition_of(object, "Progressing");
  if (progress.reason == "ProgressDeadlineExceeded")
    return with_replica_failure(degraded(progress.str()), object);
  if (auto counted = count_deployment(object)) return with_replica_failure(*counted, object);
  // Without a deadline the controller keeps no such condition (it takes the largest number for none).
  constexpr std::int64_t kNoDeadline = std::numeric_limits<std::int32_t>::max();
  const bool told = number_at(object, "/spec/progressDeadlineSeconds", kNoDeadline) != kNoDeadline;
  if (told && !(progress.is_true() && progress.reason == "NewReplicaSetAvailable"))
    return progressing(progress.reason.empty() ? "its rollout has just begun" : progress.str());
  const Condition available = condition_of(object, "Available");
  if (!available.is_true())
    return progressing(available.reason.empty() ? "it is not available yet" : available.str());
  return healthy();
}

Judgement judge_stateful_set(const Value& object) {
  if (auto unseen = not_seen_yet(object)) return *unseen;
  const auto wanted = number_at(object, "/spec/replicas", 1);
  const auto replicas = number_at(object, "/status/replicas");
  const auto updated = number_at(object, "/status/updatedReplicas");
  if (auto few = too_few(replicas, wanted, "there")) return *few;
  if (auto few = too_few(number_at(object, "/status/readyReplicas"), wanted, "ready")) return *few;
  if (number_at(object, "/spec/minReadySeconds") > 0)
    if (auto few = too_few(number_at(object, "/status/availableReplicas"), wanted, "available")) return *few;
  if (auto many = too_many(replicas, wanted)) return *many;
  if (text_at(object, "/spec/updateStrategy/type") == "OnDelete") {
    if (updated >= wanted) return healthy();
    return healthy(std::to_string(wanted - updated) +
                   " Pods are of an older template until somebody deletes them (OnDelete)");
  }
  const auto partition = number_at(object, "/spec/updateStrategy/rollingUpdate/partition", 0);
  if (auto few = too_few(updated, wanted - partition, "of the newest template")) return *few;
  if (partition > 0)
    return healthy(std::to_string(std::min(partition, wanted)) +
                   " Pods stay of an older template (partition)");
  const std::string current = text_at(object, "/status/currentRevision");
  const std::string newest = text_at(object, "/status/updateRevision");
  if (current != newest) return progressing("its rollout goes from " + current + " to " + newest);
  return healthy();
}

Judgement judge_daemon_set(const Value& object) {
  if (auto unseen = not_seen_yet(object)) return *unseen;
  const auto wanted = number_at(object, "/status/desiredNumberScheduled", -1);
  if (wanted < 0) return progressing("its controller has not counted its nodes yet");
  if (auto few = too_few(number_at(object, "/status/currentNumberScheduled"), wanted, "there")) return *few;
  const auto updated = number_at(object, "/status/updatedNumberScheduled");
  const bool on_delete = text_at(object, "/spec/updateStrategy/type") == "OnDelete";
  if (!on_delete)
    if (auto few = too_few(updated, wanted, "of the newest template")) return *few;
  if (auto few = too_few(number_at(object, "/status/numberAvailable"), wanted, "available")) return *few;
  if (auto few = too_few(number_at(object, "/status/numberReady"), wanted, "ready")) return *few;
  if (updated >= wanted) return healthy();
  return healthy(std::to_string(wanted - updated) +
                 " Pods are of an older template until somebody deletes them (OnDelete)");
}

Judgement judge_replica_set(const Value& object) {
  if (auto unseen = not_seen_yet(object)) return *unseen;
  const Condition failure = condition_of(object, "ReplicaFailure");
  if (failure.is_true()) return degraded(failure.str());
  const auto wanted = number_at(object, "/spec/replicas", 1);
  if (auto few = too_few(number_at(object, "/status/fullyLabeledReplicas"), wanted, "labelled")) return *few;
  if (auto few = too_few(number_at(object, "/status/availableReplicas"), wanted, "available")) return *few;
  if (auto few = too_few(number_at(object, "/status/readyReplicas"), wanted, "ready")) return *few;
  if (auto many = too_many(number_at(object, "/status/replicas"), wanted)) return *many;
  return healthy();
}

}  // namespace gitopsd::kubernetes
