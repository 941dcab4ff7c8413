#include "tests/unit/kubernetes/health_table.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;
using protocol::Health;

namespace {

constexpr const char* kPod = R"(
apiVersion: v1
kind: Pod
metadata: {creationTimestamp: "2026-11-24T11:00:00Z", labels: {app: web}, name: web-0, namespace: shop, resourceVersion: "31", uid: 61f9c9a0-5a8a-4b3f-8d2c-2b1f6c1c9d77}
spec:
  containers:
  - {image: "shop/web:3", imagePullPolicy: IfNotPresent, name: web, resources: {}}
  nodeName: node-1
  restartPolicy: Always
  serviceAccountName: default
status:
  conditions:
  - {lastTransitionTime: "2026-11-24T11:00:01Z", status: "True", type: Initialized}
  - {lastTransitionTime: "2026-11-24T11:00:05Z", status: "True", type: Ready}
  - {lastTransitionTime: "2026-11-24T11:00:05Z", status: "True", type: ContainersReady}
  - {lastTransitionTime: "2026-11-24T11:00:00Z", status: "True", type: PodScheduled}
  containerStatuses:
  - {containerID: "containerd://8a1f", image: "docker.io/shop/web:3", imageID: "docker.io/shop/web@sha256:12", lastState: {}, name: web, ready: true, restartCount: 0, started: true, state: {running: {startedAt: "2026-11-24T11:00:04Z"}}}
  hostIP: 192.168.1.11
  phase: Running
  podIP: 10.244.1.9
  qosClass: BestEffort
  startTime: "2026-11-24T11:00:00Z"
)";

const std::string kContainer = "/status/containerStatuses/0";
const std::string kNotReady =
    R"({message: "containers with unready status: [web]", reason: ContainersNotReady, status: "False", type: Ready})";

}  // namespace

TEST_CASE("health of a Pod that runs") {
  const std::string last =
      R"({terminated: {exitCode: 1, finishedAt: "2026-11-24T11:30:00Z", message: "no DATABASE_URL", reason: Error}})";
  check_health(
      kPod,
      {
          {{}, Health::healthy, ""},
          {{{"/status/conditions/1", kNotReady}},
           Health::progressing,
           "ContainersNotReady: containers with unready status: [web]"},
          {{{"/status/conditions", "[]"}}, Health::progressing, "it runs and is not ready yet"},
          {{{"/spec/restartPolicy", "Never"}},
           Health::progressing,
           "it runs, and is done when its containers have ended"},
          {{{"/status/conditions/1", kNotReady},
            {kContainer + "/ready", "false"},
            {kContainer + "/restartCount", "5"},
            {kContainer + "/lastState", last},
            {kContainer + "/state",
             R"({waiting: {message: "back-off 2m40s restarting failed container=web", reason: CrashLoopBackOff}})"}},
           Health::degraded,
           "container 'web': CrashLoopBackOff: back-off 2m40s restarting failed container=web; after 5 "
           "restarts it "
           "last ended with exit code 1 (Error): no DATABASE_URL"},
          {{{"/status/conditions/1", kNotReady},
            {kContainer + "/ready", "false"},
            {kContainer + "/restartCount", "2"},
            {kContainer + "/lastState", "{terminated: {exitCode: 137, reason: OOMKilled}}"}},
           Health::degraded,
           "container 'web' is not ready; after 2 restarts it last ended with exit code 137 (OOMKilled)"},
          {{{kContainer + "/restartCount", "2"}, {kContainer + "/lastState", last}}, Health::healthy, ""},
          {{{"/metadata/deletionTimestamp", "'2026-11-24T11:59:00Z'"}},
           Health::progressing,
           "it is being deleted since 2026-11-24T11:59:00Z"},
      });
}

TEST_CASE("health of a Pod that waits") {
  const Edits pending = {{"/status/phase", "Pending"}, {"/status/conditions/1", kNotReady}};
  const auto with = [&](Edits more) {
    more.insert(more.begin(), pending.begin(), pending.end());
    return more;
  };
  const std::string unschedulable =
      R"({message: "0/3 nodes are available: 3 Insufficient memory.", reason: Unschedulable, status: "False", type: PodScheduled})";
  check_health(
      kPod,
      {
          {with({{"/status/containerStatuses", ""}, {"/status/conditions/3", unschedulable}}),
           Health::degraded, "Unschedulable: 0/3 nodes are available: 3 Insufficient memory."},
          {with({{"/status/containerStatuses", ""},
                 {"/status/conditions/3", unschedulable},
                 {"/metadata/creationTimestamp", "'2026-11-24T11:59:50Z'"}}),
           Health::progressing, "Unschedulable: 0/3 nodes are available: 3 Insufficient memory."},
          {with({{"/status/containerStatuses", ""},
                 {"/status/conditions/3",
                  "{message: Scheduling is blocked due to non-empty scheduling gates, reason: "
                  "SchedulingGated, "
                  "status: 'False', type: PodScheduled}"}}),
           Health::progressing, "SchedulingGated: Scheduling is blocked due to non-empty scheduling gates"},
          {with({{kContainer + "/state", "{waiting: {reason: ContainerCreating}}"}}), Health::progressing,
           "container 'web': ContainerCreating"},
          {with({{"/status/containerStatuses", ""}}), Health::progressing,
           "its containers have not started yet"},
          {with(
               {{kContainer + "/state",
                 R"({waiting: {message: 'Back-off pulling image "shop/web:3": not found', reason: ImagePullBackOff}})"}}),
           Health::degraded,
           "container 'web': ImagePullBackOff: Back-off pulling image \"shop/web:3\": not found"},
          {with({{kContainer + "/state",
                  R"({waiting: {message: secret "db" not found, reason: CreateContainerConfigError}})"}}),
           Health::degraded, "container 'web': CreateContainerConfigError: secret \"db\" not found"},
          {with({{kContainer + "/state",
                  R"({waiting: {message: couldn't parse image name, reason: InvalidImageName}})"}}),
           Health::degraded, "container 'web': InvalidImageName: couldn't parse image name"},
          {with({{"/status/initContainerStatuses",
                  "[{name: migrate, ready: false, restartCount: 3, state: {waiting: {reason: "
                  "CrashLoopBackOff}}, "
                  "lastState: {terminated: {exitCode: 0, signal: 9}}}]"},
                 {kContainer + "/state", "{waiting: {reason: PodInitializing}}"}}),
           Health::degraded,
           "container 'migrate': CrashLoopBackOff; after 3 restarts it last ended by signal 9"},
          {{{"/status", ""}}, Health::progressing, "it has not been looked at yet"},
      });
}

TEST_CASE("health of a Pod that has ended") {
  check_health(kPod,
               {
                   {{{"/status/phase", "Succeeded"}}, Health::healthy, "its containers have ended well"},
                   {{{"/status/phase", "Failed"},
                     {"/status/reason", "Evicted"},
                     {"/status/message", "'The node was low on resource: memory.'"}},
                    Health::degraded,
                    "Evicted: The node was low on resource: memory."},
                   {{{"/status/phase", "Failed"},
                     {kContainer + "/state", "{terminated: {exitCode: 2, reason: Error}}"}},
                    Health::degraded,
                    "container 'web' ended with exit code 2 (Error)"},
                   {{{"/status/phase", "Failed"}, {kContainer + "/state", "{terminated: {exitCode: 0}}"}},
                    Health::degraded,
                    "its containers have ended, and at least one of them badly"},
                   {{{"/status/phase", "Unknown"}}, Health::unknown, "its phase is Unknown"},
               });
}
