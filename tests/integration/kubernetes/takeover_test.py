"""What a plain server-side apply cannot put right: members of unions, renamed list items, what kubectl applied before."""
import json
import shutil
import unittest

from lib import wait
from lib.cluster_case import ClusterScene, config_map, shared_cluster
from lib.kubernetes_provider import Provider
from lib.objects import of


def deployment(name: str, containers: list[dict] | None = None, **spec) -> dict:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "replicas": 1, "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {
            "containers": containers or [{"name": "web", "image": "web:1"}], **spec}}}}


def service(name: str, **port) -> dict:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, **port}]}}


def pod_spec(found: dict) -> dict:
    return found["spec"]["template"]["spec"]


class Healing(ClusterScene):
    """Drift that the server refuses to put back, or leaves running."""

    def configure(self) -> None:
        super().configure()
        self.daemon.application["policy"]["foreignItems"] = "remove"

    def sync_deployment(self, document: dict) -> None:
        """Applied, and available as its controller would say."""
        event = self.daemon.accept(self.push(document))
        self.wait_live(document, lambda found: True, "the Deployment is there")
        self.cluster.make_available(self.placed(document))
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")

    def strategic(self, document: dict, change: dict) -> None:
        self.cluster.api("PATCH", self.cluster.path(self.placed(document)) + "?fieldManager=by-hand", change,
                         "application/strategic-merge-patch+json")

    def test_union_of_volumes(self):
        """a volume's emptyDir that somebody made a hostPath is an emptyDir again"""
        document = deployment("volumes", volumes=[{"name": "data", "emptyDir": {}}])
        self.sync_deployment(document)
        self.strategic(document, {"spec": {"template": {"spec": {"volumes": [
            {"name": "data", "emptyDir": None, "hostPath": {"path": "/etc", "type": ""}}]}}}})
        self.wait_live(document, lambda found: pod_spec(found)["volumes"] == [{"name": "data", "emptyDir": {}}],
                       "the volume is put back")

    def test_union_of_environment(self):
        """a variable's value that somebody made a reference is a value again"""
        document = deployment("variables", [{"name": "web", "image": "web:1", "env": [{"name": "LEVEL", "value": "info"}]}])
        self.sync_deployment(document)
        self.strategic(document, {"spec": {"template": {"spec": {"containers": [{"name": "web", "env": [
            {"name": "LEVEL", "value": None, "valueFrom": {"configMapKeyRef": {"name": "x", "key": "y"}}}]}]}}}})
        self.wait_live(document, lambda found: pod_spec(found)["containers"][0]["env"] == [{"name": "LEVEL", "value": "info"}],
                       "the variable is put back")

    def test_port_number(self):
        """a Service's port that somebody gave another number has its number again, and one name"""
        document = service("ports")
        self.sync(document)
        live = self.live(document)
        live["spec"]["ports"][0]["port"] = 81
        self.cluster.api("PUT", self.cluster.path(self.placed(document)) + "?fieldManager=by-hand", live)
        self.wait_live(document, lambda found: [port["port"] for port in found["spec"]["ports"]] == [80],
                       "the port is put back")

    def test_renamed_container(self):
        """a container that somebody renamed has its name again, and the other one does not go on running"""
        document = deployment("renamed")
        self.sync_deployment(document)
        live = self.live(document)
        pod_spec(live)["containers"][0]["name"] = "other"
        self.cluster.api("PUT", self.cluster.path(self.placed(document)) + "?fieldManager=by-hand", live)
        self.wait_live(document, lambda found: [one["name"] for one in pod_spec(found)["containers"]] == ["web"],
                       "the container is put back")


