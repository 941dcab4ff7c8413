"""What the policy's `ignore` leaves to others: set when the object is made, then neither drift nor written back."""
import copy
import json

from lib.cluster_case import config_map
from lib.drift_case import DriftScene, manager_of
from lib.objects import autoscaler, deployment, of, service


class Ignore(DriftScene):
    RULES: list[dict] = []

    def configure(self) -> None:
        super().configure()
        self.daemon.application["policy"]["ignore"] = self.RULES

    def set_rules(self, *rules: dict) -> None:
        """Reloaded; what was applied under other rules is then drift, and healed."""
        self.daemon.application["policy"]["ignore"] = list(rules)
        self.daemon.reload()

    def image(self, found: dict) -> str:
        return found["spec"]["template"]["spec"]["containers"][0]["image"]

    def with_image(self, document: dict, image: str) -> dict:
        other = copy.deepcopy(document)
        other["spec"]["template"]["spec"]["containers"][0]["image"] = image
        return other

    def strategic(self, change: dict):
        return lambda document: self.patch(document, change, "strategic")


class Pointers(Ignore):
    RULES = [{"kind": "Deployment.apps", "name": "web*", "pointers": ["/spec/replicas"]},
             {"kind": "Deployment.apps", "pointers": ["/spec/template/spec/containers/name=side/image"]},
             {"kind": "MutatingWebhookConfiguration*", "pointers": ["/webhooks/0/clientConfig/caBundle"]},
             {"kind": "Service", "pointers": ["/spec/ports/port=80/targetPort", "/metadata/annotations/example.com~1owner"]},
             {"kind": "ConfigMap", "name": "theirs", "pointers": ["/data/level"]}]

    def test_no_drift(self):
        """fields that are ignored are set at first, and no drift whoever changes or removes them"""
        port = {"name": "http", "port": 80, "targetPort": 8080}
        two = deployment("sides")
        two["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "side:1"})
        self.assert_no_drift({
            "scaled": (deployment("web", replicas=2), lambda document: self.patch(
                document, {"spec": {"replicas": 7}}, subresource="scale")),
            "patched": (deployment("web-2", replicas=2), lambda document: self.patch(document, {"spec": {"replicas": 7}})),
            "applied by another": (deployment("web-3", replicas=2), lambda document: self.cluster.apply(
                self.placed(of("Deployment", "apps/v1", "web-3", spec={"replicas": 7})), manager="scaler", force=False)),
            "an item's member": (two, self.strategic(
                {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "side:2"}]}}}})),
        })
        self.assertEqual(self.live(deployment("web"))["spec"]["replicas"], 7)
        self.assertEqual(self.live(deployment("web-3"))["spec"]["replicas"], 7)
        self.assertNotIn("f:replicas", manager_of(self.live(deployment("web")))["f:spec"])

    def test_no_drift_of_others(self):
        """so for kinds without a generation, for annotations, and for a key that is removed"""
        port = {"name": "http", "port": 80, "targetPort": 8080}
        annotated = service("owned", port)
        annotated["metadata"]["annotations"] = {"example.com/owner": "us", "example.com/other": "us"}
        self.assert_no_drift({
            "target port": (service("target", port), self.strategic({"spec": {"ports": [{"port": 80, "targetPort": 9090}]}})),
            "annotation": (annotated, lambda document: self.patch(
                document, {"metadata": {"annotations": {"example.com/owner": "them"}}})),
            "annotation removed": (service("bare", port) | {"metadata": {"name": "bare", "annotations": {"example.com/owner": "us"}}},
                                   lambda document: self.patch(document, {"metadata": {"annotations": {"example.com/owner": None}}})),
        })

    def test_beside(self):
        """what stands beside an ignored field is still put back, and the field left as it is meanwhile"""
        document, theirs = deployment("web", replicas=2), config_map("theirs", {"level": "info", "name": "x"})
        self.declare(document, theirs)
        self.assertEqual((self.live(document)["spec"]["replicas"], self.live(theirs)["data"]["level"]), (2, "info"))
        self.patch(document, {"spec": {"replicas": 7}})
        self.strategic({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}}})(document)
        self.patch(theirs, {"data": {"level": "debug", "name": "y"}})
        self.wait_live(document, lambda found: self.image(found) == "web:1", "the image is put back")
        self.wait_live(theirs, lambda found: found["data"]["name"] == "x", "the name is put back")
        self.wait_idle()
        self.assertEqual((self.live(document)["spec"]["replicas"], self.live(theirs)["data"]["level"]), (7, "debug"))

    def test_later_changes(self):
        """later commits leave it alone too: one that changes it, one that changes something else, one that drops it"""
        document = deployment("web", replicas=2)
        self.declare(document)
        self.patch(document, {"spec": {"replicas": 7}})
        self.sync(deployment("web", replicas=3))
        self.assertEqual(self.live(document)["spec"]["replicas"], 7)
        self.sync(self.with_image(deployment("web", replicas=3), "web:2"))
        self.assertEqual((self.live(document)["spec"]["replicas"], self.image(self.live(document))), (7, "web:2"))
        self.sync(self.with_image(deployment("web"), "web:3"))
        self.assertEqual((self.live(document)["spec"]["replicas"], self.image(self.live(document))), (7, "web:3"))

    def test_by_place(self):
        """an item that is named by its place, in an object outside of namespaces"""
        hook = of("MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1", f"hook-{self.space}", webhooks=[{
            "name": "a.example.com", "clientConfig": {"url": "https://127.0.0.1/x", "caBundle": "b3Vycw=="}, "sideEffects": "None",
            "failurePolicy": "Ignore", "admissionReviewVersions": ["v1"], "rules": [
                {"apiGroups": ["none.example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["nothing"]}]}])
        self.addCleanup(self.cluster.delete, hook)
        self.daemon.application["policy"]["clusterKinds"] = ["MutatingWebhookConfiguration*"]
        self.set_rules(*self.RULES)
        self.sync(hook)
        self.cluster.api("PATCH", self.cluster.path(hook) + "?fieldManager=injector",
                         [{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": "dGhlaXJz"}],
                         "application/json-patch+json")
        changed = copy.deepcopy(hook)
        changed["webhooks"][0]["timeoutSeconds"] = 5
        self.sync(changed)
        found = self.cluster.get(hook)["webhooks"][0]
        self.assertEqual((found["timeoutSeconds"], found["clientConfig"]["caBundle"]), (5, "dGhlaXJz"))


class Rules(Ignore):
    def test_new_rule(self):
        """a rule that comes later lets a field go as it is, and one that goes brings it back"""
        document = deployment("web", replicas=2)
        self.declare(document)
        self.set_rules({"kind": "Deployment.apps", "pointers": ["/spec/replicas"]})
        found = self.wait_live(document, lambda found: "f:replicas" not in manager_of(found)["f:spec"], "they are released")
        self.assertEqual(found["spec"]["replicas"], 2)
        self.patch(document, {"spec": {"replicas": 7}})
        self.sync(self.with_image(document, "web:2"))
        self.assertEqual(self.live(document)["spec"]["replicas"], 7)
        self.set_rules()
        self.wait_live(document, lambda found: found["spec"]["replicas"] == 2, "they are put back")
        self.patch(document, {"spec": {"replicas": 8}})
        self.wait_live(document, lambda found: found["spec"]["replicas"] == 2, "it is put back again")

    def test_kubectl(self):
        """what kubectl applied before is taken over, but for what is ignored"""
        document = {**deployment("web", replicas=2), "spec": {**deployment("web")["spec"], "replicas": 2, "minReadySeconds": 3}}
        self.set_rules({"kind": "Deployment.apps", "pointers": ["/spec/replicas"]})
        self.cluster.kubectl("apply", "-f", "-", "-n", self.space, input=json.dumps(document))
        self.sync(deployment("web"))
        found = self.live(document)["spec"]
        self.assertEqual((found["replicas"], found.get("minReadySeconds")), (2, None))

    def test_part_of_a_whole(self):
        """a part of what the cluster keeps as one value is refused, with what to write instead"""
        self.set_rules({"kind": "Deployment.apps", "pointers": ["/spec/template/spec/nodeSelector/disk"]})
        document = deployment("web")
        document["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "ssd"}
        error = self.sync(document, state="failed")["error"]
        self.assertIn("which is a part of what the cluster keeps as one value", error)
        self.assertFalse(self.cluster.exists(self.placed(document)))
        self.set_rules({"kind": "Deployment.apps", "pointers": ["/spec/template/spec/nodeSelector"]})
        self.sync(document, config_map("other", {"a": "1"}))
        self.patch(document, {"spec": {"template": {"spec": {"nodeSelector": {"disk": "hdd"}}}}})
        self.sync(self.with_image(document, "web:2"))
        self.assertEqual(self.live(document)["spec"]["template"]["spec"]["nodeSelector"], {"disk": "hdd"})


class Managers(Ignore):
    RULES = [{"kind": "*", "managers": ["scal*"]}]

    def test_no_drift(self):
        """what a manager takes is its own, whichever way it takes it; what others change beside is put back"""
        def patched(document):
            self.patch(document, {"spec": {"replicas": 7}}, fieldManager="scaler")

        self.assert_no_drift({
            "patched": (deployment("patched", replicas=2), patched),
            "scaled": (deployment("scaled", replicas=2), lambda document: self.patch(
                document, {"spec": {"replicas": 7}}, subresource="scale", fieldManager="scaler")),
            "applied": (deployment("applied", replicas=2), lambda document: self.cluster.apply(
                self.placed(of("Deployment", "apps/v1", "applied", spec={"replicas": 7})), manager="scaler")),
            "applied as it is": (deployment("shared", replicas=2), lambda document: self.cluster.apply(
                self.placed(of("Deployment", "apps/v1", "shared", spec={"replicas": 2})), manager="scaler")),
        })
        document = deployment("patched", replicas=2)
        self.strategic({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}}})(document)
        self.wait_live(document, lambda found: self.image(found) == "web:1", "the image is put back")
        self.wait_idle()
        self.assertEqual(self.live(document)["spec"]["replicas"], 7)

    def test_others(self):
        """the same by anybody else is drift"""
        self.assert_heals({
            "patched": (deployment("patched", replicas=2), lambda document: self.patch(document, {"spec": {"replicas": 7}})),
            "another field": (config_map("a", {"a": "1", "b": "2"}), lambda document: (
                self.patch(document, {"data": {"a": "7"}}, fieldManager="other"))),
        })

    def test_later_changes(self):
        """later commits leave what a manager took, and what it shares with us is its own afterwards"""
        document = deployment("web", replicas=2)
        self.declare(document)
        self.patch(document, {"spec": {"replicas": 7}}, fieldManager="scaler")
        self.sync(self.with_image(deployment("web", replicas=3), "web:2"))
        self.assertEqual((self.live(document)["spec"]["replicas"], self.image(self.live(document))), (7, "web:2"))
        self.sync(self.with_image(deployment("web"), "web:3"))
        self.assertEqual((self.live(document)["spec"]["replicas"], self.image(self.live(document))), (7, "web:3"))


class Whole(Ignore):
    RULES = [{"kind": "ConfigMap", "name": "notes-*"}]

    def test_whole(self):
        """a rule without fields ignores drift of the whole object, and a commit still changes it"""
        self.assert_no_drift({"object": (config_map("notes-1", {"a": "1"}), lambda document: self.patch(document, {"data": {"a": "2"}}))})
        self.sync(config_map("notes-1", {"a": "3"}), config_map("marker", {}))
        self.assertEqual(self.live(config_map("notes-1", {}))["data"], {"a": "3"})
