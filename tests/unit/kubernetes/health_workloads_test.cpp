#include "tests/unit/kubernetes/health_table.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;
using protocol::Health;

TEST_CASE("health of a Deployment") {
  const std::string deployment = R"(
apiVersion: apps/v1
kind: Deployment
metadata:
  annotations: {deployment.kubernetes.io/revision: "4"}
  creationTimestamp: "2026-11-20T09:12:31Z"
  generation: 7
  labels: {app: web}
  name: web
  namespace: shop
  resourceVersion: "48213"
  uid: 5b0d7a8e-8b38-4a50-93a5-3a4f7f3f2c11
spec:
  progressDeadlineSeconds: 600
  replicas: 3
  revisionHistoryLimit: 10
  selector: {matchLabels: {app: web}}
  strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: 25%}, type: RollingUpdate}
  template:
    metadata: {creationTimestamp: null, labels: {app: web}}
    spec:
      containers:
      - {image: "nginx:1.27", imagePullPolicy: IfNotPresent, name: web, resources: {}, terminationMessagePath: /dev/termination-log}
      dnsPolicy: ClusterFirst
      restartPolicy: Always
      schedulerName: default-scheduler
status:
  availableReplicas: 3
  conditions:
  - {lastTransitionTime: "2026-11-20T09:12:40Z", lastUpdateTime: "2026-11-20T09:12:40Z", message: Deployment has minimum availability., reason: MinimumReplicasAvailable, status: "True", type: Available}
  - {lastTransitionTime: "2026-11-20T09:12:31Z", lastUpdateTime: "2026-11-24T11:00:12Z", message: ReplicaSet "web-6d4cf56db6" has successfully progressed., reason: NewReplicaSetAvailable, status: "True", type: Progressing}
  observedGeneration: 7
  readyReplicas: 3
  replicas: 3
  updatedReplicas: 3
)";
  const std::string quota =
      R"({message: 'pods "web-1" is forbidden: exceeded quota: compute', reason: FailedCreate, status: "True", type: ReplicaFailure})";
  check_health(
      deployment,
      {
          {{}, Health::healthy, ""},
          {{{"/metadata/generation", "8"}},
           Health::progressing,
           "its controller has seen generation 7, and this is 8"},
          {{{"/status", "{}"}}, Health::progressing, "its controller has not seen it yet"},
          {{{"/spec/paused", "true"}}, Health::suspended, "its rollout is paused (spec.paused)"},
          {{{"/status/updatedReplicas", "1"}, {"/status/replicas", "4"}},
           Health::progressing,
           "1 of 3 Pods are of the newest template"},
          {{{"/status/replicas", "4"}},
           Health::progressing,
           "1 Pods that are not wanted any more have yet to end"},
          {{{"/spec/replicas", "2"}},
           Health::progressing,
           "1 Pods that are not wanted any more have yet to end"},
          {{{"/status/availableReplicas", "2"}}, Health::progressing, "2 of 3 Pods are available"},
          {{{"/status/readyReplicas", ""}}, Health::progressing, "0 of 3 Pods are ready"},
          {{{"/status/availableReplicas", "2"}, {"/status/conditions/2", quota}},
           Health::progressing,
           "2 of 3 Pods are available; FailedCreate: pods \"web-1\" is forbidden: exceeded quota: compute"},
          {{{"/status/availableReplicas", "2"},
            {"/status/conditions/1",
             R"({message: ReplicaSet "web-6d4cf56db6" has timed out progressing., reason: ProgressDeadlineExceeded, status: "False", type: Progressing})"}},
           Health::degraded,
           "ProgressDeadlineExceeded: ReplicaSet \"web-6d4cf56db6\" has timed out progressing."},
          {{{"/status/conditions/1/reason", "ProgressDeadlineExceeded"}, {"/status/conditions/2", quota}},
           Health::degraded,
           "ProgressDeadlineExceeded: ReplicaSet \"web-6d4cf56db6\" has successfully progressed.; "
           "FailedCreate: "
           "pods \"web-1\" is forbidden: exceeded quota: compute"},
          {{{"/status/conditions/1/reason", "ReplicaSetUpdated"},
            {"/status/conditions/1/message", "ReplicaSet is progressing."}},
           Health::progressing,
           "ReplicaSetUpdated: ReplicaSet is progressing."},
          {{{"/status/conditions/1", ""}}, Health::progressing, "its rollout has just begun"},
          {{{"/status/conditions/1", ""}, {"/spec/progressDeadlineSeconds", "2147483647"}},
           Health::healthy,
           ""},
          {{{"/status/conditions/0/status", "'False'"},
            {"/status/conditions/0/reason", "MinimumReplicasUnavailable"},
            {"/status/conditions/0/message", "Deployment does not have minimum availability."}},
           Health::progressing,
           "MinimumReplicasUnavailable: Deployment does not have minimum availability."},
          {{{"/spec/replicas", "0"},
            {"/status/replicas", ""},
            {"/status/updatedReplicas", ""},
            {"/status/availableReplicas", ""},
            {"/status/readyReplicas", ""}},
           Health::healthy,
           ""},
          {{{"/metadata/deletionTimestamp", "'2026-11-24T11:59:00Z'"},
            {"/metadata/finalizers", "[foregroundDeletion]"}},
           Health::progressing,
           "it is being deleted since 2026-11-24T11:59:00Z; finalizers: foregroundDeletion"},
      });
}

