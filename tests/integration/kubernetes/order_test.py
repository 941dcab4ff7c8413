"""In which order a commit's objects are made, and what waits for what."""
from lib import wait
from lib.cluster_case import ClusterScene, config_map
from lib.objects import kind_of


def deployment(name: str, **metadata) -> dict:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, **metadata}, "spec": {
        "replicas": 1, "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}}}


class Order(ClusterScene):
    def configure(self):
        super().configure()
        self.other = f"{self.space}-new"
        self.group = f"{self.space}.example.com"
        policy = self.daemon.application["policy"]
        policy["namespaces"] = [self.space, self.other]
        policy["clusterKinds"] = ["Namespace", "CustomResourceDefinition.apiextensions.k8s.io", "ClusterRole.*"]

    def stall(self, **spec) -> dict:
        return {"apiVersion": f"{self.group}/v1", "kind": "Stall", "metadata": {"name": "fruit", "namespace": self.other},
                "spec": spec}

    def test_whole_stack(self):
        """a namespace, a new kind, one of that kind, what workloads need, and workloads: one commit, one sync"""
        web = deployment("web", namespace=self.other)
        documents = [self.stall(apples=3), web, config_map("settings", {"k": "1"}, namespace=self.other),
                     {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web", "namespace": self.other}},
                     {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": self.other},
                      "spec": {"ports": [{"port": 80}]}},
                     kind_of("stalls", "Stall", self.group),
                     {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.other}}]
        event = self.daemon.accept(self.push(*documents))
        self.wait_live(web, lambda _: True, "the Deployment is there")
        for document in documents:
            if document["kind"] not in ("Deployment", "Stall"):  # the two are of one wave
                self.assertTrue(self.cluster.exists(document), document["kind"])
        self.assertFalse(self.daemon.event(event)["ended"], "health is waited for")
        self.cluster.make_available(web)
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assertEqual(self.cluster.get(self.stall())["spec"], {"apples": 3})
        versions = [self.live(document)["metadata"]["resourceVersion"] for document in documents]
        self.sync(*documents, config_map("more", {"k": "1"}))
        self.assertEqual([self.live(document)["metadata"]["resourceVersion"] for document in documents], versions)

    def test_waves(self):
        """waves of gitopsd.io and of Argo CD: each begins when the one before it is healthy"""
        first = config_map("first", {"k": "1"}, annotations={"gitopsd.io/sync-wave": "-5"})
        second = deployment("second", annotations={"argocd.argoproj.io/sync-wave": "-1"})
        third = deployment("third")
        last = config_map("last", {"k": "1"}, annotations={"argocd.argoproj.io/sync-wave": "1"})
        event = self.daemon.accept(self.push(last, third, second, first))
        self.wait_live(second, lambda _: True, "the second wave is there")
        self.assertTrue(self.cluster.exists(self.placed(first)))
        wait.until(lambda: "second" in (self.daemon.status()["waits_for"] or ""), "its health is waited for")
        self.assertFalse(self.cluster.exists(self.placed(third)))
        self.cluster.make_available(self.placed(second))
        self.wait_live(third, lambda _: True, "the third wave is there")
        self.assertFalse(self.cluster.exists(self.placed(last)))
        self.cluster.make_available(self.placed(third))
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assertTrue(self.cluster.exists(self.placed(last)))

    def test_kind_never_established(self):
        """a CustomResourceDefinition that is never established fails the sync with the API server's reason, not a time-out"""
        self.cluster.define(self.group, "Stand")
        taken = kind_of("stalls", "Stand", self.group)  # the kind's name is taken
        stall = {**self.stall(apples=1), "kind": "Stand", "metadata": {"name": "x", "namespace": self.space}}
        error = self.sync(taken, stall, state="failed")["error"]
        self.assertIn(f"CustomResourceDefinition.apiextensions.k8s.io/stalls.{self.group}", error)
        self.assertIn("is already in use", error)
        self.assertFalse(self.cluster.exists(stall))

    def test_wrong_resource_of_a_new_kind(self):
        """what is wrong with a resource of a kind of the same commit is told at its line when the kind is there"""
        stall = {**self.stall(apples=0, pears=1), "metadata": {"name": "fruit", "namespace": self.space}}
        last = config_map("last", {"k": "1"}, annotations={"gitopsd.io/sync-wave": "1"})
        error = self.sync(kind_of("stalls", "Stall", self.group), stall, last, state="failed")["error"]
        self.assertRegex(error, r"web/all.yaml:4:\d\d+: .*spec.pears: unknown field")
        self.assertFalse(self.cluster.exists(self.placed(last)), "no later wave begins")
        self.sync(kind_of("stalls", "Stall", self.group), {**stall, "spec": {"apples": 2}}, last)
        self.assertTrue(self.cluster.exists(self.placed(last)))

    def test_wrong_beside_a_new_namespace(self):
        """what is wrong with an object of a namespace of the same commit is told before anything is made"""
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.other}}
        wrong = {**config_map("wrong", {"k": "1"}, namespace=self.other), "date": {}}
        error = self.sync(space, wrong, config_map("good", {"k": "1"}), state="failed")["error"]
        self.assertRegex(error, r"web/all.yaml:4:\d+: .*date: unknown field")
        self.assertFalse(self.cluster.exists(self.placed(config_map("good", {}))))
        self.assertFalse(self.cluster.exists(space))

    def test_wrong_inside_a_new_namespace(self):
        """what only shows when the namespace exists is told of all objects at once, before any of them is made"""
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.other}}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": self.other},
                   "spec": {"ports": [{"port": 99999}]}}
        web = deployment("web", namespace=self.other)
        web["spec"]["selector"]["matchLabels"] = {"app": "other"}
        good = config_map("good", {"k": "1"}, namespace=self.other)
        error = self.sync(space, good, service, web, state="failed")["error"]
        self.assertRegex(error, r"web/all.yaml:6:\d+: .*Service/.*spec.ports\[0\].port")
        self.assertRegex(error, r"web/all.yaml:8:\d+: .*Deployment.apps/.*selector")
        self.assertFalse(self.cluster.exists(good))
