"""What others have in a Namespace or of a CustomResourceDefinition that leaves the repository."""
from lib import wait
from lib.cluster_case import ClusterScene, config_map
from lib.kubernetes_api import ApiError

FILLER = [config_map(f"stays-{number}", {"k": "1"}) for number in range(20)]  # so that what goes is within the budget


class ForeignScene(ClusterScene):
    def configure(self):
        super().configure()
        self.other = f"{self.space}-more"
        self.group = f"{self.space}.example.com"
        self.daemon.application["policy"].update(
            namespaces=[self.space, self.other], clusterKinds=["Namespace", "CustomResourceDefinition.*"])

    def namespace(self) -> dict:
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.other}}

    def definition(self, scope: str = "Namespaced", **annotations) -> dict:
        return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {"name": f"stalls.{self.group}", "annotations": annotations}, "spec": {
                    "group": self.group, "scope": scope, "names": {"kind": "Stall", "plural": "stalls"},
                    "versions": [{"name": "v1", "served": True, "storage": True,
                                  "schema": {"openAPIV3Schema": {"type": "object"}}}]}}

    def stall(self, name: str, space: str) -> dict:
        return {"apiVersion": f"{self.group}/v1", "kind": "Stall", "metadata": {"name": name, "namespace": space}}

    def inside(self, name: str, **metadata) -> dict:
        return config_map(name, {"k": "1"}, namespace=self.other, **metadata)

    def by_others(self, document: dict, manager: str = "somebody") -> dict:
        self.cluster.apply(document, manager=manager)
        return self.cluster.get(document)

    def held(self) -> dict:
        return wait.until(lambda: (s := self.daemon.status())["phase"] == "held" and s, "the sync is held")

    def approve_and_see_it_go(self, document: dict) -> None:
        self.daemon.ctl("approve", "web")
        wait.until(lambda: self.is_going(document), "it is deleted")

    def is_going(self, document: dict) -> bool:
        """No controller empties namespaces here: one that is deleted stays and says so."""
        try:
            return "deletionTimestamp" in self.cluster.get(document)["metadata"]
        except ApiError as error:
            if error.status == 404:
                return True
            raise

    def refused(self, *rest: dict) -> str:
        """The push deletes what it may, and fails; returns what it says."""
        return self.sync(*FILLER, *rest, state="failed")["error"]

    def inventory(self) -> set[str]:
        return {entry["name"] for entry in self.daemon.get("/v1/applications/web/inventory")["entries"]}


