"""A kubeconfig or an address that leads to another cluster than before: nothing is done there until somebody says so."""
import shutil
import signal
import tempfile
from pathlib import Path

from lib import kubernetes, wait
from lib.cluster_case import config_map, shared_cluster
from lib.connection_case import EVERYTHING, ConnectionScene
from lib.fault_proxy import FaultProxy


LOOKS = {"look_seconds": 2}


class TwoClusters(ConnectionScene):
    """`self.cluster` is the tests' own, `self.other` has the same namespace, and takes the same tokens."""

    @classmethod
    def setUpClass(cls):
        cls.directory = Path(tempfile.mkdtemp(prefix="gitopsd-cluster-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.other = kubernetes.Cluster(cls.directory / "cluster", identified=False)
        cls.other.write_private("tokens.csv", (shared_cluster().directory / "tokens.csv").read_text())
        cls.other.tokens = shared_cluster().tokens
        cls.addClassCleanup(cls.other.stop)
        cls.other.start()

    def setUp(self):
        super().setUp()
        self.other.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.space}})

    def configure(self):
        super().configure()
        self.kubeconfig = self.folder / "kubeconfig"
        self.lead_to(self.cluster)
        self.daemon.config["destinations"][0]["settings"] = {"kubeconfig": str(self.kubeconfig), **LOOKS}

    def use(self, *files: Path, **settings) -> None:
        super().use(*files, **LOOKS, **settings)

    def lead_to(self, cluster: kubernetes.Cluster) -> None:
        fresh = self.kubeconfig.with_suffix(".new")
        fresh.write_text(cluster.kubeconfig().read_text())
        fresh.rename(self.kubeconfig)

    @staticmethod
    def uid(cluster: kubernetes.Cluster) -> str:
        return cluster.get(kubernetes.KUBE_SYSTEM)["metadata"]["uid"]

    def wait_another(self) -> dict:
        """The application's status, once it says that it is another cluster and what to do: of itself, or of the sync that is tried again."""
        way_out = f"gitopsctl destination accept here --identity {self.uid(self.other)}"

        def said() -> dict | None:
            status = self.daemon.status()
            told = " ".join(filter(None, (status["waits_for"], status["released_by"], status["error"])))
            return status if all(word in told for word in ("another one than before", way_out, self.uid(self.cluster))) else None

        status = wait.until(said, "it is told that the cluster is another one, and what to do", 60)
        self.assertEqual((status["status"], status["health"]), ("unknown", "unknown"))
        return status

    def assert_untouched(self) -> None:
        """Nothing was made at the other cluster."""
        found = self.other.get(f"/api/v1/namespaces/{self.space}/configmaps")["items"]
        self.assertEqual([one["metadata"]["name"] for one in found], [])


class Swapped(TwoClusters):
    def test_replaced(self):
        """a kubeconfig that names another cluster for a while: nothing is made or deleted there, and then all goes on"""
        kept, gone = config_map("kept", {"k": "1"}), config_map("gone", {"k": "1"})
        self.sync(kept, gone)
        self.lead_to(self.other)
        self.wait_another()
        told = self.daemon.ctl("status")
        self.assertEqual(told.count("another one than before"), 1, told)
        self.assertEqual(self.daemon.get_health("/readyz"), 503)
        changed = config_map("kept", {"k": "2"})
        event = self.daemon.accept(self.push(changed))
        why = wait.until(lambda: (e := self.daemon.event(event))["attempts"] and e["reason"], "it was tried")
        self.assertIn("another one than before", why)
        self.assert_untouched()
        self.lead_to(self.cluster)
        self.assertEqual(self.daemon.wait_ended(event, 60)["state"], "succeeded")
        self.assertEqual(self.live(kept)["data"], {"k": "2"})
        self.wait_gone(gone)
        self.assert_untouched()

    def test_while_stopped(self):
        """the kubeconfig is replaced while gitopsd is stopped, and a restart changes nothing about it"""
        self.sync(config_map("a", {"k": "1"}))
        self.daemon.program.stop()
        self.lead_to(self.other)
        for _ in range(2):
            self.daemon.start(reachable=False)
            self.wait_another()
            self.daemon.program.stop()
        self.assert_untouched()

    def test_accepted(self):
        """somebody accepts the other cluster: all is made there, and kept there; it is in the audit, and only what was looked at is accepted"""
        document = config_map("a", {"k": "1"})
        self.sync(document)
        self.daemon.ctl("destination", "accept", "here", expect=1)  # it is the one that it was
        self.lead_to(self.other)
        self.wait_another()
        refused = self.daemon.ctl("destination", "accept", "here", "--identity", self.uid(self.cluster), expect=1)
        self.assertIn("by now", refused)
        self.assert_untouched()
        self.daemon.ctl("destination", "accept", "here", "--identity", self.uid(self.other))
        self.other.wait_for(self.placed(document), lambda found: found["data"] == {"k": "1"}, "it is made at the other cluster", 30)
        wait.until(lambda: self.daemon.status()["status"] == "synced", "it is in sync")
        entries = [entry["entry"] for entry in self.daemon.get("/v1/audit?limit=1000")["entries"]]
        accepted = [entry for entry in entries if entry.get("action") == "accept destination"]
        self.assertEqual([(one["destination"], one["before"], one["identity"]) for one in accepted],
                         [("here", self.uid(self.cluster), self.uid(self.other))])
        self.assertTrue(accepted[0]["who"])
        self.other.patch(self.placed(document), {"data": {"k": "by hand"}})
        self.other.wait_for(self.placed(document), lambda found: found["data"] == {"k": "1"}, "drift is put back there")


