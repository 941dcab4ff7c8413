"""Whose an object is, and what leaves the cluster when it leaves the repository."""
import json
import socket

from lib import wait
from lib.cluster_case import ClusterScene, PROVIDER, config_map

FILLER = [config_map(f"stays-{number}", {"k": "1"}) for number in range(6)]  # so that what goes is within the budget


class Whose(ClusterScene):
    def inventory(self) -> set[str]:
        return {entry["name"] for entry in self.daemon.get("/v1/applications/web/inventory")["entries"]}

    def test_of_another_application(self):
        """an object that another application owns is an error that names it, and stays as it is"""
        self.daemon.config["applications"].append({
            **self.daemon.application, "name": "shop", "path": "shop"})
        self.daemon.write_config()
        self.daemon.program.signal(1)
        self.daemon.program.wait_until(lambda: len(self.daemon.get("/v1/status")["applications"]) == 2, "it is reloaded")
        document = config_map("a", {"k": "1"})
        other = self.text(config_map("b", {"k": "1"}))
        self.daemon.push_and_wait(self.push(document, **{"shop/all.yaml": other}))
        error = self.daemon.push_and_wait(self.push(document, **{"shop/all.yaml": self.text(config_map("a", {"k": "2"}))}),
                                          "failed")["error"]
        self.assertRegex(error, rf"shop/all.yaml:2:\d+: ConfigMap/{self.space}/a belongs to application")
        self.assertEqual(self.live(document)["data"], {"k": "1"})
        # When the one lets go of it the other may have it.
        self.daemon.push_and_wait(self.push(*FILLER, document, **{"shop/all.yaml": other}))
        self.daemon.push_and_wait(self.push(*FILLER, **{"shop/all.yaml": other}))
        self.daemon.push_and_wait(self.push(*FILLER, **{"shop/all.yaml": self.text(config_map("a", {"k": "2"}))}))
        self.assertEqual(self.live(document)["data"], {"k": "2"})

    @staticmethod
    def text(document: dict) -> str:
        return f"---\n{json.dumps(document)}\n"

    def test_copy(self):
        """a copy of an owned object, marks and all, is not ours and survives it"""
        document = config_map("a", {"k": "1"})
        self.sync(document, *FILLER)
        live = self.live(document)["metadata"]
        copy = config_map("copy", {"k": "1"}, labels=live["labels"], annotations=live["annotations"])
        self.cluster.apply(self.placed(copy), manager="copier")
        self.sync(*FILLER)
        self.wait_gone(document)
        self.assertEqual(self.live(copy)["data"], {"k": "1"})

    def test_adoption(self):
        """an object that was there before is taken over when the repository declares it, and the plan says so"""
        document = config_map("a", {"k": "1"})
        self.cluster.apply(self.placed(document), manager="somebody")
        uid = self.live(document)["metadata"]["uid"]
        self.sync(*FILLER)
        commit = self.push(*FILLER, config_map("a", {"k": "2"}))
        plan = self.daemon.ctl("plan", "web", "--revision", commit)
        self.assertIn("exists, not ours", plan)
        self.assertIn("it becomes ours, and is deleted when it is no longer declared", plan)
        self.assertEqual(self.live(document)["data"], {"k": "1"})
        self.daemon.push_and_wait(commit)
        self.assertEqual((self.live(document)["data"], self.live(document)["metadata"]["uid"]), ({"k": "2"}, uid))
        self.sync(*FILLER)
        self.wait_gone(document)

    def test_adoption_of_equals(self):
        """one that is as declared is adopted without a change of its content"""
        document = config_map("a", {"k": "1"})
        self.cluster.apply(self.placed(document), manager="somebody")
        commit = self.push(document)
        self.assertIn("adopt", self.daemon.ctl("plan", "web", "--revision", commit))
        self.daemon.push_and_wait(commit)
        self.assertIn("a", self.inventory())
        self.cluster.patch(self.placed(document), {"data": {"k": "by hand"}})
        self.wait_live(document, lambda found: found["data"] == {"k": "1"}, "it is healed as ours")

    def test_adoption_for_as_long_as_declared(self):
        """what is never pruned stays as it is when it leaves the repository, and the plan of its adoption says so"""
        document = config_map("a", {"k": "1"}, annotations={"gitopsd.io/prune": "never"})
        self.cluster.apply(self.placed(config_map("a", {"k": "1", "own": "1"})), manager="somebody")
        commit = self.push(document, *FILLER)
        self.assertIn("it becomes ours, and stays when it is no longer declared", self.daemon.ctl("plan", "web", "--revision", commit))
        self.daemon.push_and_wait(commit)
        self.sync(*FILLER)
        self.assertEqual(self.live(document)["data"], {"k": "1", "own": "1"})
        self.assertNotIn("a", self.inventory())

    def test_adoption_of_what_is_only_created(self):
        """one that is there before it is to be created is adopted, and nothing in it is changed"""
        there = self.placed(config_map("a", {"k": "theirs"}))
        self.cluster.apply(there, manager="somebody")
        only = {"gitopsd.io/apply": "create-only"}
        commit = self.push(config_map("a", {"k": "ours", "more": "1"}, annotations=only), *FILLER)
        self.assertIn("left as it is; it becomes ours", self.daemon.ctl("plan", "web", "--revision", commit))
        self.daemon.push_and_wait(commit)
        self.assertEqual(self.live(there)["data"], {"k": "theirs"})
        self.assertIn("a", self.inventory())
        self.sync(config_map("a", {"k": "ours", "more": "2"}, annotations=only), *FILLER)
        self.assertEqual(self.live(there)["data"], {"k": "theirs"})
        self.sync(config_map("a", {"k": "ours"}), *FILLER)
        self.assertEqual(self.live(there)["data"], {"k": "ours"})
        self.sync(*FILLER)
        self.wait_gone(there)

    def test_reverse_order(self):
        """what was made last goes first"""
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web"}}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "web"}, "spec": {}}
        self.sync(account, lease, *FILLER)
        watches = [self.cluster.watch(path, self.live(document)["metadata"]["resourceVersion"]) for path, document in (
            (f"/api/v1/namespaces/{self.space}/serviceaccounts", account),
            (f"/apis/coordination.k8s.io/v1/namespaces/{self.space}/leases", lease))]
        self.sync(*FILLER)
        gone = []
        for watch in watches:
            with watch:
                event = watch.next()
                self.assertEqual(event["type"], "DELETED")
                gone.append(int(event["object"]["metadata"]["resourceVersion"]))
        self.assertGreater(gone[0], gone[1], "the workload goes before what it needs")

    def kept(self, *documents: dict) -> None:
        """Given to the repository, and then each a finalizer by somebody else."""
        self.sync(*documents, *FILLER)
        for document in documents:
            self.cluster.patch(self.placed(document), {"metadata": {"finalizers": ["example.com/busy"]}})

    def let_go(self, document: dict) -> None:
        self.cluster.patch(self.placed(document), {"metadata": {"finalizers": None}})

    def test_finalizer(self):
        """what a finalizer keeps stays in the inventory until it is really gone, and holds up nothing else"""
        document = config_map("a", {"k": "1"})
        self.kept(document)
        event = self.sync(*FILLER)
        self.assertIn("deletionTimestamp", self.live(document)["metadata"])
        self.assertIn("a", self.inventory())
        self.assertEqual(event["error"], None)
        self.assertRegex(self.daemon.status()["waits_for"],
                         f"ConfigMap/{self.space}/a is being deleted, and kept by its finalizers: example.com/busy")
        self.sync(*FILLER, config_map("next", {"k": "1"}))
        self.cluster.patch(self.placed(FILLER[0]), {"data": {"k": "by hand"}})
        self.wait_live(FILLER[0], lambda found: found["data"] == {"k": "1"}, "drift is put back beside it")
        wait.until(lambda: "example.com/busy" in (self.daemon.status()["waits_for"] or ""), "it still says what it waits for")
        self.let_go(document)
        wait.until(lambda: "a" not in self.inventory(), "it leaves the inventory by itself")
        self.assertEqual(self.daemon.status()["status"], "synced")

    def test_finalizer_of_what_goes_first(self):
        """what others need to let go of an object is not deleted before it has gone"""
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "controller"}}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "held"}, "spec": {}}
        self.sync(account, lease, *FILLER)
        self.cluster.patch(self.placed(lease), {"metadata": {"finalizers": ["example.com/busy"]}})
        event = self.daemon.accept(self.push(*FILLER))
        wait.until(lambda: "example.com/busy" in (self.daemon.status()["waits_for"] or ""), "it says what it waits for")
        self.assertTrue(self.cluster.exists(self.placed(account)))
        self.let_go(lease)
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.wait_gone(account)

    def test_finalizer_of_an_application(self):
        """an application is deleted only when what finalizers keep is gone, too, and says what it waits for"""
        document = config_map("a", {"k": "1"})
        self.kept(document)
        self.daemon.config["applications"] = [
            {**self.daemon.application, "name": "other", "path": "other", "uid": "another-one"}]
        self.daemon.write_config()
        self.daemon.program.signal(1)
        wait.until(lambda: self.daemon.status()["orphaned"], "the application is orphaned")
        self.daemon.ctl("delete", "web", "--cascade", "--no-wait")
        self.wait_gone(FILLER[0])
        wait.until(lambda: "example.com/busy" in (self.daemon.status()["waits_for"] or ""), "it says what it waits for")
        self.let_go(document)
        wait.until(lambda: all(a["name"] != "web" for a in self.daemon.get("/v1/status")["applications"]), "it is deleted")

    def test_refused_delete(self):
        """a delete that the cluster refuses leaves the object in the inventory, and is tried again"""
        document = config_map("a", {"k": "1"})
        self.sync(document, *FILLER)
        policy = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
                  "metadata": {"name": f"keep-{self.space}"},
                  "spec": {"matchConstraints": {"resourceRules": [{
                      "apiGroups": [""], "apiVersions": ["v1"], "operations": ["DELETE"], "resources": ["configmaps"]}]},
                      "validations": [{"expression": f"oldObject.metadata.namespace != '{self.space}'",
                                       "message": "keep it, says the tests' policy"}]}}
        binding = {"apiVersion": policy["apiVersion"], "kind": "ValidatingAdmissionPolicyBinding",
                   "metadata": policy["metadata"], "spec": {"policyName": f"keep-{self.space}", "validationActions": ["Deny"]}}
        for each in (policy, binding):
            self.cluster.apply(each)
            self.addCleanup(self.cluster.delete, each)
        probe = self.placed(config_map("probe", {}))

        def refuses() -> bool:
            self.cluster.apply(probe)
            try:
                return not self.cluster.delete(probe)
            except AssertionError as refused:
                return "keep it" in str(refused)

        wait.until(refuses, "the policy is in force")
        error = self.sync(*FILLER, state="failed")["error"]
        self.assertIn("keep it, says the tests' policy", error)
        self.assertIn("a", self.inventory())
        self.cluster.apply({**policy, "spec": {**policy["spec"], "validations": [{"expression": "true"}]}})
        wait.until(lambda: not refuses(), "the policy lets go")
        self.sync(*FILLER, config_map("other", {"k": "1"}))
        self.wait_gone(document)
        self.assertNotIn("a", self.inventory())

    def test_never_pruned(self):
        """annotations of ours, Argo CD's, Flux's and Helm's keep what leaves the repository"""
        keep = {"ours": {"gitopsd.io/prune": "never"}, "argo": {"argocd.argoproj.io/sync-options": "Prune=false"},
                "flux": {"kustomize.toolkit.fluxcd.io/prune": "disabled"}, "helm": {"helm.sh/resource-policy": "keep"}}
        kept = [config_map(name, {"k": "1"}, annotations=annotations) for name, annotations in keep.items()]
        goes = config_map("goes", {"k": "1"})
        many = FILLER + [config_map(f"more-{number}", {"k": "1"}) for number in range(20)]
        self.sync(*kept, goes, *many)
        self.sync(*many)
        self.wait_gone(goes)
        for document in kept:
            self.assertEqual(self.live(document)["data"], {"k": "1"})
        self.assertEqual(self.inventory(), {document["metadata"]["name"] for document in many})


