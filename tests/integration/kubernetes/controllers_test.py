"""Deletions beside Kubernetes' own controllers, which collect garbage and empty namespaces."""

from lib import kubernetes, wait
from lib.cluster_case import ClusterScene, config_map, started_cluster
from lib.objects import service

FILLER = [config_map(f"stays-{number}", {"k": "1"}) for number in range(20)]  # so that what goes is within the budget
_shared: list[kubernetes.Cluster] = []


def cluster_with_controllers() -> kubernetes.Cluster:
    if not _shared:
        cluster = started_cluster()
        cluster.start_controllers()
        _shared.append(cluster)
    return _shared[0]


class Controllers(ClusterScene):
    def own_cluster(self) -> kubernetes.Cluster:
        return cluster_with_controllers()

    def configure(self) -> None:
        super().configure()
        self.other = f"{self.space}-more"
        self.daemon.application["policy"].update(
            namespaces=[self.space, self.other], clusterKinds=["Namespace"], propagation="foreground",
            deleteForeign=self.delete_foreign())

    def delete_foreign(self) -> list[str]:
        return []

    @staticmethod
    def deployment(**metadata) -> dict:
        """Of no Pods, since nothing would run them: it is healthy at once."""
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", **metadata}, "spec": {
            "replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": {
                "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}}}

    def replica_set(self, space: str) -> dict:
        path = f"/apis/apps/v1/namespaces/{space}/replicasets"
        return wait.until(lambda: self.cluster.get(path)["items"], "the Deployment has a ReplicaSet")[0]

    def exists(self, space: str, *paths: str) -> bool:
        return all(self.cluster.exists(f"/api/v1/namespaces/{space}/{path}") for path in paths)

    def inventory(self) -> set[str]:
        return {entry["name"] for entry in self.daemon.get("/v1/applications/web/inventory")["entries"]}

    def waits_for(self, *words: str) -> None:
        wait.until(lambda: all(word in (self.daemon.status()["waits_for"] or "") for word in words), f"it waits for {words}")

    def assert_nothing_is_held_up(self) -> None:
        self.sync(*FILLER, config_map("next", {"k": "1"}))
        self.cluster.patch(self.placed(FILLER[0]), {"data": {"k": "by hand"}})
        self.wait_live(FILLER[0], lambda found: found["data"] == {"k": "1"}, "drift is put back")

    def wait_forgotten(self, name: str, seconds: float = 20) -> None:
        wait.until(lambda: name not in self.inventory(), "it leaves the inventory by itself", seconds)
        wait.until(lambda: self.daemon.status()["status"] == "synced" and not self.daemon.status()["waits_for"], "all is well")


class Collected(Controllers):
    def test_foreground(self):
        """an owner goes with what it owns, and the sync with them"""
        self.sync(self.deployment(), *FILLER)
        owned = self.replica_set(self.space)
        self.sync(*FILLER)
        self.wait_gone(self.deployment())
        self.assertFalse(self.cluster.exists({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": owned["metadata"]}))
        self.wait_forgotten("web")

    def test_foreground_that_takes_long(self):
        """an owner that what it owns keeps holds nothing up, is told, and leaves by itself in the end"""
        self.sync(self.deployment(), *FILLER)
        owned = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {
            key: self.replica_set(self.space)["metadata"][key] for key in ("name", "namespace")}}
        self.cluster.patch(owned, {"metadata": {"finalizers": ["example.com/busy"]}})
        self.sync(*FILLER)
        self.assertEqual(self.live(self.deployment())["metadata"]["finalizers"], ["foregroundDeletion"])
        self.waits_for(f"Deployment.apps/{self.space}/web is being deleted", "foregroundDeletion (what it owns goes first)")
        self.assert_nothing_is_held_up()
        self.assertIn("web", self.inventory())
        self.cluster.patch(owned, {"metadata": {"finalizers": None}})
        self.wait_gone(self.deployment())
        self.wait_forgotten("web")

    def test_namespace(self):
        """what controllers make in a namespace is in nobody's way: one approval, and it is gone with all that was in it"""
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.other}}
        inside = [{**document, "metadata": {**document["metadata"], "namespace": self.other}} for document in (
            self.deployment(), service("web", {"port": 80}), config_map("a", {"k": "1"}))]
        self.sync(space, *inside, *FILLER)
        self.replica_set(self.other)
        wait.until(lambda: self.exists(self.other, "serviceaccounts/default", "configmaps/kube-root-ca.crt", "endpoints/web"),
                   "the controllers have filled it")
        commit = self.push(*FILLER)
        self.assertNotIn("it holds", self.daemon.ctl("plan", "web", "--revision", commit))
        event = self.daemon.accept(commit)
        wait.until(lambda: "would destroy data" in (self.daemon.status()["waits_for"] or ""), "the sync is held")
        self.daemon.ctl("approve", "web", "--no-wait")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        wait.until(lambda: not self.cluster.exists(space), "it is gone", 60)
        self.wait_forgotten(self.other)


class Emptied(Controllers):
    def delete_foreign(self) -> list[str]:
        return ["Namespace"]

    def test_namespace_that_is_not_emptied(self):
        """a namespace that something in it keeps holds nothing up, and what keeps it is told"""
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.other}}
        self.sync(space, *FILLER)
        foreign = config_map("foreign", {"k": "1"}, namespace=self.other, finalizers=["example.com/busy"])
        self.cluster.apply(foreign, manager="somebody")
        event = self.daemon.accept(self.push(*FILLER))
        wait.until(lambda: "would destroy data" in (self.daemon.status()["waits_for"] or ""), "the sync is held")
        self.daemon.ctl("approve", "web", "--no-wait")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.waits_for(f"Namespace/{self.other} is being deleted")
        self.cluster.wait_for(space, lambda found: found["status"].get("conditions"), "its controller says what is left")
        self.assert_nothing_is_held_up()
        self.waits_for(f"Namespace/{self.other} is being deleted", "has finalizers remaining: example.com/busy")
        self.cluster.patch(foreign, {"metadata": {"finalizers": None}})
        wait.until(lambda: not self.cluster.exists(space), "it is gone", 60)
        self.wait_forgotten(self.other)
