#include "providers/kubernetes/pod_reasons.h"

#include <doctest/doctest.h>

#include "tests/unit/kubernetes/health_table.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

namespace {

std::string selector_of(const std::string& begin, const std::string& selector) {
  return pod_selector(object_of("{" + begin + ", spec: {selector: " + selector + "}}"));
}

std::string reason_of(const std::string& pods) {
  return pod_reason(object_of(pods).as_array(), kJudgedAt);
}

std::string waiting_pod(const std::string& name, const std::string& hour, const std::string& waiting) {
  return "{metadata: {name: " + name + ", creationTimestamp: '2026-11-24T" + hour +
         ":00:00Z'}, status: {phase: Pending, containerStatuses: [{name: web, state: {waiting: " + waiting +
         "}}]}}";
}

}  // namespace

TEST_CASE("how the Pods of a workload are selected") {
  const std::string deployment = "apiVersion: apps/v1, kind: Deployment";
  CHECK(selector_of(deployment, "{matchLabels: {app: web, tier: front}}") == "app=web,tier=front");
  CHECK(selector_of(
            deployment,
            "{matchLabels: {app: web}, matchExpressions: [{key: a, operator: In, values: [u, v]}, {key: "
            "b, operator: NotIn, values: [z]}, {key: c, operator: Exists}, {key: d, operator: "
            "DoesNotExist}]}") == "app=web,a in (u,v),b notin (z),c,!d");
  CHECK(selector_of("apiVersion: batch/v1, kind: Job", "{matchLabels: {u: '1'}}") == "u=1");
  CHECK(selector_of("apiVersion: v1, kind: Service", "{matchLabels: {app: web}}") == "");
  CHECK(selector_of("apiVersion: example.com/v1, kind: Deployment", "{matchLabels: {app: web}}") == "");
}

TEST_CASE("the Pod that has the most to say, and the newest of those") {
  const std::string pulling = "{reason: ImagePullBackOff, message: no such image}",
                    creating = "{reason: ContainerCreating}";
  CHECK(reason_of("[" + waiting_pod("old", "10", pulling) + ", " + waiting_pod("new", "11", pulling) + ", " +
                  waiting_pod("newest", "12", creating) + "]") ==
        "Pod new: container 'web': ImagePullBackOff: no such image");
  CHECK(reason_of("[" + waiting_pod("a", "10", creating) + "]") ==
        "Pod a: container 'web': ContainerCreating");
  CHECK(reason_of("[]") == "");
  CHECK(
      reason_of("[{metadata: {name: a}, spec: {restartPolicy: Always}, status: {phase: Running, conditions: "
                "[{type: Ready, status: 'True'}]}}]") == "");
  // Of a Job.
  CHECK(reason_of("[{metadata: {name: a}, spec: {restartPolicy: Never}, status: {phase: Running}}]") == "");
  CHECK(reason_of(
            "[{metadata: {name: a}, spec: {restartPolicy: Never}, status: {phase: Failed, "
            "containerStatuses: [{name: web, state: {terminated: {exitCode: 137, reason: OOMKilled}}}]}}]") ==
        "Pod a: container 'web' ended with exit code 137 (OOMKilled)");
}