class FromKubectl(ClusterScene):
    """Objects that were applied with kubectl before."""

    def configure(self) -> None:
        super().configure()
        self.daemon.application["policy"]["clusterKinds"] = ["CustomResourceDefinition.apiextensions.k8s.io"]

    def test_dropped_key(self):
        """a key that kubectl applied and the repository does not declare goes; what controllers set stays"""
        before = self.placed(config_map("settings", {"kept": "1", "dropped": "1"}))
        self.cluster.kubectl("apply", "-f", "-", input=json.dumps(before))
        self.cluster.patch(before, {"data": {"theirs": "1"}}, manager="some-controller")
        self.sync(config_map("settings", {"kept": "2"}))
        found = self.live(before)
        self.assertEqual(found["data"], {"kept": "2", "theirs": "1"})
        managers = {(entry["manager"], entry["operation"]) for entry in found["metadata"]["managedFields"]}
        self.assertNotIn(("kubectl-client-side-apply", "Update"), managers)
        version = found["metadata"]["resourceVersion"]
        self.sync(config_map("settings", {"kept": "2"}), config_map("other", {}))
        self.assertEqual(self.live(before)["metadata"]["resourceVersion"], version, "it is written once")


    def test_defaults(self):
        """what the server sets by itself is not told as lost: only what really goes is, once and with its value"""
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pw"}, "stringData": {"pw": "hush"}}
        definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "takens.example.com"}, "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"kind": "Taken", "plural": "takens"}, "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}]}}
        same = [deployment("web"), service("web"), secret]
        self.addCleanup(self.cluster.kubectl, "delete", "crd", "takens.example.com", "--wait=false")
        for document in [*map(self.placed, same), definition]:
            self.cluster.kubectl("apply", "-f", "-", input=json.dumps(document))
        more = {**deployment("less"), "metadata": {"name": "less", "annotations": {"note": "gone"}}}
        more["spec"] = {**more["spec"], "revisionHistoryLimit": 3, "minReadySeconds": 7}
        for document in (more, {**secret, "metadata": {"name": "less"}, "stringData": {"pw": "hush", "old": "hidden"}}):
            self.cluster.kubectl("apply", "-f", "-", input=json.dumps(self.placed(document)))
        less = [deployment("less"), {**secret, "metadata": {"name": "less"}}]
        commit = self.push(*same, *less, definition)
        steps = {step["id"]: step for step in json.loads(
            self.daemon.ctl("plan", "web", "--revision", commit, "--output", "json"))["steps"]}
        for name in ("Deployment.apps/{}/web", "Service/{}/web", "Secret/{}/pw",
                     "CustomResourceDefinition.apiextensions.k8s.io/takens.example.com"):
            step = steps[name.format(self.space)]
            self.assertEqual((step["action"], step.get("diff")), ("adopt", None), step)
            self.assertIn("is as declared", step["reason"])
        step = steps[f"Deployment.apps/{self.space}/less"]
        self.assertEqual(step["diff"].splitlines(), [
            "- metadata.annotations.note: gone", "- spec.minReadySeconds: 7", "- spec.revisionHistoryLimit: 3", "+ spec.revisionHistoryLimit: 10"])
        self.assertIn("no longer declared: metadata.annotations.note, spec.minReadySeconds, spec.revisionHistoryLimit;", step["reason"])
        step = steps[f"Secret/{self.space}/less"]
        self.assertEqual(step["diff"].splitlines(), ["- data.old: (not shown)"])
        self.daemon.accept(commit)
        self.wait_live(less[1], lambda found: set(found["data"]) == {"pw"}, "what is told goes")
        found = self.wait_live(less[0], lambda found: found["spec"]["revisionHistoryLimit"] == 10, "it is the default again")
        self.assertNotIn("minReadySeconds", found["spec"])
        for document in same:
            found = self.wait_live(document, lambda found: not any(
                entry["manager"].startswith("kubectl") for entry in found["metadata"]["managedFields"]), "what is adopted is taken, too")
        self.assertEqual(self.live(service("web"))["spec"]["type"], "ClusterIP")


