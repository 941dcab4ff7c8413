"""The tests' own cluster is what the other tests take it for: a real API server that keeps what it accepted."""
import shutil
import stat
import tempfile
import unittest
from pathlib import Path

from lib import go, kubernetes
from lib.kubernetes_api import ApiError

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"}, "data": {"one": "1"}}


def namespace(name: str) -> dict:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


class Cluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="gitopsd-kubernetes-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.cluster = kubernetes.Cluster(cls.folder / "cluster", audit=True)
        # Before it starts, so that it stops even after a start that failed half way.
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start()

    def setUp(self):
        """A namespace for each test, named after it."""
        self.namespace = self.id().rsplit(".", 1)[1].replace("_", "-")
        self.cluster.apply(namespace(self.namespace))
        self.settings = {**CONFIG, "metadata": {"name": "settings", "namespace": self.namespace}}

    def test_version(self):
        """it and its kubectl and etcd are the versions that go.mod asks for"""
        self.assertEqual(self.cluster.get("/version")["gitVersion"], kubernetes.version())
        self.assertEqual("v" + self.cluster.etcd_version(), go.version("go.etcd.io/etcd/server/v3", kubernetes.ETCD_MODULE))
        told = self.cluster.kubectl("version")
        self.assertEqual(told.count(kubernetes.version()), 2, told)

    def test_apply(self):
        """a server-side apply creates, changes and owns fields, and says who owns those it may not take"""
        self.cluster.apply(self.settings, manager="first")
        with self.assertRaises(ApiError) as conflict:
            self.cluster.apply({**self.settings, "data": {"one": "2"}}, manager="second", force=False)
        self.assertEqual(conflict.exception.status, 409)
        self.assertIn('conflict with "first"', conflict.exception.answer["message"])
        changed = self.cluster.apply({**self.settings, "data": {"two": "2"}}, manager="first")
        self.assertEqual(changed["data"], {"two": "2"})
        self.assertEqual([(entry["manager"], entry["operation"]) for entry in changed["metadata"]["managedFields"]],
                         [("first", "Apply")])

    def test_watch(self):
        """a metadata-only watch tells a change by hand and a deletion, and no content"""
        made = self.cluster.apply(self.settings)
        path = f"/api/v1/namespaces/{self.namespace}/configmaps"
        with self.cluster.watch(path, made["metadata"]["resourceVersion"], metadata_only=True) as watch:
            patched = self.cluster.patch(self.settings, {"data": {"one": "by hand"}})
            event = watch.next()
            self.assertEqual((event["type"], event["object"]["kind"]), ("MODIFIED", "PartialObjectMetadata"))
            self.assertEqual(event["object"]["metadata"]["resourceVersion"], patched["metadata"]["resourceVersion"])
            self.assertNotIn("data", event["object"])
            self.cluster.delete(self.settings)
            self.assertEqual(watch.next()["type"], "DELETED")
        self.assertFalse(self.cluster.exists(self.settings))

    def test_watch_list(self):
        """a watch that asks for it starts with what is there, and says where that ends"""
        self.cluster.apply(self.settings)
        with self.cluster.watch(f"/api/v1/namespaces/{self.namespace}/configmaps", metadata_only=True, sendInitialEvents="true",
                                resourceVersionMatch="NotOlderThan", allowWatchBookmarks="true") as watch:
            self.assertEqual(watch.next()["object"]["metadata"]["name"], "settings")
            event = watch.next()
            self.assertEqual(event["type"], "BOOKMARK")
            self.assertEqual(event["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true")

    def test_kill_and_restart(self):
        """killed and started again on its port, it has what it had"""
        made = self.cluster.apply(self.settings)
        self.cluster.kill()
        with self.assertRaises(ConnectionRefusedError):
            self.cluster.get(self.settings)
        self.cluster.restart()
        self.assertEqual(self.cluster.get(self.settings)["metadata"]["uid"], made["metadata"]["uid"])
        # The first one to start made it; a server that cannot finish its own setup would serve, but not this.
        self.assertTrue(self.cluster.exists("/apis/rbac.authorization.k8s.io/v1/clusterroles/cluster-admin"))

    def test_kubeconfigs(self):
        """token, token file, certificate and exec all name the user, in files that only their owner reads"""
        for auth in ("token", "token-file", "certificate", "exec"):
            for embed in (True, False):
                with self.subTest(auth=auth, embed=embed):
                    file = self.cluster.kubeconfig("gitopsd-shop", auth, embed)
                    self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
                    told = self.cluster.kubectl("--kubeconfig", str(file), "auth", "whoami", "-o", "json")
                    self.assertIn('"username": "gitopsd-shop"', told)
                    self.assertIn('"shop-deployers"', told)
        self.assertEqual(self.cluster.exec_calls("gitopsd-shop"), 2)

    def test_rights(self):
        """a user may do what RBAC grants and nothing else, and so may one that impersonates"""
        as_web = {"Impersonate-User": "gitopsd-web"}
        self.assert_forbidden(self.settings, user="gitopsd-web")
        self.cluster.grant("gitopsd-web", {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "patch"]},
                           namespace=self.namespace)
        self.cluster.apply(self.settings, user="gitopsd-web")
        self.assert_forbidden({**self.settings, "metadata": {"name": "settings", "namespace": "default"}}, user="gitopsd-web")
        self.assert_forbidden(self.settings, user="gitopsd", headers=as_web)
        self.cluster.grant("gitopsd", {"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"],
                                       "resourceNames": ["gitopsd-web"]})
        self.cluster.apply(self.settings, user="gitopsd", headers=as_web)
        self.assert_forbidden({**self.settings, "kind": "Secret", "data": {}}, user="gitopsd", headers=as_web)
        self.assert_forbidden(self.settings, user="gitopsd", headers={"Impersonate-User": "admin"})
        patches = [event["responseStatus"]["code"] for event in self.cluster.audited("gitopsd", verb="patch")
                   if event.get("impersonatedUser", {}).get("username") == "gitopsd-web"]
        self.assertEqual(patches, [200, 403])

    def assert_forbidden(self, document: dict, **more) -> None:
        with self.assertRaises(ApiError) as refused:
            self.cluster.apply(document, **more)
        self.assertEqual(refused.exception.status, 403, refused.exception)

    def test_in_place_of_controllers(self):
        """what no controller does here, a test does: a Deployment becomes available, a deleted namespace goes"""
        labels = {"app": "web"}
        web = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": self.namespace},
               "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": {
                   "metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "example.com/web:1"}]}}}}
        self.cluster.apply(web)
        rollout = ("rollout", "status", "deployment/web", "-n", self.namespace, "--watch=false")
        self.assertIn("Waiting", self.cluster.kubectl(*rollout))
        self.cluster.make_available(web)
        self.assertIn("successfully rolled out", self.cluster.kubectl(*rollout))
        self.cluster.delete(namespace(self.namespace))
        self.assertEqual(self.cluster.get(namespace(self.namespace))["status"]["phase"], "Terminating")
        self.cluster.finish_namespace(self.namespace)
        self.assertFalse(self.cluster.exists(namespace(self.namespace)))

    def test_new_kind(self):
        """a CustomResourceDefinition is served as soon as it is defined, with a status apart from the rest"""
        self.cluster.define("shop.example.com", "Stall")
        stall = {"apiVersion": "shop.example.com/v1", "kind": "Stall",
                 "metadata": {"name": "fruit", "namespace": self.namespace}, "spec": {"apples": 3}}
        self.cluster.apply(stall)
        reported = {**stall, "spec": {"apples": 0}, "status": {"open": True}}
        self.cluster.apply(reported, manager="controller", subresource="status")
        found = self.cluster.get(stall)
        self.assertEqual((found["spec"], found["status"]), ({"apples": 3}, {"open": True}))


class DebianEtcd(unittest.TestCase):
    def test_old_etcd(self):
        """on Debian's etcd 3.4 the same server applies and watches"""
        folder = Path(tempfile.mkdtemp(prefix="gitopsd-kubernetes-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        with kubernetes.Cluster(folder / "cluster", etcd="debian") as cluster:
            self.assertRegex(cluster.etcd_version(), r"^3\.4\.")
            cluster.apply(namespace("shop"))
            made = cluster.apply(CONFIG)
            with cluster.watch("/api/v1/namespaces/shop/configmaps", made["metadata"]["resourceVersion"]) as watch:
                cluster.apply({**CONFIG, "data": {"one": "2"}})
                self.assertEqual(watch.next()["object"]["data"], {"one": "2"})
