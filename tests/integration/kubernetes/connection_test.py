"""How the provider reaches a cluster and proves who it is, and what it says where that fails."""
import itertools
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from lib import kubernetes, wait
from lib.cluster_case import config_map, manifest
from lib.connection_case import EVERYTHING, ConnectionScene
from lib.fault_proxy import FaultProxy
from lib.kubernetes_api import ApiError

FAIRNESS = {"apiVersion": "flowcontrol.apiserver.k8s.io/v1"}


class Identities(ConnectionScene):
    """The destination's kubeconfig is the test's own."""

    def test_credentials(self):
        """a token, a token file, a client certificate and an exec plugin, in the kubeconfig or in files beside it"""
        self.cluster.grant("gitopsd", EVERYTHING, namespace=self.space)
        number = 0
        for auth in ("token", "token-file", "certificate", "exec"):
            for embed in (True, False):
                with self.subTest(auth=auth, embed=embed):
                    self.use(self.cluster.kubeconfig("gitopsd", auth, embed))
                    number += 1
                    self.sync(config_map("a", {"k": str(number)}))
                    self.assertEqual(self.live(config_map("a", {}))["data"], {"k": str(number)})

    def failed(self, *parts: str) -> None:
        """A push fails, and its error says all of this."""
        error = self.sync(config_map("a", {}), state="failed")["error"]
        for part in parts:
            self.assertIn(part, error)

    def test_unknown_context(self):
        """an unknown context: the daemon says which there are, and works when it is put right"""
        self.daemon.program.stop()
        settings = self.daemon.config["destinations"][0]["settings"] = {
            "kubeconfig": str(self.cluster.kubeconfig()), "context": "prod"}
        self.daemon.write_config()
        self.daemon.program.start()
        said = wait.until(lambda: self.daemon.get("/v1/destinations")["destinations"][0]["error"], "the destination says why")
        self.assertIn("prod", said)
        self.assertIn("tests", said)
        told = self.daemon.ctl("status")
        self.assertRegex(told, r"\ndestination here: its provider kubernetes is not connected.*: there is no context 'prod'")
        self.assertEqual(told.count("there is no context"), 1, told)
        event = self.daemon.accept(self.push(config_map("a", {"k": "1"})))
        why = wait.until(lambda: (e := self.daemon.event(event))["attempts"] and e["reason"], "it was tried")
        self.assertEqual(why.count("there is no context"), 1, why)
        settings["context"] = "tests"
        self.daemon.reload()
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        log = self.daemon.program.log.read_text()
        # Before the stop and after the reload; who checked the configuration says nothing.
        self.assertEqual((log.count("provider cannot be started"), log.count("provider started")), (1, 2))
        self.assertNotIn("refuses", log)

    def test_forbidden(self):
        """what is missing is said whole and once for each kind, and what waits for it is applied when it is given"""
        self.use(self.cluster.kubeconfig("nobody"))
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
        error = self.sync(config_map("a", {}), config_map("b", {}), secret, state="failed")["error"]
        for resource in ("configmaps", "secrets"):
            self.assertIn(f"give nobody all that is needed on `{resource}` in namespace {self.space}, by a RoleBinding there to a Role "
                          f'with the rule {{apiGroups: [""], resources: [{resource}], verbs: [get, list, watch, create, patch, delete]}}', error)
        self.assertIn(", the same with 1 more of this kind", error)
        self.assertEqual(len(error.splitlines()), 2, error)
        self.assertFalse(self.cluster.exists(self.placed(config_map("a", {}))))
        log = self.daemon.program.log.read_text()  # it is tried again by itself meanwhile
        told = [line for line in log.splitlines() if "the same with 1 more" in line]
        self.assertEqual(len(told), log.count("sync failed"), told)
        self.cluster.grant("nobody", {**EVERYTHING, "resources": ["configmaps", "secrets"]}, namespace=self.space)
        self.wait_live(config_map("a", {}), lambda found: True, "it is tried again by itself", 90)

    def test_forbidden_to_create(self):
        """rights to change but not to create are told, too, and nothing is applied"""
        self.cluster.grant("nobody", {**EVERYTHING, "verbs": ["get", "list", "watch", "patch"]}, namespace=self.space)
        self.use(self.cluster.kubeconfig("nobody"))
        self.failed(f"give nobody all that is needed on `configmaps` in namespace {self.space}")

    def test_impersonation(self):
        """an application acts as the user of its policy, with that user's rights alone"""
        for user in ("gitopsd-web", "gitopsd-shop"):
            self.cluster.grant("gitopsd", {"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"],
                                           "resourceNames": [user]})
        self.cluster.grant("gitopsd-web", EVERYTHING, namespace=self.space)
        self.daemon.application["policy"]["as"] = {"user": "gitopsd-web"}
        self.use(self.cluster.kubeconfig("gitopsd"))
        self.sync(config_map("a", {"k": "1"}))
        self.cluster.patch(self.placed(config_map("a", {})), {"data": {"k": "by hand"}})
        self.wait_live(config_map("a", {}), lambda found: found["data"] == {"k": "1"}, "it is healed as that user")
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
        error = self.sync(config_map("a", {"k": "1"}), secret, state="failed")["error"]
        self.assertIn(f"give gitopsd-web all that is needed on `secrets` in namespace {self.space}", error)
        self.daemon.application["policy"]["as"] = {"user": "admin"}
        self.use(self.cluster.kubeconfig("gitopsd"))
        self.failed("give gitopsd the verb `impersonate` on `users` in the whole cluster")


