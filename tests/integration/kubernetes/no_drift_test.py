"""What is no drift causes nothing: no write of ours, no heal, although every event of it is seen."""
import json

from lib.cluster_case import config_map
from lib.drift_case import DriftScene, manager_of
from lib.objects import autoscaler, cron_job, deployment, of, pods, service, with_container


class Others(DriftScene):
    """What others may set, beside what is declared."""

    def merge(self, change, **more):
        return lambda document: self.patch(document, change, **more)

    def strategic(self, change):
        return lambda document: self.patch(document, change, "strategic")

    def test_workloads(self):
        """a rollout that is restarted, a default that is changed, replicas nobody declares, a status: no drift"""
        def template(change):
            return self.strategic({"spec": {"template": change}})

        web = {"name": "web", "image": "web:1"}
        self.assert_no_drift({
            "status": (deployment("status"), self.merge(
                {"status": {"observedGeneration": 1, "replicas": 3, "readyReplicas": 3}}, subresource="status")),
            "scale": (deployment("scale"), self.merge({"spec": {"replicas": 4}}, subresource="scale")),
            "replicas": (deployment("replicas"), self.merge({"spec": {"replicas": 4}})),
            "restart": (deployment("restart"), lambda document: self.cluster.kubectl(
                "patch", "deployment", "restart", "-n", self.space, "-p", json.dumps({"spec": {"template": {
                    "metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}}}}}))),
            "default": (deployment("default"), self.merge({"spec": {"revisionHistoryLimit": 3}})),
            "variable": (deployment("variable"), template({"spec": {"containers": [{**web, "env": [{"name": "X", "value": "1"}]}]}})),
            "container port": (deployment("port"), template({"spec": {"containers": [{**web, "ports": [{"containerPort": 80}]}]}})),
            "container": (deployment("container"), template({"spec": {"containers": [{"name": "sidecar", "image": "mesh:1"}]}})),
            "label": (deployment("label"), self.merge({"metadata": {"labels": {"theirs": "1"}}})),
            "template label": (deployment("labels"), template({"metadata": {"labels": {"theirs": "1"}}})),
            "owner": (deployment("owner"), self.merge({"metadata": {"ownerReferences": [
                {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "0c4e1f5c-0000-4000-8000-000000000000"}]}})),
            "finalizer": (deployment("finalizer"), self.merge({"metadata": {"finalizers": ["example.com/theirs"]}})),
            "empty patch": (deployment("directive"), self.strategic({"spec": {"template": {"spec": {"$patch": "replace", "containers": [
                {**web, "imagePullPolicy": "IfNotPresent", "resources": {}, "terminationMessagePath": "/dev/termination-log",
                 "terminationMessagePolicy": "File"}], "dnsPolicy": "ClusterFirst", "restartPolicy": "Always",
                "schedulerName": "default-scheduler", "securityContext": {}, "terminationGracePeriodSeconds": 30}}}})),
        })

    def test_cron_job(self):
        """a job's status and its suspension, which nobody declares: no drift"""
        containers = [{"name": "web", "image": "web:1"}]
        self.assert_no_drift({
            "status": (cron_job("status", containers), self.merge(
                {"status": {"lastScheduleTime": "2026-01-01T00:00:00Z"}}, subresource="status")),
            "suspended": (cron_job("suspended", containers), self.merge({"spec": {"suspend": True}})),
        })

    def test_quantities(self):
        """a quantity in other words, and what others put into an empty mapping of ours: no drift"""
        def limits(cpu):
            return self.strategic({"template": {"spec": {"containers": [{"name": "web", "resources": {"limits": {"cpu": cpu}}}]}}})

        limited = {"resources": {"limits": {"cpu": "1000m"}}}
        self.assert_no_drift({
            "1": (with_container("one", **limited), limits("1")),
            "1.0": (with_container("one-point", **limited), limits("1.0")),
            "empty directory": (pods("directory", volumes=[{"name": "data", "emptyDir": {}}]), self.strategic(
                {"template": {"spec": {"volumes": [{"name": "data", "emptyDir": {"sizeLimit": "1Gi"}}]}}})),
        })

    def test_services(self):
        """addresses and node ports that the cluster gives, and a port that somebody adds: no drift"""
        def node_port(document):
            port = self.live(document)["spec"]["ports"][0]["nodePort"]
            self.patch(document, [{"op": "replace", "path": "/spec/ports/0/nodePort", "value": port % 2767 + 30001}], "json")

        port = {"name": "http", "port": 80}
        self.assert_no_drift({
            "node port": (service("node-port", port, type="NodePort"), node_port),
            "port": (service("port", port), self.strategic({"spec": {"ports": [{"name": "theirs", "port": 81}]}})),
            "status": (service("status", port), self.merge(
                {"status": {"loadBalancer": {}, "conditions": []}}, subresource="status")),
        })

    def test_managers(self):
        """others that declare the same values, by whatever way, and take them back: no drift, and ours stays ours"""
        def co_owner(force):
            return lambda document: self.cluster.apply(self.placed(document), manager="other", force=force)

        def come_and_go(document):
            self.cluster.apply(self.placed(document), manager="other")
            self.cluster.apply(self.placed(of("ConfigMap", "v1", document["metadata"]["name"])), manager="other")

        self.assert_no_drift({
            "co-owner": (config_map("co-owner", {"a": "1"}), co_owner(False)),
            "co-owner by force": (config_map("forced", {"a": "1"}), co_owner(True)),
            "co-owner that leaves": (config_map("left", {"a": "1"}), come_and_go),
            "kubectl apply": (config_map("kubectl", {"a": "1"}), lambda document: self.cluster.kubectl(
                "apply", "-f", "-", input=json.dumps(self.placed(document)))),
            "another key": (config_map("key", {"a": "1"}), self.merge({"data": {"b": "2"}})),
            "nothing": (config_map("nothing", {"a": "1"}), self.merge({"data": {"a": "1"}})),
        })
        self.assertEqual(manager_of(self.live(config_map("left", {})))["f:data"], {"f:a": {}})

    def test_autoscaler(self):
        """an autoscaler's status, in either version: no drift"""
        def old_status(document):
            path = self.cluster.path({**self.placed(document), "apiVersion": "autoscaling/v1"})
            self.cluster.patch(f"{path}/status", {"status": {"currentReplicas": 2, "desiredReplicas": 2}}, manager="controller")

        self.assert_no_drift({
            "status": (autoscaler("status"), self.merge({"status": {"currentReplicas": 3, "desiredReplicas": 2}}, subresource="status")),
            "status in autoscaling/v1": (autoscaler("status-of-old"), old_status),
        })

    def test_custom(self):
        """a custom object's status, with and without a subresource, and a number in other words: no drift"""
        numbers = {"type": "object", "properties": {
            "spec": {"type": "object", "properties": {"size": {"type": "number"}, "m": {
                "type": "object", "additionalProperties": {"type": "string"}}}},
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}
        self.cluster.define("plain.example.com", "Plain", numbers)
        self.assert_no_drift({
            "status": (of("Plain", "plain.example.com/v1", "status", spec={"size": 2}), self.merge(
                {"status": {"seen": True}}, subresource="status")),
            "2.0": (of("Plain", "plain.example.com/v1", "float", spec={"size": 2}), self.write_float),
            "empty map": (of("Plain", "plain.example.com/v1", "map", spec={"m": {}}), self.merge({"spec": {"m": {"k": "v"}}})),
        })

    def write_float(self, document: dict) -> None:
        self.cluster.api("PATCH", self.cluster.path(self.placed(document)) + "?fieldManager=by-hand",
                         '{"spec": {"size": 2.0}}', "application/merge-patch+json")


class Pods(DriftScene):
    def test_pod(self):
        """a Pod that is bound to a node, gets a status, or a container for looking into it: no drift"""
        def pod(name):
            return of("Pod", "v1", name, spec={"containers": [{"name": "web", "image": "web:1"}]})

        def bind(document):
            self.cluster.api("POST", self.cluster.path(self.placed(document)) + "/binding", {
                "apiVersion": "v1", "kind": "Binding", "metadata": {"name": document["metadata"]["name"]},
                "target": {"apiVersion": "v1", "kind": "Node", "name": "node-1"}})

        def look_into(document):
            self.patch(document, {"spec": {"ephemeralContainers": [{"name": "shell", "image": "shell:1"}]}},
                       "strategic", subresource="ephemeralcontainers")

        self.assert_no_drift({
            "bound": (pod("bound"), bind),
            "status": (pod("status"), lambda document: self.patch(document, {"status": {"message": "x"}}, subresource="status")),
            "ephemeral container": (pod("ephemeral"), look_into),
        })
