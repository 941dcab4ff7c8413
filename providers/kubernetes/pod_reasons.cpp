#include "providers/kubernetes/pod_reasons.h"

#include <tuple>

#include "base/json.h"
#include "base/problem.h"
#include "providers/kubernetes/gather.h"
#include "providers/kubernetes/health_kinds.h"
#include "providers/kubernetes/object_fields.h"

namespace gitopsd::kubernetes {
namespace {

constexpr std::size_t kMostWorkloads = 20;
constexpr const char* kMostPods = "&limit=50";

void add_term(std::string& selector, const std::string& term) {
  selector += (selector.empty() ? "" : ",") + term;
}

/// One of `matchExpressions`; empty for an operator that there is not.
std::string expression_term(const Value& expression) {
  std::string key = text_at(expression, "/key");
  const std::string word = text_at(expression, "/operator");
  if (word == "Exists") return key;
  if (word == "DoesNotExist") return "!" + key;
  if (word != "In" && word != "NotIn") return {};
  std::string values;
  for (const Value& value : list_at(expression, "/values"))
    if (value.is_string()) add_term(values, value.as_string());
  return key + (word == "In" ? " in (" : " notin (") + values + ")";
}

/// Pods of a Job that runs are as they should be.
bool has_to_say(const Value& pod, const Judgement& judgement) {
  if (judgement.health == protocol::Health::degraded) return true;
  return judgement.health == protocol::Health::progressing &&
         (text_at(pod, "/status/phase") != "Running" || text_at(pod, "/spec/restartPolicy") == "Always");
}

}  // namespace

bool makes_pods(const GroupKind& type) {
  if (type.group == "batch") return type.kind == "Job";
  return type.group == "apps" && (type.kind == "Deployment" || type.kind == "StatefulSet" ||
                                  type.kind == "DaemonSet" || type.kind == "ReplicaSet");
}

std::string pod_selector(const Value& object) {
  if (!makes_pods({group_of(object), text_at(object, "/kind")})) return {};
  std::string selector;
  const Value* labels = object.at_pointer("/spec/selector/matchLabels");
  if (labels && labels->is_object())
    for (const auto& [key, value] : labels->as_object())
      if (value.is_string()) add_term(selector, key + "=" + value.as_string());
  for (const Value& expression : list_at(object, "/spec/selector/matchExpressions"))
    if (const std::string term = expression_term(expression); !term.empty()) add_term(selector, term);
  return selector;
}

std::string pod_reason(const Value::Array& pods, WallMicros now) {
  std::tuple<bool, std::string> best{};
  std::string reason;
  for (const Value& pod : pods) {
    const Judgement judgement = judge_pod(pod, now);
    if (!has_to_say(pod, judgement)) continue;
    const std::tuple<bool, std::string> rank{judgement.health == protocol::Health::degraded,
                                             text_at(pod, "/metadata/creationTimestamp")};
    if (!reason.empty() && rank <= best) continue;
    best = rank;
    reason = "Pod " + text_at(pod, "/metadata/name") + ": " + judgement.reason;
  }
  return reason;
}

void add_pod_reasons(Cluster& cluster, const Policy& policy, const std::vector<Live::Wanted>& wanted,
                     std::vector<Looked>& looked) {
  std::vector<HttpRequest> requests;
  std::vector<std::size_t> asked;
  for (std::size_t i = 0; i < looked.size() && asked.size() < kMostWorkloads; ++i) {
    if (looked[i].pods.empty()) continue;
    HttpRequest request;
    request.path = "/api/v1/namespaces/" + escape(wanted[i].id.space) +
                   "/pods?labelSelector=" + escape(looked[i].pods) + kMostPods;
    request.headers = policy.headers();
    requests.push_back(std::move(request));
    asked.push_back(i);
  }
  if (requests.empty()) return;
  const auto answers = send_all(cluster.http(), std::move(requests));
  for (std::size_t k = 0; k < asked.size(); ++k) {
    if (answers[k].status != 200) continue;
    try {
      const Value found = parse_go_json(answers[k].body, "the Pods");
      const std::string why = pod_reason(found.get_array("items"), system_clock().wall());
      std::string& reason = looked[asked[k]].health.reason;
      if (!why.empty()) reason += (reason.empty() ? "" : "; ") + why;
    } catch (const Failure&) {
      // What the workload says of itself has to do.
    }
  }
}

}  // namespace gitopsd::kubernetes
