"""What others change of what is declared is seen by the watch and put back, also where our entry in managedFields shows nothing."""
import base64
import json

from lib import wait
from lib.admission import MutatingWebhook
from lib.cluster_case import config_map
from lib.drift_case import DriftScene, manager_of
from lib.objects import autoscaler, cron_job, deployment, of, pods, service, with_container


def at(found: dict, *path):
    for step in path:
        found = found[step]
    return found


CONTAINERS = ("template", "spec", "containers")
JOB_CONTAINERS = ("spec", "jobTemplate", "spec", "template", "spec", "containers")


class Order(DriftScene):
    """The order of lists whose items have keys: our entry in managedFields says nothing of it."""

    def reverse(self, *path):
        return lambda document: self.replace(document, lambda found: at(found, *path).reverse())

    def test_order(self):
        """the order of variables, containers, init containers and ports is put back"""
        variables = [{"name": "B", "value": "$(A)"}, {"name": "A", "value": "1"}]
        two = [{"name": "one", "image": "one:1"}, {"name": "two", "image": "two:1"}]
        ports = [{"name": "http", "port": 80}, {"name": "https", "port": 443}]
        self.assert_heals({
            "env": (with_container("env", env=variables), self.reverse(*CONTAINERS, 0, "env")),
            "containers": (pods("containers", containers=two), self.reverse(*CONTAINERS)),
            "init containers": (pods("init", initContainers=two), self.reverse("template", "spec", "initContainers")),
            "env of a kind with generation": (cron_job("job", [{"name": "web", "image": "web:1", "env": variables}]),
                                              self.reverse(*JOB_CONTAINERS, 0, "env")),
            "containers of a kind with generation": (cron_job("jobs", two), self.reverse(*JOB_CONTAINERS)),
            "ports": (service("ports", *ports), self.reverse("spec", "ports")),
        })

    def test_order_of_custom_lists(self):
        """so is the order of a list-map and of a set of a custom kind"""
        item = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "size": {"type": "integer"}}}
        self.cluster.define("order.example.com", "Shelf", {"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "rows": {"type": "array", "items": item, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
            "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"}}}}})
        rows = [{"name": "b", "size": 1}, {"name": "a", "size": 2}]
        self.assert_heals({
            "list-map": (of("Shelf", "order.example.com/v1", "rows", spec={"rows": rows}), self.reverse("spec", "rows")),
            "set": (of("Shelf", "order.example.com/v1", "tags", spec={"tags": ["x", "a"]}), self.reverse("spec", "tags")),
        })