class HoldsData(ClusterScene):
    def configure(self):
        super().configure()
        self.other = f"{self.space}-data"
        self.daemon.application["policy"].update(
            namespaces=[self.space, self.other], clusterKinds=["Namespace", "CustomResourceDefinition.*"])

    def held(self) -> dict:
        return wait.until(lambda: (s := self.daemon.status())["phase"] == "held" and s, "the sync is held")

    def test_namespace_and_kind(self):
        """a namespace or a kind that leaves the repository waits for somebody: others' objects may be in it"""
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.other}}
        group = f"{self.space}.example.com"
        kind = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {"name": f"stalls.{group}"}, "spec": {
                    "group": group, "scope": "Namespaced", "names": {"kind": "Stall", "plural": "stalls"},
                    "versions": [{"name": "v1", "served": True, "storage": True,
                                  "schema": {"openAPIV3Schema": {"type": "object"}}}]}}
        self.sync(space, kind, *FILLER)
        for document, other in ((space, kind), (kind, space)):
            with self.subTest(document["kind"]):
                event = self.daemon.accept(self.push(other, *FILLER))
                self.assertRegex(self.held()["waits_for"], f"delete {document['kind']}.*would destroy data")
                self.assertTrue(self.cluster.exists(document))
                self.daemon.ctl("reject", "web")
                self.daemon.wait_ended(event)
                self.sync(space, kind, *FILLER)

    def test_confirm(self):
        """what only goes with somebody's word waits for it: prune: confirm of ours and of Argo CD's"""
        ours = config_map("ours", {"k": "1"}, annotations={"gitopsd.io/prune": "confirm"})
        argo = config_map("argo", {"k": "1"}, annotations={"argocd.argoproj.io/sync-options": "Prune=confirm"})
        self.sync(ours, argo, *FILLER)
        for document, rest in ((ours, [argo]), (argo, [])):
            event = self.daemon.accept(self.push(*rest, *FILLER))
            self.assertIn("has to be confirmed", self.held()["waits_for"])
            self.assertTrue(self.cluster.exists(self.placed(document)))
            self.daemon.ctl("approve", "web")
            self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
            self.wait_gone(document)