TEST_CASE("health of a StatefulSet") {
  const std::string set = R"(
apiVersion: apps/v1
kind: StatefulSet
metadata: {creationTimestamp: "2026-11-20T09:12:31Z", generation: 2, name: db, namespace: shop, resourceVersion: "512", uid: 0c5ad2a5-27d5-4f0c-a9f5-02a3b0c0e7d1}
spec:
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain, whenScaled: Retain}
  podManagementPolicy: OrderedReady
  replicas: 3
  revisionHistoryLimit: 10
  selector: {matchLabels: {app: db}}
  serviceName: db
  template: {metadata: {labels: {app: db}}, spec: {containers: [{image: "postgres:17", name: db}]}}
  updateStrategy: {rollingUpdate: {partition: 0}, type: RollingUpdate}
status:
  availableReplicas: 3
  collisionCount: 0
  currentReplicas: 3
  currentRevision: db-5f9c7b6d4
  observedGeneration: 2
  readyReplicas: 3
  replicas: 3
  updateRevision: db-5f9c7b6d4
  updatedReplicas: 3
)";
  check_health(
      set,
      {
          {{}, Health::healthy, ""},
          {{{"/status/observedGeneration", ""}}, Health::progressing, "its controller has not seen it yet"},
          {{{"/status/replicas", "1"}}, Health::progressing, "1 of 3 Pods are there"},
          {{{"/status/readyReplicas", "2"}}, Health::progressing, "2 of 3 Pods are ready"},
          {{{"/status/availableReplicas", "2"}}, Health::healthy, ""},
          {{{"/status/availableReplicas", "2"}, {"/spec/minReadySeconds", "30"}},
           Health::progressing,
           "2 of 3 Pods are available"},
          {{{"/status/replicas", "5"}},
           Health::progressing,
           "2 Pods that are not wanted any more have yet to end"},
          {{{"/status/updatedReplicas", "1"}, {"/status/updateRevision", "db-77"}},
           Health::progressing,
           "1 of 3 Pods are of the newest template"},
          {{{"/status/updateRevision", "db-77"}},
           Health::progressing,
           "its rollout goes from db-5f9c7b6d4 to db-77"},
          {{{"/spec/updateStrategy/rollingUpdate/partition", "2"},
            {"/status/updatedReplicas", "1"},
            {"/status/updateRevision", "db-77"}},
           Health::healthy,
           "2 Pods stay of an older template (partition)"},
          {{{"/spec/updateStrategy/rollingUpdate/partition", "2"}, {"/status/updatedReplicas", "0"}},
           Health::progressing,
           "0 of 1 Pods are of the newest template"},
          {{{"/spec/updateStrategy", "{type: OnDelete}"}, {"/status/updatedReplicas", "1"}},
           Health::healthy,
           "2 Pods are of an older template until somebody deletes them (OnDelete)"},
          {{{"/spec/updateStrategy", "{type: OnDelete}"}, {"/status/readyReplicas", "2"}},
           Health::progressing,
           "2 of 3 Pods are ready"},
      });
}