class Fairness(ConnectionScene):
    """The API server itself limits the provider's user, by its priority and fairness."""

    def test_limit(self):
        """where all but one of what we ask at a time is refused, all is asked again when it may be, and the sync succeeds at once"""
        self.cluster.grant("gitopsd", EVERYTHING, namespace=self.space)
        self.use(self.cluster.kubeconfig("gitopsd"))
        self.sync(config_map("before", {}))
        self.limit()
        documents = [config_map(f"a-{number}", {"k": "1"}) for number in range(4)]
        event = self.sync(*documents)
        self.assertEqual(event["attempts"], 0)
        for document in documents:
            self.assertEqual(self.live(document)["data"], {"k": "1"})
        # The same question comes no sooner than the second later that the server asks for.
        asked: dict[tuple, list[float]] = {}
        for one in self.refused():
            asked.setdefault((one["verb"], one["requestURI"]), []).append(
                datetime.fromisoformat(one["stageTimestamp"].replace("Z", "+00:00")).timestamp())
        self.assertTrue(asked)
        again = [later - earlier for times in asked.values() for earlier, later in itertools.pairwise(sorted(times))]
        self.assertGreater(min(again, default=1), 0.9, asked)

    def limit(self) -> None:
        """The least that there is: one request at a time, and no queue for others."""
        self.cluster.apply({**FAIRNESS, "kind": "PriorityLevelConfiguration", "metadata": {"name": self.space}, "spec": {
            "type": "Limited", "limited": {"nominalConcurrencyShares": 0, "borrowingLimitPercent": 0, "lendablePercent": 0,
                                           "limitResponse": {"type": "Reject"}}}})
        everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
        schema = {**FAIRNESS, "kind": "FlowSchema", "metadata": {"name": self.space}, "spec": {
            "priorityLevelConfiguration": {"name": self.space}, "matchingPrecedence": 2, "distinguisherMethod": {"type": "ByUser"},
            "rules": [{"subjects": [{"kind": "User", "user": {"name": "gitopsd"}}], "resourceRules": [everything]}]}}
        self.cluster.apply(schema)
        self.addCleanup(self.cluster.delete, schema)
        wait.until(self.limited, "the API server refuses what is too much")

    def limited(self) -> bool:
        def status(_: int) -> int:
            try:
                self.cluster.get(f"/api/v1/namespaces/{self.space}/configmaps", user="gitopsd")
            except ApiError as error:
                return error.status
            return 200

        with ThreadPoolExecutor(8) as pool:
            return 429 in pool.map(status, range(16))

    def refused(self) -> list[dict]:
        return [event for event in self.cluster.audited("gitopsd") if event.get("responseStatus", {}).get("code") == 429
                and event.get("userAgent", "").startswith("gitopsd/") and f"/{self.space}/" in event["requestURI"]]