class Foreign(ForeignScene):
    def test_namespace(self):
        """a namespace in which others have something stays, and says what, until that has gone; the rest of the push is done"""
        self.sync(self.namespace(), self.inside("ours"), *FILLER)
        self.by_others(self.inside("foreign"))
        commit = self.push(config_map("new", {"k": "1"}), *FILLER)
        says = f"it holds 1 object that nobody asked to delete: ConfigMap/{self.other}/foreign"
        self.assertIn(says, self.daemon.ctl("plan", "web", "--revision", commit))
        error = self.daemon.push_and_wait(commit, "failed")["error"]
        self.assertIn(f"Namespace/{self.other}: not deleted: {says}", error)
        self.assertIn("`deleteForeign: [Namespace]`", error)
        self.assertFalse(self.is_going(self.namespace()))
        self.assertFalse(self.cluster.exists(self.inside("ours")))
        self.assertEqual(self.live(config_map("new", {}))["data"], {"k": "1"})
        self.assertIn(self.other, self.inventory())
        self.cluster.delete(self.inside("foreign"))
        self.assertRegex(self.held()["waits_for"], f"delete Namespace/{self.other} would destroy data")
        self.assertFalse(self.is_going(self.namespace()))
        self.approve_and_see_it_go(self.namespace())

    def test_definition(self):
        """a definition of which others have objects, in any namespace, stays until those have gone"""
        self.sync(self.definition(), *FILLER)
        self.sync(self.definition(), {**self.stall("ours", self.space)}, *FILLER)
        theirs = self.by_others(self.stall("theirs", "default"))
        owner = {"apiVersion": theirs["apiVersion"], "kind": "Stall", "name": "theirs", "uid": theirs["metadata"]["uid"]}
        child = self.stall("child", "default")
        self.by_others({**child, "metadata": {**child["metadata"], "ownerReferences": [owner]}})
        error = self.refused()
        self.assertIn(f"it holds 1 object that nobody asked to delete: Stall.{self.group}/default/theirs", error)
        self.assertTrue(self.cluster.exists(self.stall("theirs", "default")))
        self.assertFalse(self.cluster.exists(self.stall("ours", self.space)))
        self.cluster.delete(self.stall("theirs", "default"))
        self.assertIn("would destroy data", self.held()["waits_for"])
        self.approve_and_see_it_go(self.definition())

    def test_what_is_no_loss(self):
        """what the system keeps in every namespace, and what our own objects own, is in nobody's way"""
        deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": self.other}, "spec": {
            "selector": {"matchLabels": {"a": "b"}}, "template": {
                "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "c"}]}}}}
        event = self.daemon.accept(self.push(self.namespace(), deployment, *FILLER))
        self.cluster.wait_for(deployment, lambda found: True, "it is there")
        self.cluster.make_available(deployment)
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web",
                 "uid": self.cluster.get(deployment)["metadata"]["uid"]}
        metadata = {"namespace": self.other}
        for document in (
                {**deployment, "kind": "ReplicaSet", "metadata": {**metadata, "name": "web-1", "ownerReferences": [owner]}},
                self.inside("kube-root-ca.crt"),
                {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {**metadata, "name": "default"}},
                {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {**metadata, "name": "leader"}},
                {"apiVersion": "v1", "kind": "Event", "metadata": {**metadata, "name": "e"}, "reason": "Scheduled", "type": "Normal",
                 "involvedObject": {"kind": "Pod", "name": "p", "namespace": self.other}}):
            self.by_others(document)
        self.daemon.accept(self.push(*FILLER))
        self.assertIn("would destroy data", self.held()["waits_for"])
        self.approve_and_see_it_go(self.namespace())

    def test_never_pruned(self):
        """what is never pruned does not go with its namespace either"""
        self.sync(self.namespace(), self.inside("kept", annotations={"gitopsd.io/prune": "never"}), *FILLER)
        self.assertIn(f"that nobody asked to delete: ConfigMap/{self.other}/kept", self.refused())
        self.assertTrue(self.cluster.exists(self.inside("kept")))

    def test_made_meanwhile(self):
        """what somebody makes in it after the approval is seen before it is deleted"""
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "busy", "namespace": self.other}}
        self.sync(self.namespace(), account, *FILLER)
        self.cluster.patch(account, {"metadata": {"finalizers": ["example.com/busy"]}})
        event = self.daemon.accept(self.push(*FILLER))
        self.held()
        self.daemon.ctl("approve", "web", "--no-wait")
        wait.until(lambda: "example.com/busy" in (self.daemon.status()["waits_for"] or ""), "what goes first is still there")
        self.by_others(self.inside("foreign"))
        self.cluster.patch(account, {"metadata": {"finalizers": None}})
        ended = self.daemon.wait_ended(event)
        self.assertEqual(ended["state"], "failed")
        self.assertIn(f"that nobody asked to delete: ConfigMap/{self.other}/foreign", ended["error"])
        self.assertFalse(self.is_going(self.namespace()))

    def test_application_that_is_deleted(self):
        """an application that is deleted leaves a namespace in which others have something, and stays until that has gone"""
        self.sync(self.namespace(), self.inside("ours"), *FILLER)
        self.by_others(self.inside("foreign"))
        self.daemon.config["applications"] = [
            {**self.daemon.application, "name": "other", "path": "other", "uid": "another-one"}]
        self.daemon.write_config()
        self.daemon.program.signal(1)
        wait.until(lambda: self.daemon.status()["orphaned"], "the application is orphaned")
        self.assertIn(f"nobody asked to delete: ConfigMap/{self.other}/foreign",
                      self.daemon.ctl("delete", "web", "--cascade", expect=1))
        self.wait_gone(self.inside("ours"))
        self.assertFalse(self.is_going(self.namespace()))
        self.cluster.delete(self.inside("foreign"))
        self.daemon.ctl("delete", "web", "--cascade", "--no-wait")
        wait.until(lambda: any(event["state"] == "held" for event in self.daemon.get("/v1/events")["events"]), "it is held")
        self.daemon.ctl("approve", "web", "--no-wait")
        wait.until(lambda: self.is_going(self.namespace()), "it is deleted")

    def test_not_made_anew(self):
        """a definition that cannot be changed in place is never made anew: all objects of it would go"""
        anew = {"gitopsd.io/apply": "replace"}
        self.sync(self.definition(**anew), *FILLER)
        self.assertIn("field is immutable", self.refused(self.definition("Cluster", **anew)))
        self.assertEqual(self.cluster.get(self.definition())["spec"]["scope"], "Namespaced")


