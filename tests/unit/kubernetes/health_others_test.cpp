#include "tests/unit/kubernetes/health_table.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;
using protocol::Health;

TEST_CASE("health of a Job") {
  const std::string job = R"(
apiVersion: batch/v1
kind: Job
metadata: {creationTimestamp: "2026-11-24T11:00:00Z", generation: 1, labels: {job-name: migrate}, name: migrate, namespace: shop, resourceVersion: "77", uid: 2f1b5c0e-7d25-4c57-9a67-0d0c1b2a3f44}
spec:
  backoffLimit: 6
  completionMode: NonIndexed
  completions: 1
  manualSelector: false
  parallelism: 1
  podReplacementPolicy: TerminatingOrFailed
  suspend: false
  template: {metadata: {labels: {job-name: migrate}}, spec: {containers: [{image: "shop/migrate:3", name: migrate}], restartPolicy: Never}}
status:
  active: 1
  ready: 1
  startTime: "2026-11-24T11:00:00Z"
  terminating: 0
  uncountedTerminatedPods: {}
)";
  check_health(
      job,
      {
          {{}, Health::progressing, "0 of 1 Pods have succeeded, 1 run"},
          {{{"/status/failed", "2"}},
           Health::progressing,
           "0 of 1 Pods have succeeded, 1 run, 2 have failed"},
          {{{"/status", "{}"}}, Health::progressing, "it has not started yet"},
          {{{"/status/conditions",
             "[{status: 'True', type: SuccessCriteriaMet}, {status: 'True', type: Complete}]"},
            {"/status/succeeded", "1"}},
           Health::healthy,
           "it is complete"},
          {{{"/status/conditions",
             "[{message: Job has reached the specified backoff limit, reason: BackoffLimitExceeded, status: "
             "'True', type: FailureTarget}]"}},
           Health::progressing,
           "0 of 1 Pods have succeeded, 1 run; it will fail: BackoffLimitExceeded: Job has reached the "
           "specified "
           "backoff limit"},
          {{{"/status/conditions",
             "[{message: Job was active longer than specified deadline, reason: DeadlineExceeded, status: "
             "'True', "
             "type: Failed}]"}},
           Health::degraded,
           "DeadlineExceeded: Job was active longer than specified deadline"},
          {{{"/spec/suspend", "true"},
            {"/status/conditions", "[{reason: JobSuspended, status: 'True', type: Suspended}]"}},
           Health::suspended,
           "it is suspended (spec.suspend)"},
          {{{"/status/conditions", "[{reason: JobResumed, status: 'False', type: Suspended}]"}},
           Health::progressing,
           "0 of 1 Pods have succeeded, 1 run"},
      });
}

TEST_CASE("health of a CronJob") {
  check_health(R"(
apiVersion: batch/v1
kind: CronJob
metadata: {creationTimestamp: "2026-11-20T09:12:31Z", generation: 1, name: backup, namespace: shop, resourceVersion: "5", uid: 9a2c1b0d-33a1-4a6e-8f6e-54a3b2c1d0ef}
spec: {concurrencyPolicy: Forbid, failedJobsHistoryLimit: 1, jobTemplate: {spec: {template: {spec: {containers: [{image: "backup:1", name: backup}], restartPolicy: OnFailure}}}}, schedule: "0 3 * * *", successfulJobsHistoryLimit: 3, suspend: false}
status: {lastScheduleTime: "2026-11-24T03:00:00Z", lastSuccessfulTime: "2026-11-24T03:00:41Z"}
)",
               {{{}, Health::healthy, ""},
                {{{"/status", "{}"}}, Health::healthy, ""},
                {{{"/spec/suspend", "true"}}, Health::suspended, "it is suspended (spec.suspend)"}});
}

