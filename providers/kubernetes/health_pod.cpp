#include <vector>

#include "base/timestamp.h"
#include "providers/kubernetes/health_kinds.h"
#include "providers/kubernetes/object_fields.h"

namespace gitopsd::kubernetes {
namespace {

/// kstatus' window: a Pod is often seen before its scheduler, or its volume, has come to it.
constexpr WallMicros kScheduleWindow = 15'000'000;

bool is_fault(const std::string& waiting) {
  return waiting.starts_with("Err") || waiting.ends_with("Error") || waiting.ends_with("BackOff") ||
         waiting == "InvalidImageName" || waiting == "ContainerCannotRun";
}

std::string ending(const Value& terminated) {
  const std::string reason = text_at(terminated, "/reason"), message = text_at(terminated, "/message");
  const auto signal = number_at(terminated, "/signal");
  std::string out = signal > 0 ? "by signal " + std::to_string(signal)
                               : "with exit code " + std::to_string(number_at(terminated, "/exitCode"));
  if (!reason.empty()) out += " (" + reason + ")";
  if (!message.empty()) out += ": " + message;
  return out;
}

std::string named_container(const Value& status) {
  return "container '" + text_at(status, "/name") + "'";
}

/// "container 'app': CrashLoopBackOff: back-off 5m0s restarting ...; it ended with exit code 1 (Error)"
std::string waiting_reason(const Value& status) {
  const Value& waiting = *status.at_pointer("/state/waiting");
  std::string out = named_container(status) + ": " + text_at(waiting, "/reason");
  if (const std::string message = text_at(waiting, "/message"); !message.empty()) out += ": " + message;
  if (const Value* last = status.at_pointer("/lastState/terminated"))
    out += "; after " + std::to_string(number_at(status, "/restartCount")) + " restarts it last ended " +
           ending(*last);
  return out;
}

/// The Pod's containers, init containers first.
std::vector<const Value*> containers_of(const Value& pod) {
  std::vector<const Value*> out;
  for (const char* list : {"/status/initContainerStatuses", "/status/containerStatuses"})
    for (const Value& status : list_at(pod, list)) out.push_back(&status);
  return out;
}

Judgement judge_pending(const Value& pod, WallMicros now) {
  const Condition scheduled = condition_of(pod, "PodScheduled");
  if (scheduled.is_false()) {
    const auto created = parse_rfc3339(text_at(pod, "/metadata/creationTimestamp"));
    const bool early = created && now < *created + kScheduleWindow;
    if (scheduled.reason == "Unschedulable" && !early) return degraded(scheduled.str());
    return progressing(scheduled.str());
  }
  for (const Value* status : containers_of(pod)) {
    const std::string reason = text_at(*status, "/state/waiting/reason");
    if (!reason.empty() && reason != "PodInitializing") return progressing(waiting_reason(*status));
  }
  const std::string message = text_at(pod, "/status/message");
  return progressing(message.empty() ? "its containers have not started yet" : message);
}

Judgement judge_running(const Value& pod) {
  const Condition ready = condition_of(pod, "Ready");
  const std::string policy = text_at(pod, "/spec/restartPolicy");
  if (policy == "Never" || policy == "OnFailure")
    return progressing("it runs, and is done when its containers have ended");
  if (ready.is_true()) return healthy();
  for (const Value* status : containers_of(pod)) {
    const Value* last = status->at_pointer("/lastState/terminated");
    if (last && !flag_at(*status, "/ready") && number_at(*last, "/exitCode") != 0)
      return degraded(named_container(*status) + " is not ready; after " +
                      std::to_string(number_at(*status, "/restartCount")) + " restarts it last ended " +
                      ending(*last));
  }
  return progressing(ready.str().empty() ? "it runs and is not ready yet" : ready.str());
}

Judgement judge_failed(const Value& pod) {
  const std::string reason = text_at(pod, "/status/reason"), message = text_at(pod, "/status/message");
  if (!reason.empty() || !message.empty()) return degraded(Condition{"", reason, message}.str());
  for (const Value* status : containers_of(pod)) {
    const Value* ended = status->at_pointer("/state/terminated");
    if (ended && (number_at(*ended, "/exitCode") != 0 || number_at(*ended, "/signal") != 0))
      return degraded(named_container(*status) + " ended " + ending(*ended));
  }
  return degraded("its containers have ended, and at least one of them badly");
}

}  // namespace

Judgement judge_pod(const Value& pod, WallMicros now) {
  const std::string phase = text_at(pod, "/status/phase");
  if (phase == "Succeeded") return healthy("its containers have ended well");
  if (phase == "Failed") return judge_failed(pod);
  for (const Value* status : containers_of(pod))
    if (is_fault(text_at(*status, "/state/waiting/reason"))) return degraded(waiting_reason(*status));
  if (phase == "Running") return judge_running(pod);
  if (phase == "Pending") return judge_pending(pod, now);
  if (phase.empty()) return progressing("it has not been looked at yet");
  const std::string message = text_at(pod, "/status/message");
  return {protocol::Health::unknown, message.empty() ? "its phase is " + phase : message};
}

}  // namespace gitopsd::kubernetes