class Trouble(ConnectionScene):
    """Between the provider and the real API server stands the tests' fault proxy."""

    def configure(self):
        self.proxy = FaultProxy(self.cluster)
        self.addCleanup(self.proxy.stop)
        super().configure()
        self.daemon.config["destinations"][0]["settings"] = {"kubeconfig": str(self.proxy.kubeconfig())}

    def converges(self, event: int, *documents: dict) -> None:
        self.assertEqual(self.daemon.wait_ended(event, 60)["state"], "succeeded")
        for document in documents:
            self.assertEqual(self.live(document)["data"], document["data"])

    def test_busy(self):
        """429 with Retry-After, and 503 with it, are waited out within the sync"""
        for status in (429, 503):
            fault = self.proxy.spoil(status, count=3, headers={"Retry-After": "1"})
            document = config_map(f"busy-{status}", {"k": "1"})
            self.sync(document)
            self.assertEqual(fault.hits, 3)
            self.assertEqual(self.live(document)["data"], {"k": "1"})

    def test_errors(self):
        """500, 503, 504, and connections cut before and in an answer, on whatever question: the sync finishes when it is over"""
        self.sync(config_map("before", {"k": "1"}))
        for number, fault in enumerate(({"status": 500}, {"status": 503}, {"status": 504}, {}, {"in_the_middle": True})):
            for methods in (("GET",), ("PATCH",)):
                with self.subTest(**fault, methods=methods):
                    document = config_map(f"a-{number}-{methods[0].lower()}", {"k": "1"})
                    spoilt = self.proxy.spoil(methods=methods, path="/configmaps/", **fault)
                    event = self.daemon.accept(self.push(document))
                    self.tried(event)
                    self.assertGreater(spoilt.hits, 0)
                    self.proxy.heal()
                    self.converges(event, document)

    def test_cut_while_applying(self):
        """cut between the write and its answer: the object is there, and the sync finishes as if it had heard"""
        document = config_map("a", {"k": "1"})
        fault = self.proxy.spoil(methods=("PATCH",), path="force=true$", count=2, in_the_middle=True)
        event = self.daemon.accept(self.push(document))
        self.converges(event, document)
        self.assertEqual(fault.hits, 1, "it is there, and not written again")

    def test_watch_cut(self):
        """a watch that is cut is taken up again, and what was changed meanwhile is healed"""
        document = config_map("a", {"k": "1"})
        self.sync(document)
        fault = self.proxy.spoil()
        self.proxy.cut_all()
        wait.until(lambda: fault.hits, "the provider tried to come back")
        self.cluster.patch(self.placed(document), {"data": {"k": "by hand"}})
        self.proxy.heal()
        self.wait_live(document, lambda found: found["data"] == {"k": "1"}, "it is healed", 30)