class Allowed(ForeignScene):
    def configure(self):
        super().configure()
        self.daemon.application["policy"]["deleteForeign"] = ["Namespace", "CustomResourceDefinition"]

    def test_policy(self):
        """with the policy's word it goes with all that others have in it, which the plan tells and somebody approves"""
        self.sync(self.namespace(), self.definition(), *FILLER)
        self.by_others(self.inside("foreign"))
        self.cluster.wait_for(self.definition(), lambda found: any(
            c["type"] == "Established" and c["status"] == "True" for c in found["status"]["conditions"]), "it is served")
        self.by_others(self.stall("theirs", self.space))
        self.daemon.accept(self.push(*FILLER))
        reason = self.held()["waits_for"]
        for word in (f"delete Namespace/{self.other}", f"delete CustomResourceDefinition.apiextensions.k8s.io/stalls.{self.group}"):
            self.assertIn(word, reason)
        plan = self.daemon.ctl("plan", "web")
        self.assertIn(f"ConfigMap/{self.other}/foreign", plan)
        self.assertIn(f"Stall.{self.group}/{self.space}/theirs", plan)
        self.approve_and_see_it_go(self.definition())
        wait.until(lambda: self.is_going(self.namespace()), "it is deleted")


class WithoutRights(ClusterScene):
    def configure(self):
        super().configure()
        self.other = f"{self.space}-more"
        self.daemon.config["destinations"][0]["settings"]["kubeconfig"] = str(self.cluster.kubeconfig("looker"))
        self.daemon.application["policy"].update(namespaces=[self.space, self.other], clusterKinds=["Namespace"])

    def test_not_listed(self):
        """a namespace that may not be looked into is not deleted: the right that is missing is named, and enough"""
        self.cluster.grant("looker", {"apiGroups": [""], "resources": ["namespaces", "configmaps"],
                                       "verbs": ["get", "list", "watch", "create", "patch", "delete"]})
        self.sync({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.other}}, *FILLER)
        error = self.sync(*FILLER, state="failed")["error"]
        self.assertIn(f"Namespace/{self.other}: not deleted: nobody can say what it holds: cannot list", error)
        self.assertRegex(error, f"the verb `list` in namespace {self.other} on .*secrets")
        self.assertNotRegex(error, r"on .*\bconfigmaps\b")
        self.cluster.grant("looker", {"apiGroups": ["*"], "resources": ["*"], "verbs": ["list"]})
        self.daemon.ctl("sync", "web", "--no-wait")
        wait.until(lambda: "would destroy data" in (self.daemon.status()["waits_for"] or ""), "it may be deleted")
