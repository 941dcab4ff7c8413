#include "base/json.h"
#include "base/problem.h"
#include "providers/kubernetes/health_kinds.h"
#include "providers/kubernetes/object_fields.h"

namespace gitopsd::kubernetes {
namespace {

/// Whether somebody makes a volume right now.
bool is_provisioning(const Value& claim) {
  return !text_at(claim, "/metadata/annotations/volume.kubernetes.io~1storage-provisioner").empty() ||
         !text_at(claim, "/metadata/annotations/volume.beta.kubernetes.io~1storage-provisioner").empty();
}

Judgement judge_pending_claim(const Value& claim) {
  const std::string name = text_at(claim, "/spec/storageClassName");
  if (is_provisioning(claim)) return progressing("its volume is being made (storage class '" + name + "')");
  if (name.empty() || !text_at(claim, "/spec/volumeName").empty())
    return progressing("no volume is bound to it yet");
  // A class that waits for the first consumer binds nothing until a Pod needs it: who waited for the claim
  // before making the Pod would wait for ever.
  return healthy("it waits for the first Pod that uses it, or for storage class '" + name + "' to exist");
}

/// autoscaling/v1 has its conditions as JSON in an annotation.
Value with_conditions(const Value& autoscaler) {
  const std::string text =
      text_at(autoscaler, "/metadata/annotations/autoscaling.alpha.kubernetes.io~1conditions");
  if (text.empty()) return autoscaler;
  try {
    return Value::object({{"status", Value::object({{"conditions", parse_json(text)}})}});
  } catch (const Failure&) {
    return autoscaler;
  }
}

}  // namespace

Judgement judge_claim(const Value& object) {
  const std::string phase = text_at(object, "/status/phase");
  if (phase == "Lost") return degraded("its volume '" + text_at(object, "/spec/volumeName") + "' is lost");
  if (phase == "Pending") return judge_pending_claim(object);
  if (phase != "Bound") return progressing("it has not been looked at yet");
  for (const char* type : {"ControllerResizeError", "NodeResizeError", "ModifyVolumeError"}) {
    const Condition error = condition_of(object, type);
    if (error.is_true()) return degraded(std::string(type) + ": " + error.str());
  }
  if (condition_of(object, "Resizing").is_true()) return progressing("its volume is being resized");
  const Condition pending = condition_of(object, "FileSystemResizePending");
  if (pending.is_true()) return healthy("its file system grows when a Pod next mounts it");
  return healthy();
}

Judgement judge_service(const Value& object) {
  if (text_at(object, "/spec/type") != "LoadBalancer" ||
      !list_at(object, "/status/loadBalancer/ingress").empty())
    return healthy();
  return progressing("no load balancer has given it an address yet");
}

Judgement judge_ingress(const Value& object) {
  if (!list_at(object, "/status/loadBalancer/ingress").empty()) return healthy();
  const std::string name = text_at(object, "/spec/ingressClassName");
  return progressing("no controller" + (name.empty() ? "" : " of class '" + name + "'") +
                     " has given it an address yet");
}

Judgement judge_autoscaler(const Value& object) {
  const Value told = with_conditions(object);
  const Condition able = condition_of(told, "AbleToScale");
  if (able.is_false()) return degraded(able.str());
  const Condition active = condition_of(told, "ScalingActive");
  // Somebody set the target to no replicas at all, which switches scaling off.
  if (active.is_false() && active.reason == "ScalingDisabled") return healthy(active.str());
  if (active.is_false()) return degraded(active.str());
  if (!able.is_true()) return progressing("no autoscaler has looked at it yet");
  const Condition limited = condition_of(told, "ScalingLimited");
  return healthy(limited.is_true() ? limited.str() : "");
}

Judgement judge_disruption_budget(const Value& object) {
  if (number_at(object, "/status/observedGeneration", -1) < 0)
    return progressing("its controller has not seen it yet");
  const Condition allowed = condition_of(object, "DisruptionAllowed");
  if (allowed.reason == "SyncFailed") return degraded(allowed.str());
  return healthy();
}

Judgement judge_custom_resource_definition(const Value& object) {
  const Condition names = condition_of(object, "NamesAccepted");
  if (names.is_false()) return degraded(names.str());
  const Condition established = condition_of(object, "Established");
  if (established.is_true()) return healthy();
  if (established.is_false() && established.reason != "Installing") return degraded(established.str());
  return progressing("the API server has yet to serve it");
}

Judgement judge_api_service(const Value& object) {
  const Condition available = condition_of(object, "Available");
  if (available.is_true()) return healthy();
  return progressing(available.status.empty() ? "it has not been looked at yet" : available.str());
}

Judgement judge_namespace(const Value& object) {
  if (text_at(object, "/status/phase") == "Terminating") return progressing("it is being deleted");
  return healthy();
}

Judgement judge_by_ready(const Value& object) {
  const Condition ready = condition_of(object, "Ready");
  if (ready.status.empty() || ready.is_true()) return healthy();
  return progressing(ready.str().empty() ? "it is not ready" : ready.str());
}

}  // namespace gitopsd::kubernetes
