#include "providers/kubernetes/health_kinds.h"
#include "providers/kubernetes/object_fields.h"

namespace gitopsd::kubernetes {

/// A Job that runs is not done: kstatus takes it for current, Argo CD waits, and whoever syncs one waits too.
Judgement judge_job(const Value& object) {
  const Condition failed = condition_of(object, "Failed");
  if (failed.is_true()) return degraded(failed.str());
  if (condition_of(object, "Complete").is_true()) return healthy("it is complete");
  if (condition_of(object, "Suspended").is_true() || flag_at(object, "/spec/suspend"))
    return suspended("it is suspended (spec.suspend)");
  if (text_at(object, "/status/startTime").empty()) return progressing("it has not started yet");
  const auto completions = number_at(object, "/spec/completions", number_at(object, "/spec/parallelism", 1));
  const auto failures = number_at(object, "/status/failed");
  std::string reason = std::to_string(number_at(object, "/status/succeeded")) + " of " +
                       std::to_string(completions) + " Pods have succeeded, " +
                       std::to_string(number_at(object, "/status/active")) + " run";
  if (failures > 0) reason += ", " + std::to_string(failures) + " have failed";
  const Condition failing = condition_of(object, "FailureTarget");
  if (failing.is_true()) reason += "; it will fail: " + failing.str();
  return progressing(reason);
}

Judgement judge_cron_job(const Value& object) {
  if (flag_at(object, "/spec/suspend")) return suspended("it is suspended (spec.suspend)");
  return healthy();
}

}  // namespace gitopsd::kubernetes