TEST_CASE("health of a PersistentVolumeClaim") {
  const std::string claim = R"(
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  annotations: {pv.kubernetes.io/bind-completed: "yes", pv.kubernetes.io/bound-by-controller: "yes"}
  creationTimestamp: "2026-11-20T09:12:31Z"
  finalizers: [kubernetes.io/pvc-protection]
  name: data
  namespace: shop
  resourceVersion: "12"
  uid: 3c0e4f5a-8d9b-4b7d-9f33-bb8f0e5d0c21
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Gi}}, storageClassName: fast, volumeMode: Filesystem, volumeName: pvc-3c0e4f5a}
status: {accessModes: [ReadWriteOnce], capacity: {storage: 10Gi}, phase: Bound}
)";
  const std::string annotation = "/metadata/annotations/volume.kubernetes.io~1storage-provisioner";
  check_health(
      claim, {
                 {{}, Health::healthy, ""},
                 {{{"/status/phase", "Lost"}}, Health::degraded, "its volume 'pvc-3c0e4f5a' is lost"},
                 {{{"/status", "{}"}}, Health::progressing, "it has not been looked at yet"},
                 {{{"/status/phase", "Pending"}, {"/spec/volumeName", ""}},
                  Health::healthy,
                  "it waits for the first Pod that uses it, or for storage class 'fast' to exist"},
                 {{{"/status/phase", "Pending"}, {"/spec/volumeName", ""}, {annotation, "csi.example.com"}},
                  Health::progressing,
                  "its volume is being made (storage class 'fast')"},
                 {{{"/status/phase", "Pending"}, {"/spec/volumeName", ""}, {"/spec/storageClassName", "''"}},
                  Health::progressing,
                  "no volume is bound to it yet"},
                 {{{"/status/conditions", "[{status: 'True', type: Resizing}]"}},
                  Health::progressing,
                  "its volume is being resized"},
                 {{{"/status/conditions",
                    "[{message: only dynamically provisioned volumes can grow, status: 'True', type: "
                    "ControllerResizeError}]"}},
                  Health::degraded,
                  "ControllerResizeError: only dynamically provisioned volumes can grow"},
                 {{{"/status/conditions", "[{status: 'True', type: FileSystemResizePending}]"}},
                  Health::healthy,
                  "its file system grows when a Pod next mounts it"},
             });
}

TEST_CASE("health of a Service") {
  check_health(
      R"(
apiVersion: v1
kind: Service
metadata: {creationTimestamp: "2026-11-20T09:12:31Z", name: web, namespace: shop, resourceVersion: "9", uid: 8f4d8b56-5f4a-4a1d-9a1e-7f6b5c4d3e2f}
spec: {allocateLoadBalancerNodePorts: true, clusterIP: 10.96.12.7, clusterIPs: [10.96.12.7], externalTrafficPolicy: Cluster, internalTrafficPolicy: Cluster, ipFamilies: [IPv4], ipFamilyPolicy: SingleStack, ports: [{nodePort: 31080, port: 80, protocol: TCP, targetPort: 8080}], selector: {app: web}, sessionAffinity: None, type: LoadBalancer}
status: {loadBalancer: {ingress: [{ip: 203.0.113.7}]}}
)",
      {{{}, Health::healthy, ""},
       {{{"/status/loadBalancer", "{}"}},
        Health::progressing,
        "no load balancer has given it an address yet"},
       {{{"/status/loadBalancer", "{}"}, {"/spec/type", "ClusterIP"}}, Health::healthy, ""},
       {{{"/status/loadBalancer", "{}"}, {"/spec/type", "NodePort"}}, Health::healthy, ""},
       {{{"/status/loadBalancer", "{}"}, {"/spec", "{type: ExternalName, externalName: example.org}"}},
        Health::healthy,
        ""}});
}

TEST_CASE("health of an Ingress") {
  check_health(R"(
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {creationTimestamp: "2026-11-20T09:12:31Z", generation: 1, name: web, namespace: shop, resourceVersion: "10", uid: 27aa7bb6-0a12-4d4b-8f1d-0a1b2c3d4e5f}
spec: {ingressClassName: nginx, rules: [{host: shop.example.org, http: {paths: [{backend: {service: {name: web, port: {number: 80}}}, path: /, pathType: Prefix}]}}]}
status: {loadBalancer: {ingress: [{hostname: lb.example.org}]}}
)",
               {{{}, Health::healthy, ""},
                {{{"/status/loadBalancer", "{}"}},
                 Health::progressing,
                 "no controller of class 'nginx' has given it an address yet"},
                {{{"/status/loadBalancer", "{}"}, {"/spec/ingressClassName", ""}},
                 Health::progressing,
                 "no controller has given it an address yet"}});
}