class Values(DriftScene):
    def test_values(self):
        """every kind of value that is changed or removed by hand is put back"""
        def patch(change, kind="merge", **more):
            return lambda document: self.patch(document, change, kind, **more)

        def container(change):
            return patch({"template": {"spec": {"containers": [{"name": "web", **change}]}}}, "strategic")

        spec = lambda change: patch({"template": {"spec": change}})  # noqa: E731
        self.assert_heals({
            "a text": (config_map("text", {"a": "1"}), patch({"data": {"a": "2"}})),
            "a key removed": (config_map("removed", {"a": "1", "b": "2"}), patch({"data": {"a": None}})),
            "all keys removed": (config_map("emptied", {"a": "1"}), patch({"data": None})),
            "a label of ours": ({**config_map("label", {"a": "1"}), "metadata": {"name": "label", "labels": {"x": "1"}}},
                                patch({"metadata": {"labels": {"x": "2"}}})),
            "our marks": (config_map("marks", {"a": "1"}), patch({"metadata": {"annotations": None, "labels": None}})),
            "a number": (deployment("number", replicas=2), patch({"spec": {"replicas": 5}})),
            "a number given as text": (
                deployment("surge", strategy={"rollingUpdate": {"maxSurge": "10%"}}),
                patch({"spec": {"strategy": {"rollingUpdate": {"maxSurge": 1}}}})),
            "an empty text": (with_container("empty", env=[{"name": "A", "value": ""}]),
                              container({"env": [{"name": "A", "value": "x"}]})),
            "an atomic list that grew": (with_container("grown", args=["a"]), container({"args": ["a", "b"]})),
            "an atomic list that shrank": (with_container("shrunk", args=["a", "b"]), container({"args": ["a"]})),
            "an atomic map that grew": (pods("selector", nodeSelector={"disk": "ssd"}), spec({"nodeSelector": {"disk": "ssd", "x": "y"}})),
            "an atomic map that shrank": (pods("selectors", nodeSelector={"disk": "ssd", "x": "y"}),
                                          patch([{"op": "remove", "path": "/template/spec/nodeSelector/x"}], "json")),
            "a flag": (pods("flag", shareProcessNamespace=True), spec({"shareProcessNamespace": None})),
            "a variable twice": (with_container("twice", env=[{"name": "A", "value": "1"}]), lambda document: self.replace(
                document, lambda found: at(found, *CONTAINERS, 0, "env").append({"name": "A", "value": "2"}))),
        })

    def test_scale(self):
        """replicas that are declared, changed through the scale subresource, are put back"""
        self.assert_heals({
            "scale": (deployment("scaled", replicas=2), lambda document: self.patch(
                document, {"spec": {"replicas": 7}}, subresource="scale")),
            "kubectl scale": (deployment("scaled-too", replicas=2), lambda document: self.cluster.kubectl(
                "scale", "deployment", "scaled-too", "--replicas=3", "-n", self.space)),
        })

    def test_string_data(self):
        """texts of a Secret's stringData, changed, removed or set once more in data, are put back"""
        def secret(name):
            return of("Secret", "v1", name, stringData={"a": "one", "b": "two"})

        other = base64.b64encode(b"by hand").decode()
        self.assert_heals({
            "changed": (secret("changed"), lambda document: self.patch(document, {"data": {"a": other}})),
            "removed": (secret("removed"), lambda document: self.patch(document, {"data": {"a": None}})),
            "set in stringData": (secret("set"), lambda document: self.patch(document, {"stringData": {"b": "by hand"}})),
        })
        secrets = self.live(of("Secret", "v1", "changed"))["data"]
        self.assertEqual(base64.b64decode(secrets["a"]), b"one")

    def test_custom_values(self):
        """a quantity of a custom kind is a text like any other, and a write in another version counts like any"""
        quantity = {"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "cpu": {"x-kubernetes-int-or-string": True}, "replicas": {"type": "integer"}}}}}
        crd = self.cluster.define("values.example.com", "Stall", quantity)
        old = {**crd["spec"]["versions"][0], "name": "v1alpha1", "storage": False}
        scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
        versions = [{**v, "subresources": {"status": {}, "scale": scale}} for v in (crd["spec"]["versions"][0], old)]
        self.cluster.apply({**crd, "spec": {**crd["spec"], "versions": versions}})
        self.cluster.wait_for("/apis/values.example.com/v1alpha1", lambda found: any(
            entry["name"] == "stalls/scale" for entry in found["resources"]), "the old version is served")

        def stall(name):
            return of("Stall", "values.example.com/v1", name, spec={"cpu": "1000m", "replicas": 2})

        def in_old_version(document):
            path = self.cluster.path({**self.placed(document), "apiVersion": "values.example.com/v1alpha1"})
            self.cluster.patch(path, {"spec": {"cpu": "2"}})

        self.assert_heals({
            "quantity": (stall("quantity"), lambda document: self.patch(document, {"spec": {"cpu": "1"}})),
            "another version": (stall("version"), in_old_version),
            "scale": (stall("scale"), lambda document: self.patch(document, {"spec": {"replicas": 3}}, subresource="scale")),
        })


class Forged(DriftScene):
    def test_managed_fields(self):
        """a change is seen although its author wrote managedFields as they were before"""
        def stale(document):
            entries = self.live(document)["metadata"]["managedFields"]
            self.patch(document, {"data": {"a": "by hand"}, "metadata": {"managedFields": entries}})

        def restored(document):
            def change(found):
                found["data"]["a"] = "restored"
            self.replace(document, change, manager="gitopsd")

        self.assert_heals({
            "stale": (config_map("stale", {"a": "1"}), stale),
            "by a tool that calls itself as we do": (config_map("restored", {"a": "1"}), restored),
        })


class Admission(DriftScene):
    def test_mutated_beside(self):
        """what an admission webhook changes of ours when somebody else writes something else, and nobody's entry tells, is put back"""
        def mutate(request):
            if request["options"].get("fieldManager") != "gitopsd":
                return [{"op": "replace", "path": "/data/a", "value": "mutated"}]
            return []

        webhook = MutatingWebhook(self.cluster, self.space, "configmaps", mutate)
        self.addCleanup(webhook.stop)
        document = config_map("a", {"a": "1"})
        self.sync(document)
        written = self.patch(document, {"metadata": {"labels": {"theirs": "1"}}})
        self.assertEqual(written["data"], {"a": "mutated"})
        self.assertEqual(manager_of(written)["f:data"], {"f:a": {}})
        found = self.wait_live(document, lambda found: found["data"] == {"a": "1"}, "it is put back")
        self.assertEqual(found["metadata"]["labels"]["theirs"], "1")


class Resized(DriftScene):
    @staticmethod
    def pod(cpu: str, **more) -> dict:
        resources = {"limits": {"cpu": cpu}, "requests": {"cpu": cpu}}
        containers = [{"name": "web", "image": "web:1", "resources": resources}, {"name": "side", "image": "side:1"}]
        return of("Pod", "v1", "a", spec={"containers": containers, **more})

    def resize(self, cpu: str) -> None:
        self.patch(self.pod(cpu), {"spec": {"containers": [{"name": "web", "resources": {
            "limits": {"cpu": cpu}, "requests": {"cpu": cpu}}}]}}, "strategic", subresource="resize")

    @staticmethod
    def cpu_of(found: dict) -> list[str]:
        return [found["spec"]["containers"][0]["resources"][key]["cpu"] for key in ("limits", "requests")]

    def test_resized(self):
        """a Pod that was resized gets the declared resources back, and they are ours again"""
        self.declare(self.pod("100m"))
        uid = self.live(self.pod("100m"))["metadata"]["uid"]
        for cpu in ("200m", "50m"):
            self.resize(cpu)
            found = self.wait_live(self.pod("100m"), lambda found: self.cpu_of(found) == ["100m", "100m"] and
                                   "f:resources" in json.dumps(manager_of(found)), "it is put back")
            self.assertEqual(found["metadata"]["uid"], uid)
        self.daemon.program.wait_until(lambda: self.daemon.status()["status"] == "synced", "all is well again")

    def test_resized_by_a_commit(self):
        """resources that the repository changes are changed in place, and so is what an apply may change beside them"""
        self.declare(self.pod("100m"))
        uid = self.live(self.pod("100m"))["metadata"]["uid"]
        more = of("Pod", "v1", "a", spec=self.pod("0.3")["spec"])
        more["spec"]["containers"][0]["image"] = "web:2"
        commit = self.push(more)
        plan = self.daemon.ctl("plan", "web", "--revision", commit)
        self.assertIn("resized: spec.containers[web].image, spec.containers[web].resources.limits.cpu", plan)
        self.daemon.push_and_wait(commit)
        found = self.live(more)
        self.assertEqual((self.cpu_of(found), found["spec"]["containers"][0]["image"]), (["300m", "300m"], "web:2"))
        self.assertEqual(found["metadata"]["uid"], uid)

    def test_what_no_resize_changes(self):
        """a Pod that differs elsewhere, too, is not resized; it is told that it can be made anew, and is where that is allowed"""
        self.declare(self.pod("100m"))
        other = self.pod("200m", hostname="other")
        error = self.daemon.push_and_wait(self.push(other), "failed")["error"]
        self.assertIn("pod updates may not change fields", error)
        self.assertIn("gitopsd.io/apply: replace", error)
        self.assertEqual(self.cpu_of(self.live(other)), ["100m", "100m"])
        anew = {**other, "metadata": {**other["metadata"], "annotations": {"gitopsd.io/apply": "replace"}}}
        self.daemon.accept(self.push(anew))
        found = self.wait_live(other, lambda found: found["spec"].get("hostname") == "other", "it is made anew")
        self.assertEqual(self.cpu_of(found), ["200m", "200m"])


class Autoscalers(DriftScene):
    def test_other_version(self):
        """an autoscaler written through autoscaling/v1, which turns its metrics round, is put back"""
        def old(document):
            path = self.cluster.path({**self.placed(document), "apiVersion": "autoscaling/v1"})
            self.cluster.api("PUT", f"{path}?fieldManager=by-hand", self.cluster.get(path))

        self.assert_heals({"autoscaling/v1": (autoscaler("web"), old)})


class Deletion(DriftScene):
    def test_deleted_and_made_again(self):
        """what is deleted comes back, as often as it is deleted, and so does what somebody else makes in its place"""
        document = config_map("a", {"a": "1"})
        self.sync(document)
        uids = [self.live(document)["metadata"]["uid"]]
        self.cluster.delete(self.placed(document))
        uids.append(self.wait_live(document, lambda found: found["data"] == {"a": "1"}, "it is back")["metadata"]["uid"])
        self.cluster.delete(self.placed(document))
        self.cluster.apply(self.placed(config_map("a", {"a": "theirs", "b": "2"})))
        found = self.wait_live(document, lambda found: found["data"].get("a") == "1", "it is ours again")
        self.assertEqual(len({*uids, found["metadata"]["uid"]}), 3)

    def test_held_by_a_finalizer(self):
        """what is being deleted and held by a finalizer is told, and made anew when it has gone"""
        document = config_map("a", {"a": "1"})
        self.sync(document)
        uid = self.patch(document, {"metadata": {"finalizers": ["example.com/hold"]}})["metadata"]["uid"]
        self.cluster.delete(self.placed(document))
        told = wait.until(lambda: (s := self.daemon.status()) and "is being deleted" in (s["error"] or "") and s, "it is told")
        self.assertEqual(told["status"], "out_of_sync")
        self.patch(document, {"metadata": {"finalizers": None}})
        found = self.wait_live(document, lambda found: found["metadata"]["uid"] != uid, "it is made anew")
        self.assertEqual(found["data"], {"a": "1"})
        self.daemon.program.wait_until(lambda: self.daemon.status()["status"] == "synced", "all is well again")
