"""Ownership that is lost while every value stays as declared: taken back without a word, since nothing drifted."""
import copy
import re
import shutil
import signal
import unittest
import uuid

from lib import wait
from lib.cluster_case import config_map, shared_cluster
from lib.drift_case import DriftScene, manager_of
from lib.kubernetes_provider import OWNER, Provider
from lib.objects import of


class Ownership(DriftScene):
    def assert_silently_owned_again(self, cases: dict) -> None:
        """Case -> (document, act): after each act what we manage is recorded again as it was, and nobody heard of drift."""
        self.sync(*[case[0] for case in cases.values()])
        before = {name: self.live(case[0]) for name, case in cases.items()}
        for name, (document, act) in cases.items():
            with self.subTest(act=name):
                act(document)
        for name, (document, _) in cases.items():
            with self.subTest(case=name):
                found = self.wait_live(document, lambda found, name=name: manager_of(found) == manager_of(before[name]),
                                       "it is managed again")
                self.assertEqual(found.get("data"), before[name].get("data"))
                wait.until(lambda d=document: self.heals(d), "that is recorded")
                self.assertEqual({step["action"] for step in self.heals(document)}, {"adopt"})
                self.assertIn(f"owned again application=web resource={self.id_of(document)}", self.said())
        self.wait_idle()
        self.assertNotRegex(self.said(), r"(?m)^\S+ \S+ +drift")
        self.assertEqual(self.daemon.get("/v1/applications/web")["heals"]["count"], 0)
        self.assertEqual(self.daemon.status()["status"], "synced")

    def said(self) -> str:
        return self.daemon.program.log.read_text()

    def test_managed_fields(self):
        """whoever empties managedFields, or writes them without ours, takes nothing from us"""
        def emptied(document):
            self.patch(document, {"metadata": {"managedFields": [{}]}})

        def replaced(document):
            self.replace(document, lambda found: found["metadata"].update(managedFields=[]))

        def ours_removed(document):
            entries = self.live(document)["metadata"]["managedFields"]
            theirs = [{**entry, "manager": "other"} for entry in entries]
            self.patch(document, {"metadata": {"managedFields": theirs}})

        self.assert_silently_owned_again({
            "[{}]": (config_map("emptied", {"a": "1"}), emptied),
            "[]": (config_map("replaced", {"a": "1"}), replaced),
            "another's name": (config_map("renamed", {"a": "1"}), ours_removed),
        })

    def test_changed_back(self):
        """a change that its author took back before anybody looked leaves ownership to take back, and no drift"""
        # The daemon looks at it when it has come back: it is busy with the first change of the other.
        document = config_map("back", {"a": "1"})
        self.sync(document)
        uid = self.live(document)["metadata"]["uid"]
        entries = self.live(document)["metadata"]["managedFields"]
        ours = manager_of(self.live(document))
        # As two writes by hand would leave it, in one: the value is ours, and its author somebody else.
        lost = copy.deepcopy(entries)
        del lost[0]["fieldsV1"]["f:data"]
        hand = {**lost[0], "manager": "by-hand", "operation": "Update", "fieldsV1": {"f:data": {"f:a": {}}}}
        self.patch(document, {"metadata": {"managedFields": [*lost, hand]}})
        self.wait_live(document, lambda found: manager_of(found) == ours, "it is managed again")
        self.wait_idle()
        self.assertEqual(self.live(document)["metadata"]["uid"], uid)
        self.assertEqual(self.daemon.get("/v1/applications/web")["heals"]["count"], 0)
        # And a change of the value is seen as ever.
        self.patch(document, {"data": {"a": "2"}})
        self.wait_live(document, lambda found: found["data"]["a"] == "1", "it is put back")
        wait.until(lambda: self.daemon.get("/v1/applications/web")["heals"]["count"] == 1, "it counts")
        self.assertRegex(self.said(), r"(?m)^\S+ \S+ +drift .*reason=.*data.a")

    def test_kept(self):
        """managedFields that are left out, or null, stay as they are: nothing is written"""
        def left_out(document):
            self.replace(document, lambda found: found["metadata"].pop("managedFields"))

        self.assert_no_drift({
            "left out": (config_map("left-out", {"a": "1"}), left_out),
            "null": (config_map("null", {"a": "1"}), lambda document: self.patch(document, {"metadata": {"managedFields": None}})),
        })

    def test_made_anew_by_others(self):
        """what somebody deleted and restored with our marks, from a backup, is ours again"""
        document = config_map("restored", {"a": "1"})
        self.sync(document)
        found = self.live(document)
        backup = {**found, "metadata": {key: found["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}}
        self.daemon.program.signal(signal.SIGSTOP)  # or it would be faster
        self.cluster.delete(self.placed(document))
        self.cluster.api("POST", self.cluster.path(self.placed(document)).rsplit("/", 1)[0] + "?fieldManager=velero", backup)
        self.daemon.program.signal(signal.SIGCONT)
        self.wait_live(document, lambda now: manager_of(now) == manager_of(found), "it is managed again")

    def test_atomic_list(self):
        """a list-map that becomes atomic: our record of its items is rewritten at somebody's write, and we own the list"""
        group = f"{self.space}.example.com"

        def schema(kind):
            row = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
            keys = {"x-kubernetes-list-map-keys": ["name"]} if kind == "map" else {}
            return {"type": "object", "properties": {"spec": {"type": "object", "properties": {
                "rows": {"type": "array", "items": row, "x-kubernetes-list-type": kind, **keys},
                "other": {"type": "string"}}}}}

        self.cluster.define(group, "Thing", schema("map"))
        document = of("Thing", f"{group}/v1", "a", spec={"rows": [{"name": "x"}]})
        self.sync(document)
        self.cluster.define(group, "Thing", schema("atomic"))

        def rewritten():
            found = self.patch(document, {"spec": {"other": str(self.writes(document))}})
            return manager_of(found)["f:spec"]["f:rows"] == {}

        wait.until(rewritten, "the new schema is served")
        self.wait_live(document, lambda found: manager_of(found)["f:spec"]["f:rows"] == {}, "we own the list")
        self.patch(document, {"spec": {"rows": [{"name": "x"}, {"name": "theirs"}]}})
        self.wait_live(document, lambda found: found["spec"]["rows"] == [{"name": "x"}], "it is put back whole")


class Namespaces(unittest.TestCase):
    """A namespace is everything that is in it: an application has those that its policy names."""

    def setUp(self):
        self.cluster = shared_cluster()
        self.provider = Provider(self.cluster, ["spaces", "team-*"])
        self.addCleanup(shutil.rmtree, self.provider.folder, ignore_errors=True)
        self.addCleanup(self.provider.kill)

    def test_foreign(self):
        """no other can be made, taken over or deleted, whatever `clusterKinds` says"""
        for kinds in (["Namespace"], ["*"]):
            self.provider.policy["clusterKinds"] = kinds
            for name in ("kube-public", "other"):
                with self.assertRaisesRegex(AssertionError, f"namespace '{name}' is none of those that the policy allows: spaces, team-"):
                    self.provider.plan([of("Namespace", "v1", name)], "1")
            plan = self.provider.call("plan", sync="1", owner=OWNER, policy=self.provider.policy, mode="changed",
                                      remove=["Namespace/kube-public"])
            self.assertEqual([problem["cause"] for problem in plan["problems"]], ["permission"])
            self.assertFalse(plan.get("steps"))
        self.assertNotIn("annotations", self.cluster.get("/api/v1/namespaces/kube-public")["metadata"])

    def test_adopted(self):
        """one of its own that somebody else has made is adopted, and the plan says so"""
        self.cluster.apply(of("Namespace", "v1", "team-7"), manager="other")
        step, = self.provider.plan([of("Namespace", "v1", "team-7")], "1")["steps"]
        self.assertIn("exists, not ours", step["reason"])
        self.assertIn("it becomes ours", step["reason"])
        self.provider.converge([of("Namespace", "v1", "team-7"), of("Namespace", "v1", "spaces")])


class LostStore(DriftScene):
    def test_taken_over(self):
        """a new store is refused what the lost one made, until it takes that one's place: then nothing is written, and all goes on"""
        documents = [config_map(f"kept-{number}", {"a": "1"}) for number in range(3)]
        self.sync(*documents)
        before = [self.live(document)["metadata"]["resourceVersion"] for document in documents]
        self.daemon.program.stop()
        shutil.rmtree(self.daemon.directory / "state")
        self.daemon.start()
        event = self.daemon.push_and_wait(self.push(*documents), "failed")
        self.assertIn("store.installation in the configuration", event["error"])
        lost = re.search(r"of another installation \('([0-9a-f-]{36})'\)", event["error"])[1]

        self.daemon.program.stop()
        self.daemon.config["store"]["installation"] = lost
        self.daemon.start()
        self.daemon.push_and_wait(self.push(*documents))
        self.assertEqual([self.live(document)["metadata"]["resourceVersion"] for document in documents], before)
        self.patch(documents[0], {"data": {"a": "by hand"}})
        self.wait_live(documents[0], lambda found: found["data"] == {"a": "1"}, "drift is put back")
        self.sync(*documents[1:])
        self.wait_gone(documents[0])


    def test_known_installation(self):
        """an empty store under the lost one's name takes all back as it is; what left the repository meanwhile stays, too"""
        self.daemon.program.stop()
        shutil.rmtree(self.daemon.directory / "state")
        self.daemon.config["store"]["installation"] = str(uuid.uuid4())
        self.daemon.start()
        documents = [config_map(f"kept-{number}", {"a": "1"}) for number in range(3)]
        self.sync(*documents)
        before = [self.live(document) for document in documents]
        self.daemon.program.stop()
        shutil.rmtree(self.daemon.directory / "state")
        commit = self.push(*documents[1:])  # before the start, which takes up whatever the repository holds
        self.daemon.start()
        self.daemon.push_and_wait(commit)
        self.wait_idle()
        self.assertEqual([self.live(document) for document in documents], before)
        deleted = [event for verb in ("delete", "deletecollection") for event in self.cluster.audited(verb=verb)]
        self.assertEqual([event for event in deleted if event["objectRef"].get("namespace") == self.space], [])
        self.assertEqual((self.daemon.status()["status"], self.daemon.status()["resources"]), ("synced", 2))


class MadeAnew(DriftScene):
    def test_just_as_it_was(self):
        """an object that is another one than was applied, and yet just as declared, is taken as it is, once"""
        document = config_map("again", {"a": "1"})
        self.sync(document)
        before = self.live(document)
        self.daemon.program.stop()
        path = self.cluster.path(self.placed(document))
        self.cluster.api("DELETE", path)
        wanted = ("name", "namespace", "labels", "annotations")
        self.cluster.api("PATCH", f"{path}?fieldManager=gitopsd&force=true", {
            **{key: before[key] for key in ("apiVersion", "kind", "data")},
            "metadata": {key: value for key, value in before["metadata"].items() if key in wanted}}, "application/apply-patch+yaml")
        self.daemon.start()
        wait.until(lambda: self.heals(document), "it is looked at")
        self.wait_idle()
        self.assertEqual({step["action"] for step in self.heals(document)}, {"adopt"})
        said = self.said()
        self.patch(document, {"data": {"a": "by hand"}})
        self.wait_live(document, lambda found: found["data"] == {"a": "1"}, "drift is put back")
        self.wait_idle()
        self.assertNotIn("contested", self.said())
        self.assertEqual(self.said()[len(said):].count("planned application=web"), 1)

    def said(self) -> str:
        return self.daemon.program.log.read_text()
