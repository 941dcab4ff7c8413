"""What moves from one application to another in the repository keeps its life in the cluster."""
import json

from lib import kill, wait
from lib.cluster_case import ClusterScene, config_map

APPLICATIONS = ("web", "shop")
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "data": {"a": "MQ=="}}
KEPT = config_map("kept", {"k": "1"}, annotations={"gitopsd.io/apply": "create-only"})
MOVING = (SECRET, KEPT)


def claim(name: str) -> dict:
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}


DATABASE = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "database"}, "spec": {
    "serviceName": "database", "replicas": 1, "selector": {"matchLabels": {"app": "database"}},
    "template": {"metadata": {"labels": {"app": "database"}}, "spec": {"containers": [
        {"name": "one", "image": "example.com/one:1", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]}},
    "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim("data")["spec"]}]}}


class Handover(ClusterScene):
    def configure(self) -> None:
        super().configure()
        self.daemon.config["applications"] = [{**self.daemon.application, "name": name, "path": name}
                                              for name in APPLICATIONS]

    def setUp(self):
        super().setUp()
        self.place = ""
        self.daemon.push_and_wait(self.put("web"))
        self.uids = self.lives()

    def put(self, owner: str, *moving: dict) -> str:
        """Commits what moves to that application, beside something of its own; returns the commit."""
        self.moving = moving or MOVING

        def text(*documents):
            return "".join(f"---\n{json.dumps(document)}\n" for document in documents)

        files: dict = {f"{name}/own.yaml": text(config_map(f"of-{name}", {"k": "1"})) for name in APPLICATIONS}
        if self.place:
            files[f"{self.place}/moves.yaml"] = None
        files[f"{owner}/moves.yaml"] = text(*self.moving)
        self.place = owner
        commit = self.checkout.commit(files)
        self.checkout.push()
        return commit

    def lives(self) -> list:
        return [self.live(document)["metadata"]["uid"] for document in self.moving]

    def is_of(self, name: str) -> bool:
        """All by their marks and in the inventory."""
        marks = {self.live(document)["metadata"]["annotations"]["gitopsd.io/tracking-id"].split("/")[1]
                 for document in self.moving}
        entries = {entry["name"] for entry in self.daemon.get(f"/v1/applications/{name}/inventory")["entries"]}
        return marks == {name} and {document["metadata"]["name"] for document in self.moving} <= entries

    def assert_moved(self, name: str) -> None:
        wait.until(lambda: self.is_of(name), f"{name} has them", 20)
        self.assertEqual(self.lives(), self.uids)

    def test_both_ways(self):
        """objects that move to another application in one commit are its own then, and are the same objects"""
        for name in ("shop", "web"):
            self.daemon.push_and_wait(self.put(name))
            self.assert_moved(name)
        # Nobody fights about them afterwards, and they are healed like everything else.
        wait.until(lambda: all(self.daemon.status(name)["status"] == "synced" for name in APPLICATIONS), "all is in sync")
        self.cluster.kubectl("patch", "secret", "-n", self.space, "key", "--type=merge", "-p", '{"data": {"a": "Mg=="}}')
        self.wait_live(SECRET, lambda found: found["data"] == {"a": "MQ=="}, "it is put back")
        self.assertEqual(self.lives(), self.uids)

    def test_plan(self):
        """the plan says to whom they go, and that the other takes them with what has changed"""
        commit = self.put("shop", {**SECRET, "data": {"a": "Mw=="}}, KEPT)
        self.assertRegex(self.daemon.ctl("plan", "web"), r"> release\s+Secret/\S+/key  \(handed over to application shop")
        self.daemon.push_and_wait(commit)
        self.assert_moved("shop")
        self.assertEqual(self.live(SECRET)["data"], {"a": "Mw=="})
        self.assert_nothing_deleted()

    def test_volumes(self):
        """claims, and a StatefulSet whose claims are made of its templates, move without anything being deleted"""
        moving = (*MOVING, claim("files"), DATABASE)
        event = self.daemon.accept(self.put("web", *moving))
        self.make_ready(claim("files"), {"phase": "Bound"})
        self.make_ready(DATABASE, {"observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "availableReplicas": 1,
                                   "currentReplicas": 1, "updatedReplicas": 1, "currentRevision": "1", "updateRevision": "1"})
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        # As its controller makes it: marked by nobody.
        made = claim("data-database-0")
        self.cluster.apply(self.placed(made))
        data = self.live(made)["metadata"]["uid"]
        self.uids = self.lives()
        for name, other in (("shop", "web"), ("web", "shop")):
            commit = self.put(name, *moving)
            plan = self.daemon.ctl("plan", other)
            for kind, what in (("PersistentVolumeClaim", "files"), (r"StatefulSet\.apps", "database")):
                self.assertRegex(plan, rf"> release\s+{kind}/\S+/{what}  \(handed over to application {name}")
            self.daemon.push_and_wait(commit)
            self.assert_moved(name)
        self.assertEqual(self.live(made)["metadata"]["uid"], data)
        self.assertNotIn("gitopsd", json.dumps(self.live(made)["metadata"].get("annotations", {})))
        self.assertEqual(self.live(DATABASE)["metadata"]["generation"], 1, "its Pods stay")
        self.assert_nothing_deleted()

    def make_ready(self, document: dict, status: dict) -> None:
        self.wait_live(document, lambda found: True, "it is made")
        self.cluster.patch(f"{self.cluster.path(self.placed(document))}/status", {"status": status}, manager="controller")

    def assert_nothing_deleted(self) -> None:
        deleted = [each["objectRef"] for verb in ("delete", "deletecollection") for each in self.cluster.audited(verb=verb)]
        self.assertEqual([each for each in deleted if each.get("namespace") == self.space], [])

    def test_kill(self):
        """a daemon that is killed at any moment of it finishes it after its next start"""
        kill.at_each_instant(self.daemon, ("shop", "web") * 6, self.put, self.assert_moved)

    def test_never_pruned(self):
        """what was kept since it is never pruned is another application's as soon as that declares it"""
        kept = config_map("data", {"k": "1"}, annotations={"gitopsd.io/prune": "never"})
        def push(files: dict) -> None:
            commit = self.checkout.commit({name: json.dumps(text) if text else None for name, text in files.items()})
            self.checkout.push()
            self.daemon.push_and_wait(commit)

        push({"web/data.json": kept})
        uid = self.live(kept)["metadata"]["uid"]
        push({"web/data.json": None})
        push({"shop/data.json": config_map("data", {"k": "2"})})
        found = self.live(kept)
        self.assertEqual((found["metadata"]["uid"], found["data"]), (uid, {"k": "2"}))
        self.assertEqual(found["metadata"]["annotations"]["gitopsd.io/tracking-id"].split("/")[1], "shop")
        self.cluster.patch(self.placed(kept), {"data": {"k": "by hand"}})
        self.wait_live(kept, lambda found: found["data"] == {"k": "2"}, "it is put back")