class TwoClusters(ClusterScene):
    """One push is for two clusters, and the other one accepts connections and never says a word."""

    def configure(self):
        super().configure()
        self.silent = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.addCleanup(self.silent.close)
        dead = self.cluster.write_kubeconfig(
            f"kubeconfig-dead-{self.space}", "admin", {"token": "x"}, server=f"https://127.0.0.1:{self.silent.getsockname()[1]}")
        self.daemon.config["destinations"].append({
            "name": "silent", "provider": "kubernetes", "command": str(PROVIDER), "settings": {"kubeconfig": str(dead)}})
        for number in range(8):
            self.daemon.config["applications"].append({
                **self.daemon.application, "name": f"dead-{number}", "destination": "silent"})

    def test_one_is_dead(self):
        """a cluster that does not answer delays no application of the other one"""
        document = config_map("a", {"k": "1"})
        self.daemon.accept(self.push(document))
        self.wait_live(document, lambda found: found["data"] == {"k": "1"}, "the living cluster converges", 20)
        wait.until(lambda: self.daemon.status()["status"] == "synced", "and its application is through", 20)
        self.daemon.accept(self.push(config_map("a", {"k": "2"})))
        self.wait_live(document, lambda found: found["data"] == {"k": "2"}, "again", 20)
        self.cluster.patch(self.placed(document), {"data": {"k": "by hand"}})
        self.wait_live(document, lambda found: found["data"] == {"k": "2"}, "and heals", 20)