class Readdressed(TwoClusters):
    """The kubeconfig's address is that of the tests' proxy, which leads to one cluster or the other."""

    def configure(self):
        super().configure()
        self.proxy = FaultProxy(self.cluster)
        self.addCleanup(self.proxy.stop)
        self.kubeconfig = self.proxy.kubeconfig()
        self.daemon.config["destinations"][0]["settings"] = {"kubeconfig": str(self.kubeconfig), **LOOKS}

    def test_same_address(self):
        """another cluster behind the same address, with the same credentials"""
        document = config_map("a", {"k": "1"})
        self.sync(document)
        self.proxy.lead_to(self.other)
        event = self.daemon.accept(self.push(config_map("a", {"k": "2"})))
        self.wait_another()
        self.assert_untouched()
        self.proxy.lead_to(self.cluster)
        self.assertEqual(self.daemon.wait_ended(event, 60)["state"], "succeeded")
        self.assertEqual(self.live(document)["data"], {"k": "2"})
        self.assert_untouched()

    def test_replaced_in_a_sync(self):
        """a kubeconfig that is replaced in the middle of a sync: nothing more is written before it was looked which cluster it is"""
        self.sync(config_map("before", {}))
        waits = self.proxy.spoil(429, methods=("PATCH",), path="force=true$", headers={"Retry-After": "20"}, count=1)
        event = self.daemon.accept(self.push(config_map("a", {"k": "1"})))
        wait.until(lambda: waits.hits, "the sync writes")
        begun = len(self.proxy.requests)
        self.proxy.kubeconfig()
        self.assertEqual(self.daemon.wait_ended(event, 60)["state"], "succeeded")
        asked = self.proxy.requests[begun:]
        written = next(i for i, (method, path) in enumerate(asked) if method == "PATCH" and "dryRun" not in path)
        self.assertIn(("GET", kubernetes.KUBE_SYSTEM), asked[:written])

    def test_etcd_away(self):
        """an API server whose etcd does not answer counts as unreachable, and as reachable as soon as it does"""
        self.proxy.lead_to(self.other)
        self.use(self.kubeconfig)
        document = config_map("a", {"k": "1"})
        self.sync(document, config_map("b", {}))
        self.other.etcd.signal(signal.SIGSTOP)
        try:
            self.proxy.cut_all()
            wait.until(lambda: self.daemon.get_health("/readyz") == 503, "it counts as unreachable", 60)
            wait.until(lambda: "cannot be reached" in (self.daemon.get("/v1/destinations")["destinations"][0]["error"] or ""), "it is told")
            wait.until(lambda: self.daemon.status()["status"] == "unknown", "its application is unknown")
        finally:
            self.other.etcd.signal(signal.SIGCONT)
        wait.until(lambda: self.daemon.get_health("/readyz") == 200, "it counts as reachable again", 60)
        wait.until(lambda: self.daemon.status()["status"] == "synced", "all was compared again", 60)


class Unseen(TwoClusters):
    """The user may not see which cluster it is."""

    def cluster_of_user(self) -> None:
        self.other.grant("gitopsd", EVERYTHING, namespace=self.space)
        self.use(self.other.kubeconfig("gitopsd"))

    def told(self) -> list[dict]:
        return [one for one in self.daemon.get("/v1/destinations")["destinations"][0]["conditions"] if "kube-system" in one["message"]]

    def test_without_the_right(self):
        """without the right to see which cluster it is all goes on, and what to grant is said once; with it, it is known"""
        self.cluster_of_user()
        self.sync(config_map("a", {"k": "1"}))
        condition, = self.told()
        self.assertIn("gitopsd may not read the Namespace kube-system", condition["message"])
        self.assertIn("resourceNames: [kube-system], verbs: [get]", condition["hint"])
        self.assertEqual(self.daemon.get_health("/readyz"), 200)
        self.assertIsNone(self.daemon.get("/v1/destinations")["destinations"][0]["identity"])
        self.other.let_identify("User", "gitopsd")
        wait.until(lambda: self.other.may("gitopsd", "get", "", "namespaces", name="kube-system"), "the right is in force")
        self.use(self.other.kubeconfig("gitopsd"))
        wait.until(lambda: self.daemon.get("/v1/destinations")["destinations"][0]["identity"] == self.uid(self.other), "it is known")
        self.assertEqual(self.told(), [])
        # From now on it is missed: the cluster may be another one.
        self.other.delete({"apiVersion": f"{kubernetes.RBAC}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "tests-identify"}})
        wait.until(lambda: not self.other.may("gitopsd", "get", "", "namespaces", name="kube-system"), "the right is taken away")
        self.use(self.other.kubeconfig("gitopsd"))
        status = wait.until(lambda: (s := self.daemon.status())["waits_for"] and "cannot be told" in s["waits_for"] and s, "it waits", 30)
        self.assertEqual(status["status"], "unknown")
        self.daemon.ctl("destination", "accept", "here")
        self.sync(config_map("a", {"k": "2"}))

    def test_etcd_away(self):
        """an etcd that is away is noticed all the same"""
        self.cluster_of_user()
        self.sync(config_map("a", {"k": "1"}))
        self.other.etcd.signal(signal.SIGSTOP)
        try:
            wait.until(lambda: self.daemon.get_health("/readyz") == 503, "it counts as unreachable", 90)
            self.assertIn("etcd", self.daemon.get("/v1/destinations")["destinations"][0]["error"])
        finally:
            self.other.etcd.signal(signal.SIGCONT)
        wait.until(lambda: self.daemon.get_health("/readyz") == 200, "it counts as reachable again", 60)