TEST_CASE("health of a DaemonSet") {
  const std::string set = R"(
apiVersion: apps/v1
kind: DaemonSet
metadata: {annotations: {deprecated.daemonset.template.generation: "2"}, creationTimestamp: "2026-11-20T09:12:31Z", generation: 2, name: agent, namespace: monitoring, resourceVersion: "99", uid: 7e3b0c2d-1c9e-4b71-8a4c-6d7a1a1a2b3c}
spec:
  revisionHistoryLimit: 10
  selector: {matchLabels: {app: agent}}
  template: {metadata: {labels: {app: agent}}, spec: {containers: [{image: "agent:3", name: agent}]}}
  updateStrategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}, type: RollingUpdate}
status: {currentNumberScheduled: 5, desiredNumberScheduled: 5, numberAvailable: 5, numberMisscheduled: 0, numberReady: 5, observedGeneration: 2, updatedNumberScheduled: 5}
)";
  check_health(
      set,
      {
          {{}, Health::healthy, ""},
          {{{"/status", ""}}, Health::progressing, "its controller has not seen it yet"},
          {{{"/status/desiredNumberScheduled", ""}},
           Health::progressing,
           "its controller has not counted its nodes yet"},
          {{{"/status/currentNumberScheduled", "4"}}, Health::progressing, "4 of 5 Pods are there"},
          {{{"/status/updatedNumberScheduled", "2"}},
           Health::progressing,
           "2 of 5 Pods are of the newest template"},
          {{{"/status/numberAvailable", ""}}, Health::progressing, "0 of 5 Pods are available"},
          {{{"/status/numberReady", "3"}}, Health::progressing, "3 of 5 Pods are ready"},
          {{{"/spec/updateStrategy", "{type: OnDelete}"}, {"/status/updatedNumberScheduled", "2"}},
           Health::healthy,
           "3 Pods are of an older template until somebody deletes them (OnDelete)"},
          {{{"/status",
             "{currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0, "
             "observedGeneration: 2}"}},
           Health::healthy,
           ""},
      });
}

TEST_CASE("health of a ReplicaSet") {
  const std::string set = R"(
apiVersion: apps/v1
kind: ReplicaSet
metadata: {creationTimestamp: "2026-11-20T09:12:31Z", generation: 1, name: web-6d4cf56db6, namespace: shop, resourceVersion: "7", uid: 1d0f7fd2-0d9c-4f42-8a43-8d54f0d9f4aa}
spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{image: "nginx:1.27", name: web}]}}}
status: {availableReplicas: 2, fullyLabeledReplicas: 2, observedGeneration: 1, readyReplicas: 2, replicas: 2}
)";
  check_health(
      set,
      {
          {{}, Health::healthy, ""},
          {{{"/apiVersion", "v1"}, {"/kind", "ReplicationController"}, {"/status/availableReplicas", "1"}},
           Health::progressing,
           "1 of 2 Pods are available"},
          {{{"/status/fullyLabeledReplicas", "1"}}, Health::progressing, "1 of 2 Pods are labelled"},
          {{{"/status/readyReplicas", "1"}}, Health::progressing, "1 of 2 Pods are ready"},
          {{{"/status/replicas", "3"}},
           Health::progressing,
           "1 Pods that are not wanted any more have yet to end"},
          {{{"/status/conditions",
             R"([{message: 'pods "web-x" is forbidden: violates PodSecurity "restricted:latest"', reason: FailedCreate, status: "True", type: ReplicaFailure}])"}},
           Health::degraded,
           "FailedCreate: pods \"web-x\" is forbidden: violates PodSecurity \"restricted:latest\""},
      });
}