TEST_CASE("health of a HorizontalPodAutoscaler") {
  const std::string autoscaler = R"(
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {creationTimestamp: "2026-11-20T09:12:31Z", name: web, namespace: shop, resourceVersion: "11", uid: 6c5b4a39-2817-4f6e-9d5c-4b3a2f1e0d9c}
spec: {maxReplicas: 10, metrics: [{resource: {name: cpu, target: {averageUtilization: 80, type: Utilization}}, type: Resource}], minReplicas: 2, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
status:
  conditions:
  - {message: recommended size matches current size, reason: ReadyForNewScale, status: "True", type: AbleToScale}
  - {message: the HPA was able to successfully calculate a replica count, reason: ValidMetricFound, status: "True", type: ScalingActive}
  - {message: the desired count is within the acceptable range, reason: DesiredWithinRange, status: "False", type: ScalingLimited}
  currentMetrics: [{resource: {current: {averageUtilization: 41, averageValue: 41m}, name: cpu}, type: Resource}]
  currentReplicas: 2
  desiredReplicas: 2
)";
  check_health(
      autoscaler,
      {
          {{}, Health::healthy, ""},
          {{{"/status", "{}"}}, Health::progressing, "no autoscaler has looked at it yet"},
          {{{"/status/conditions/0",
             "{message: 'deployments.apps \"web\" not found', reason: FailedGetScale, status: 'False', type: "
             "AbleToScale}"}},
           Health::degraded,
           "FailedGetScale: deployments.apps \"web\" not found"},
          {{{"/status/conditions/1",
             "{message: no metrics returned from resource metrics API, reason: FailedGetResourceMetric, "
             "status: "
             "'False', type: ScalingActive}"}},
           Health::degraded,
           "FailedGetResourceMetric: no metrics returned from resource metrics API"},
          {{{"/status/conditions/1",
             "{message: scaling is disabled since the replica count of the target is zero, reason: "
             "ScalingDisabled, status: 'False', type: ScalingActive}"}},
           Health::healthy,
           "ScalingDisabled: scaling is disabled since the replica count of the target is zero"},
          {{{"/status/conditions/2",
             "{message: the desired replica count is more than the maximum, reason: TooManyReplicas, status: "
             "'True', type: ScalingLimited}"}},
           Health::healthy,
           "TooManyReplicas: the desired replica count is more than the maximum"},
          {{{"/apiVersion", "autoscaling/v1"},
            {"/status", "{currentReplicas: 2, desiredReplicas: 2}"},
            {"/metadata/annotations/autoscaling.alpha.kubernetes.io~1conditions",
             R"('[{"type":"AbleToScale","status":"False","reason":"FailedUpdateScale","message":"conflict"}]')"}},
           Health::degraded,
           "FailedUpdateScale: conflict"},
          {{{"/apiVersion", "autoscaling/v1"},
            {"/status", "{}"},
            {"/metadata/annotations/autoscaling.alpha.kubernetes.io~1conditions", "'no JSON'"}},
           Health::progressing,
           "no autoscaler has looked at it yet"},
      });
}

TEST_CASE("health of a PodDisruptionBudget") {
  check_health(
      R"(
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {creationTimestamp: "2026-11-20T09:12:31Z", generation: 1, name: web, namespace: shop, resourceVersion: "13", uid: b1a09f8e-7d6c-4b5a-8493-827160f5e4d3}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
status:
  conditions: [{message: "", observedGeneration: 1, reason: SufficientPods, status: "True", type: DisruptionAllowed}]
  currentHealthy: 3
  desiredHealthy: 1
  disruptionsAllowed: 2
  expectedPods: 3
  observedGeneration: 1
)",
      {{{}, Health::healthy, ""},
       {{{"/status/conditions/0/reason", "InsufficientPods"}, {"/status/conditions/0/status", "'False'"}},
        Health::healthy,
        ""},
       {{{"/status/conditions/0",
          "{message: found no controller ref for pod, reason: SyncFailed, status: 'False', type: "
          "DisruptionAllowed}"}},
        Health::degraded,
        "SyncFailed: found no controller ref for pod"},
       {{{"/status", "{}"}}, Health::progressing, "its controller has not seen it yet"}});
}

TEST_CASE("health of a CustomResourceDefinition") {
  check_health(
      R"(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {creationTimestamp: "2026-11-20T09:12:31Z", generation: 1, name: widgets.example.org, resourceVersion: "14", uid: d9c8b7a6-9584-4736-a251-403f2e1d0c9b}
spec: {group: example.org, names: {kind: Widget, plural: widgets}, scope: Namespaced, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}
status:
  acceptedNames: {kind: Widget, listKind: WidgetList, plural: widgets, singular: widget}
  conditions:
  - {message: no conflicts found, reason: NoConflicts, status: "True", type: NamesAccepted}
  - {message: the initial names have been accepted, reason: InitialNamesAccepted, status: "True", type: Established}
  storedVersions: [v1]
)",
      {{{}, Health::healthy, ""},
       {{{"/status", "{}"}}, Health::progressing, "the API server has yet to serve it"},
       {{{"/status/conditions/1/status", "'False'"}, {"/status/conditions/1/reason", "Installing"}},
        Health::progressing,
        "the API server has yet to serve it"},
       {{{"/status/conditions/0",
          "{message: '\"widgets\" is already in use', reason: PluralConflict, status: 'False', type: "
          "NamesAccepted}"}},
        Health::degraded,
        "PluralConflict: \"widgets\" is already in use"},
       {{{"/status/conditions/1",
          "{message: not all names are accepted, reason: NotAccepted, status: 'False', type: Established}"}},
        Health::degraded,
        "NotAccepted: not all names are accepted"}});
}

