// The rules of each kind. All take an object that is not being deleted and whose controller has seen its
// newest generation, where it says so.
#pragma once

#include "base/types.h"
#include "base/value.h"
#include "providers/kubernetes/health.h"

namespace gitopsd::kubernetes {

// Judgements in one word.
Judgement healthy(std::string reason = {});
Judgement progressing(std::string reason);
Judgement degraded(std::string reason);
Judgement suspended(std::string reason);

// health_workloads.cpp
Judgement judge_deployment(const Value& object);
Judgement judge_stateful_set(const Value& object);
Judgement judge_daemon_set(const Value& object);
Judgement judge_replica_set(const Value& object);  ///< and ReplicationController

// health_pod.cpp
Judgement judge_pod(const Value& object, WallMicros now);

// health_batch.cpp
Judgement judge_job(const Value& object);
Judgement judge_cron_job(const Value& object);

// health_others.cpp
Judgement judge_claim(const Value& object);  ///< PersistentVolumeClaim
Judgement judge_service(const Value& object);
Judgement judge_ingress(const Value& object);
Judgement judge_autoscaler(const Value& object);         ///< HorizontalPodAutoscaler
Judgement judge_disruption_budget(const Value& object);  ///< PodDisruptionBudget
Judgement judge_custom_resource_definition(const Value& object);
Judgement judge_api_service(const Value& object);
Judgement judge_namespace(const Value& object);
/// Any other kind: by its Ready condition, healthy where it has none.
Judgement judge_by_ready(const Value& object);

}  // namespace gitopsd::kubernetes