class Restarted(ConnectionScene):
    """A cluster of its own: it is stopped."""

    def setUp(self):
        folder = Path(tempfile.mkdtemp(prefix="gitopsd-cluster-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.own = kubernetes.Cluster(folder / "cluster")
        self.addCleanup(self.own.stop)
        self.own.start()
        super().setUp()

    def own_cluster(self):
        return self.own

    def test_down_at_start(self):
        """a server that is down when gitopsd starts: the sync waits and says for what, and goes on when it is back"""
        document = config_map("a", {"k": "1"})
        self.sync(document)
        self.daemon.program.stop()
        self.cluster.kill()
        self.daemon.start(reachable=False)
        changed = config_map("a", {"k": "2"})
        event = self.daemon.accept(self.push(changed))
        wait.until(lambda: self.daemon.event(event)["attempts"] >= 4, "it was tried several times", 70)
        why = self.tried(event)
        self.assertIn("cannot be reached", why)
        self.assertIn("context 'tests'", why)
        self.cluster.restart()
        self.assertEqual(self.daemon.wait_ended(event, 60)["state"], "succeeded")
        self.assertEqual(self.live(document)["data"], {"k": "2"})
        self.cluster.patch(self.placed(document), {"data": {"k": "by hand"}})
        self.wait_live(document, lambda found: found["data"] == {"k": "2"}, "drift is seen again", 70)

    def test_away(self):
        """a server that goes away: within seconds all of the destination is unknown and says why, and known again as soon as it is back"""
        other = {**self.daemon.application, "name": "shop", "path": "shop"}
        self.daemon.config["applications"].append(other)
        self.daemon.reload()
        document, beside = config_map("a", {"k": "1"}), config_map("b", {"k": "1"})
        self.sync(document, **{"shop/all.yaml": manifest(beside)})
        for name in ("web", "shop"):
            wait.until(lambda name=name: self.daemon.status(name)["status"] == "synced", f"{name} is in sync")
        self.cluster.kill()
        wait.until(lambda: self.daemon.get_health("/readyz") == 503, "it is told not to be ready")
        for name in ("web", "shop"):
            status = wait.until(lambda name=name: (s := self.daemon.status(name))["status"] == "unknown" and s, f"{name} is unknown")
            self.assertEqual(status["health"], "unknown")
            self.assertRegex(status["waits_for"], "destination here: context 'tests' .*cannot be reached: .*Connection refused")
        told = self.daemon.ctl("status")
        self.assertRegex(told, r"\ndestination here: unreachable for \d+s: context 'tests' .*Connection refused")
        self.assertIn("not ready", told)
        there = self.daemon.get("/v1/destinations")["destinations"][0]
        self.assertEqual((there["connected"], there["reachable"]), (True, False))
        self.assertTrue(there["since"])
        self.assertIn('gitopsd_destination_reachable{destination="here",provider="kubernetes"} 0', self.daemon.metrics())
        self.assertEqual(self.said("destination cannot be reached"), 1)
        self.cluster.restart()
        self.cluster.patch(self.placed(document), {"data": {"k": "by hand"}})
        for name in ("web", "shop"):
            wait.until(lambda name=name: self.daemon.status(name)["status"] == "synced", f"{name} is in sync again", 30)
            self.assertEqual((self.daemon.status(name)["health"], self.daemon.status(name)["waits_for"]), ("healthy", None))
        self.wait_live(document, lambda found: found["data"] == {"k": "1"}, "what was changed meanwhile is put back")
        self.assertEqual(self.daemon.get_health("/readyz"), 200)
        self.assertEqual(self.said("destination can be reached again"), 1)
        self.assertEqual(self.said("destination cannot be reached"), 1)
        self.assert_started_once()

    def said(self, words: str) -> int:
        return self.daemon.program.log.read_text().count(words)

    def test_told_once(self):
        """of a server that is away nothing is said once for each of many objects: not in status, event, plan or log"""
        self.sync(config_map("before", {"k": "1"}))
        self.cluster.kill()
        documents = [config_map(f"c{number}", {"k": "1"}) for number in range(1200)]
        event = self.daemon.accept(self.push(*documents))
        why = self.tried(event)
        self.assertRegex(why, r"^tried again in \d+ s: context 'tests' .*Connection refused")
        status = wait.until(lambda: (s := self.daemon.status())["error"] and s, "the application says why, too")
        for text in (why, status["error"]):
            self.assertEqual((len(text.splitlines()), text.count("cannot be reached")), (1, 1), text)
        self.assertEqual(self.daemon.ctl("status", "web").count("Connection refused"), 1)
        answered, refusal = self.daemon.api("POST", "/v1/applications/web/plan", {}, 60)
        self.assertEqual(answered, 503)
        self.assertEqual(len(refusal["error"]["summary"]), 1)
        self.assertEqual(self.daemon.ctl("plan", "web", expect=1).count("cannot be reached"), 1)
        lines = self.daemon.program.log.read_text().splitlines()
        self.assertLess(max(line.count("cannot be reached") for line in lines), 2)
        self.cluster.restart()
        self.assertEqual(self.daemon.wait_ended(event, 120)["state"], "succeeded")