TEST_CASE("health of an APIService") {
  check_health(
      R"(
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {creationTimestamp: "2026-11-20T09:12:31Z", name: v1beta1.metrics.k8s.io, resourceVersion: "15", uid: 0f1e2d3c-4b5a-4697-8879-6a5b4c3d2e1f}
spec: {group: metrics.k8s.io, groupPriorityMinimum: 100, insecureSkipTLSVerify: true, service: {name: metrics-server, namespace: kube-system, port: 443}, version: v1beta1, versionPriority: 100}
status: {conditions: [{message: all checks passed, reason: Passed, status: "True", type: Available}]}
)",
      {{{}, Health::healthy, ""},
       {{{"/status/conditions/0",
          "{message: failing or missing response, reason: FailedDiscoveryCheck, status: 'False', type: "
          "Available}"}},
        Health::progressing,
        "FailedDiscoveryCheck: failing or missing response"},
       {{{"/status", "{}"}}, Health::progressing, "it has not been looked at yet"}});
}

TEST_CASE("health of a Namespace") {
  check_health(
      R"(
apiVersion: v1
kind: Namespace
metadata: {creationTimestamp: "2026-11-20T09:12:31Z", labels: {kubernetes.io/metadata.name: shop}, name: shop, resourceVersion: "16", uid: 1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d}
spec: {finalizers: [kubernetes]}
status: {phase: Active}
)",
      {{{}, Health::healthy, ""},
       {{{"/metadata/deletionTimestamp", "'2026-11-24T11:59:00Z'"},
         {"/status",
          "{phase: Terminating, conditions: [{message: All resources successfully discovered, status: "
          "'False', type: "
          "NamespaceDeletionDiscoveryFailure}, {message: 'Some resources are remaining: widgets.example.org "
          "has 1 "
          "resource instances', reason: SomeResourcesRemain, status: 'True', type: "
          "NamespaceContentRemaining}]}"}},
        Health::progressing,
        "it is being deleted since 2026-11-24T11:59:00Z; finalizers: kubernetes; Some resources are "
        "remaining: "
        "widgets.example.org has 1 resource instances"},
       {{{"/status/phase", "Terminating"}}, Health::progressing, "it is being deleted"}});
}

TEST_CASE("health of kinds that only store something") {
  for (const char* object :
       {"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {status: x}}",
        "{apiVersion: v1, kind: Secret, metadata: {name: a}, type: Opaque, data: {a: eA==}}",
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: a}, rules: []}",
        "{apiVersion: v1, kind: ServiceAccount, metadata: {name: a}}"})
    check_health(object, {{{}, Health::healthy, ""}});
  CHECK(judge_health(Value()).health == Health::missing);
}

TEST_CASE("health of a custom resource") {
  check_health(
      R"(
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {creationTimestamp: "2026-11-20T09:12:31Z", generation: 3, name: shop, namespace: shop, resourceVersion: "17", uid: 5d4c3b2a-1f0e-4d9c-8b7a-6958473625f4}
spec: {dnsNames: [shop.example.org], issuerRef: {kind: ClusterIssuer, name: letsencrypt}, secretName: shop-tls}
status:
  conditions: [{lastTransitionTime: "2026-11-20T09:13:02Z", message: Certificate is up to date and has not expired, observedGeneration: 3, reason: Ready, status: "True", type: Ready}]
  notAfter: "2027-02-18T08:13:01Z"
)",
      {{{}, Health::healthy, ""},
       {{{"/status/conditions/0/status", "'False'"},
         {"/status/conditions/0/reason", "DoesNotExist"},
         {"/status/conditions/0/message", "Issuing certificate as Secret does not exist"}},
        Health::progressing,
        "DoesNotExist: Issuing certificate as Secret does not exist"},
       {{{"/status/conditions", "[{status: Unknown, type: Ready}]"}}, Health::progressing, "it is not ready"},
       {{{"/status/observedGeneration", "2"}},
        Health::progressing,
        "its controller has seen generation 2, and this is 3"},
       {{{"/status/conditions/1",
          "{message: 'chart \"shop\" not found', reason: ChartError, status: 'True', type: Stalled}"}},
        Health::degraded,
        "ChartError: chart \"shop\" not found"},
       {{{"/status/conditions/1",
          "{message: building, reason: ProgressingWithRetry, status: 'True', type: Reconciling}"}},
        Health::progressing,
        "ProgressingWithRetry: building"},
       {{{"/status/conditions/1", "{status: 'False', type: Stalled}"}}, Health::healthy, ""},
       {{{"/status", ""}}, Health::healthy, ""},
       {{{"/status", "none"}}, Health::healthy, ""},
       {{{"/status", "{conditions: {Ready: false}, observedGeneration: x}"}}, Health::healthy, ""},
       {{{"/status", "{conditions: [Ready, {type: 3}]}"}}, Health::healthy, ""}});
}
