"""What moves from one application to another in the repository keeps its life in the cluster."""
import json

from lib import kill, wait
from lib.cluster_case import ClusterScene, config_map

APPLICATIONS = ("web", "shop")
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "data": {"a": "MQ=="}}
KEPT = config_map("kept", {"k": "1"}, annotations={"gitopsd.io/apply": "create-only"})
MOVING = (SECRET, KEPT)


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

    def put(self, owner: str, secret: dict = SECRET) -> str:
        """Commits what moves to that application, beside something of its own; returns the commit."""
        def text(*documents):
            return "".join(f"---\n{json.dumps(document)}\n" for document in documents)

        files: dict = {f"{name}/own.yaml": text(config_map(f"of-{name}", {"k": "1"})) for name in APPLICATIONS}
        if self.place:
            files[f"{self.place}/moves.yaml"] = None
        files[f"{owner}/moves.yaml"] = text(secret, KEPT)
        self.place = owner
        commit = self.checkout.commit(files)
        self.checkout.push()
        return commit

    def lives(self) -> list:
        return [self.live(document)["metadata"]["uid"] for document in MOVING]

    def is_of(self, name: str) -> bool:
        """Both by their marks and in the inventory."""
        marks = {self.live(document)["metadata"]["annotations"]["gitopsd.io/tracking-id"].split("/")[1]
                 for document in MOVING}
        entries = {entry["name"] for entry in self.daemon.get(f"/v1/applications/{name}/inventory")["entries"]}
        return marks == {name} and {"key", "kept"} <= entries

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
        commit = self.put("shop", {**SECRET, "data": {"a": "Mw=="}})
        self.assertRegex(self.daemon.ctl("plan", "web"), r"> release\s+Secret/\S+/key  \(handed over to application shop")
        self.daemon.push_and_wait(commit)
        self.assert_moved("shop")
        self.assertEqual(self.live(SECRET)["data"], {"a": "Mw=="})
        deleted = [each["objectRef"] for each in self.cluster.audited(verb="delete")]
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