class FromOtherTools(ClusterScene):
    """Objects that Argo CD, Flux, Helm or kubectl's server-side apply looked after before."""

    def applied(self, name: str, manager: str) -> dict:
        return self.cluster.api("PATCH", f"{self.cluster.path(self.placed(config_map(name, {})))}?fieldManager={manager}", {
            **self.placed(config_map(name, {"kept": "1", "dropped": "1"})),
            "metadata": {"name": name, "namespace": self.space, "labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}},
            "application/apply-patch+yaml")

    def updated(self, name: str, manager: str) -> dict:
        return self.cluster.api("POST", f"{self.cluster.path(self.placed(config_map(name, {}))).rsplit('/', 1)[0]}?fieldManager={manager}", {
            **config_map(name, {"kept": "1", "dropped": "1"}),
            "metadata": {"name": name, "annotations": {"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:shop/" + name}}})

    def managers(self, name: str) -> set[tuple[str, str]]:
        return {(entry["manager"], entry["operation"]) for entry in self.live(config_map(name, {}))["metadata"]["managedFields"]}

    def test_taken_over(self):
        """what they applied and the repository does not declare goes, their marks too, and nothing stays theirs"""
        for manager in ("kustomize-controller", "argocd-controller", "kubectl", "helm", "flux"):
            self.applied(f"applied-{manager}", manager)
        for manager in ("argocd-controller", "helm-controller", "helm"):
            self.updated(f"updated-{manager}", manager)
        self.applied("others", "some-operator")
        names = [f"applied-{each}" for each in ("kustomize-controller", "argocd-controller", "kubectl", "helm", "flux")]
        names += [f"updated-{each}" for each in ("argocd-controller", "helm-controller", "helm")]
        commit = self.push(*(config_map(name, {"kept": "2"}) for name in [*names, "others"]))
        plan = self.daemon.ctl("plan", "web", "--revision", commit)
        self.assertIn("no longer declared", plan)
        self.assertIn("- data.dropped: 1", plan)
        self.daemon.push_and_wait(commit)
        for name in names:
            with self.subTest(name):
                found = self.live(config_map(name, {}))
                self.assertEqual(found["data"], {"kept": "2"})
                self.assertNotIn("kustomize.toolkit.fluxcd.io/name", found["metadata"].get("labels", {}))
                self.assertNotIn("argocd.argoproj.io/tracking-id", found["metadata"].get("annotations", {}))
                self.assertEqual(self.managers(name), {("gitopsd", "Apply")})
        self.assertEqual(self.live(config_map("others", {}))["data"], {"kept": "2", "dropped": "1"})
        self.assertIn(("some-operator", "Apply"), self.managers("others"))

    def test_as_declared(self):
        """what a tool applied and the repository declares as well is adopted without a word of a loss"""
        documents = [deployment("web"), service("web"), {
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pw"}, "stringData": {"pw": "hush"}}]
        for document, manager in zip(documents, ("kubectl", "argocd-controller", "kustomize-controller")):
            self.cluster.kubectl("apply", "--server-side", f"--field-manager={manager}", "-f", "-", input=json.dumps(self.placed(document)))
        commit = self.push(*documents)
        for step in json.loads(self.daemon.ctl("plan", "web", "--revision", commit, "--output", "json"))["steps"]:
            self.assertEqual((step["action"], step.get("diff")), ("adopt", None), step)
        self.daemon.accept(commit)
        for document in documents:
            self.wait_live(document, lambda found: {entry["manager"] for entry in found["metadata"]["managedFields"]} == {"gitopsd"},
                           "nothing stays theirs")
        self.assertEqual(self.live(documents[2])["data"], {"pw": "aHVzaA=="})

    def test_only_at_first(self):
        """what is ours already is not taken from somebody who applies to it as well"""
        self.sync(config_map("shared", {"kept": "1"}))
        self.cluster.api("PATCH", f"{self.cluster.path(self.placed(config_map('shared', {})))}?fieldManager=kubectl",
                         self.placed(config_map("shared", {"theirs": "1"})), "application/apply-patch+yaml")
        self.sync(config_map("shared", {"kept": "2"}))
        self.assertEqual(self.live(config_map("shared", {}))["data"], {"kept": "2", "theirs": "1"})


class Immutable(ClusterScene):
    """Fields that cannot be changed in place."""

    def test_refused(self):
        """an immutable field is an error that says how to have the object made anew, and deletes nothing"""
        document = {**config_map("fixed", {"key": "1"}), "immutable": True}
        self.sync(document)
        uid = self.live(document)["metadata"]["uid"]
        event = self.sync({**config_map("fixed", {"key": "2"}), "immutable": True}, state="failed")
        self.assertIn("gitopsd.io/apply: replace", event["error"])
        self.assertIn("web/all.yaml:2", event["error"])
        self.assertEqual(self.live(document)["metadata"]["uid"], uid)

    def test_claim(self):
        """where an object holds data, the way out is not to make it anew"""
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "one", "resources": {"requests": {"storage": "1Gi"}}}}
        self.cluster.apply(self.placed(claim))
        claim["spec"]["storageClassName"] = "two"
        event = self.daemon.push_and_wait(self.push(claim), "failed")
        self.assertIn("declare what it was before", event["error"])
        self.assertIn("without what it holds", event["error"])

    def job(self, image: str) -> dict:
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once", "annotations": {}}, "spec": {
            "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "one", "image": image}]}}}}

    def test_long_values(self):
        """of an immutable Pod template the error says what is wrong and what to do, not the template; its replacement shows
        only what changes"""
        self.daemon.accept(self.push(self.job("example.com/one:1")))
        self.wait_live(self.job(""), lambda _: True, "the Job is there")
        event = self.daemon.push_and_wait(self.push(self.job("example.com/one:2")), "failed")
        self.assertIn("spec.template: field is immutable (it cannot be changed in place; the annotation gitopsd.io/apply: replace",
                      event["error"])
        self.assertLess(len(event["error"]), 500)
        changed = self.job("example.com/one:2")
        changed["metadata"]["annotations"] = {"gitopsd.io/apply": "replace"}
        commit = self.push(changed)
        plan = self.daemon.ctl("plan", "web", "--revision", commit)
        self.assertEqual([line.strip() for line in plan.splitlines() if line.strip()[:2] in ("- ", "+ ")], [
            "+ metadata.annotations[gitopsd.io/apply]: replace",
            "- spec.template.spec.containers[one].image: example.com/one:1",
            "+ spec.template.spec.containers[one].image: example.com/one:2"])

    def test_replaced(self):
        """where the document allows it the object is deleted and made anew"""
        replace = {"gitopsd.io/apply": "replace"}
        document = {**config_map("fixed", {"key": "1"}, annotations=replace), "immutable": True}
        self.sync(document)
        uid = self.live(document)["metadata"]["uid"]
        changed = {**config_map("fixed", {"key": "2"}, annotations=replace), "immutable": True}
        self.daemon.accept(self.push(changed, config_map("other", {}), config_map("third", {})))
        found = self.wait_live(document, lambda found: found["data"] == {"key": "2"}, "it is made anew")
        self.assertNotEqual(found["metadata"]["uid"], uid)

    def test_merely_wrong(self):
        """a spec that is merely wrong never deletes the live object, whatever the document allows"""
        document = service("valid")
        document["metadata"]["annotations"] = {"gitopsd.io/apply": "replace"}
        self.sync(document)
        uid = self.live(document)["metadata"]["uid"]
        wrong = service("valid", protocol="NONE")
        wrong["metadata"]["annotations"] = {"gitopsd.io/apply": "replace"}
        event = self.sync(wrong, state="failed")
        self.assertIn("protocol", event["error"])
        self.assertEqual(self.live(document)["metadata"]["uid"], uid)
        wait.until(lambda: self.daemon.status()["phase"] == "idle", "nothing goes on")


class Unions(unittest.TestCase):
    """Members that the server does not allow beside what is declared, in plans of a sync."""

    SPACE = "unions"

    def setUp(self):
        self.cluster = shared_cluster()
        self.cluster.apply(of("Namespace", "v1", self.SPACE))
        self.provider = Provider(self.cluster, [self.SPACE])
        self.addCleanup(shutil.rmtree, self.provider.folder, ignore_errors=True)
        self.addCleanup(self.provider.kill)

    def path(self, name: str) -> str:
        return f"/apis/apps/v1/namespaces/{self.SPACE}/deployments/{name}"

    def strategy(self, name: str, strategy: dict | None, entries: list[dict] = (), mode: str = "changed", **spec) -> tuple[dict, list[dict]]:
        """What a Deployment that declares this one has after a sync, and what a daemon remembers of it."""
        document = deployment(name)
        document["spec"].update({"strategy": strategy} if strategy else {}, **spec)
        made = self.provider.converge([document], entries=entries, mode=mode)
        # What is as declared stays so.
        self.assertEqual([step["action"] for step in self.provider.plan([document], "2", made)["steps"]], ["none"])
        return self.cluster.get(self.path(name))["spec"]["strategy"], made

    def by_hand(self, name: str) -> None:
        self.cluster.api("PATCH", self.path(name) + "?fieldManager=by-hand", {
            "spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2}}}}, "application/strategic-merge-patch+json")

    def test_defaults(self):
        """a Deployment without a strategy becomes one of Recreate, though the server's default of rollingUpdate is nobody's"""
        found, entries = self.strategy("defaults", None)
        self.assertEqual(found["type"], "RollingUpdate")
        found, entries = self.strategy("defaults", {"type": "Recreate"}, entries)
        self.assertEqual(found, {"type": "Recreate"})
        found, entries = self.strategy("defaults", {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2}}, entries)
        self.assertEqual(found["rollingUpdate"], {"maxSurge": 2, "maxUnavailable": "25%"})
        found, entries = self.strategy("defaults", {"type": "Recreate"}, entries)
        self.assertEqual(found, {"type": "Recreate"})

    def test_by_hand(self):
        """what somebody else set instead is put right, with what else the commit changes"""
        found, entries = self.strategy("by-hand", {"type": "Recreate"}, replicas=1)
        self.by_hand("by-hand")
        found, entries = self.strategy("by-hand", {"type": "Recreate"}, entries, replicas=3)
        self.assertEqual(found, {"type": "Recreate"})
        self.assertEqual(self.cluster.get(self.path("by-hand"))["spec"]["replicas"], 3)
        self.by_hand("by-hand")  # what is declared is as before: only a full look need see it before the watch does
        found, entries = self.strategy("by-hand", {"type": "Recreate"}, entries, mode="full", replicas=3)
        self.assertEqual(found, {"type": "Recreate"})

    def test_adopted(self):
        """so it is where the Deployment was nobody's before"""
        self.cluster.apply({**deployment("adopted"), "metadata": {"name": "adopted", "namespace": self.SPACE}}, manager="other")
        found, _ = self.strategy("adopted", {"type": "Recreate"})
        self.assertEqual(found, {"type": "Recreate"})

    def test_wrong(self):
        """a manifest that is wrong by itself is an error, and nothing is taken over for it"""
        _, entries = self.strategy("wrong", None)
        before = self.cluster.get(self.path("wrong"))["metadata"]["resourceVersion"]
        for wrong in ({"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}, {"type": "Recreat"}):
            document = deployment("wrong")
            document["spec"]["strategy"] = wrong
            with self.assertRaisesRegex(AssertionError, "strategy"):
                self.provider.plan([document], "2", entries)
        document = deployment("wrong", [{"name": "web", "image": ""}])
        document["spec"]["strategy"] = {"type": "Recreate"}
        with self.assertRaisesRegex(AssertionError, "image"):
            self.provider.plan([document], "2", entries)
        self.assertEqual(self.cluster.get(self.path("wrong"))["metadata"]["resourceVersion"], before)
