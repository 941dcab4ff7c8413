"""How the provider reaches a cluster and proves who it is, and what it says where that fails."""
import base64
import shutil
import tempfile
from pathlib import Path

from lib import certificate, kubernetes, wait
from lib.cluster_case import ClusterScene, config_map
from lib.fault_proxy import FaultProxy

EVERYTHING = {"apiGroups": [""], "resources": ["configmaps"],
              "verbs": ["get", "list", "watch", "create", "patch", "update", "delete"]}


class Connected(ClusterScene):
    def tried(self, event: int) -> str:
        """Why the event is to be tried again; the provider itself has no part in that and stays."""
        why = wait.until(lambda: (e := self.daemon.event(event))["attempts"] and e["reason"], "it was tried")
        self.assertIn("tried again", why)
        self.assertEqual(self.daemon.get("/v1/destinations")["destinations"][0]["starts"], 1)
        return why


class Identities(Connected):
    """The destination's kubeconfig is the test's own."""

    def use(self, file: Path, context: str = "") -> None:
        settings = self.daemon.config["destinations"][0]["settings"] = {"kubeconfig": str(file)}
        if context:
            settings["context"] = context
        self.daemon.program.stop()
        self.daemon.start()

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

    def test_token_file_that_rotates(self):
        """another token in the token file is used without a restart"""
        self.cluster.grant("gitopsd", EVERYTHING, namespace=self.space)
        file = self.cluster.kubeconfig("gitopsd", "token-file")
        self.cluster.write_private("token-gitopsd", "wrong")
        self.use(file)
        self.failed("does not accept the credentials")
        self.cluster.write_private("token-gitopsd", self.cluster.token("gitopsd"))
        self.sync(config_map("a", {"k": "1"}))

    def test_wrong_token(self):
        """a wrong token: whose credentials are not accepted, and what to renew"""
        self.use(self.cluster.write_kubeconfig("kubeconfig-wrong", "gitopsd", {"token": "wrong"}))
        self.failed("context 'tests'", "kubeconfig-wrong", "does not accept", "renew the token")

    def test_expired_certificate(self):
        """an expired client certificate: which one, and when it ended"""
        made = self.cluster.authority.issue_expired_client(f"expired-{self.space}", "/CN=gitopsd")
        self.use(self.cluster.write_kubeconfig("kubeconfig-expired", "gitopsd", {
            "client-certificate": str(made.certificate), "client-key": str(made.key)}))
        self.failed("expired", "2020-02-01", str(made.certificate))

    def test_foreign_authority(self):
        """an API server whose certificate is of another authority is not spoken to"""
        stranger = certificate.Authority(self.folder / "stranger").own.certificate
        self.use(self.cluster.write_kubeconfig("kubeconfig-stranger", "gitopsd", {"token": self.cluster.token("gitopsd")}))
        text = (self.cluster.directory / "kubeconfig-stranger").read_text()
        ours = base64.b64encode(self.cluster.authority.own.certificate.read_bytes()).decode()
        self.assertIn(ours, text)
        self.use(self.cluster.write_private("kubeconfig-stranger", text.replace(
            ours, base64.b64encode(stranger.read_bytes()).decode())))
        self.failed("certificate", "check the certificates in the kubeconfig")

    def test_plugin_that_fails(self):
        """an exec plugin that fails: its name and what it said"""
        plugin = self.cluster.write_private("plugin-fails", "#!/bin/sh\necho no session, log in first >&2\nexit 3\n", 0o700)
        self.use(self.cluster.write_kubeconfig("kubeconfig-plugin", "gitopsd", {"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}}))
        why = self.tried(self.daemon.accept(self.push(config_map("a", {}))))
        self.assertIn(str(plugin), why)
        self.assertIn("no session, log in first", why)

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
        settings["context"] = "tests"
        self.daemon.write_config()
        self.daemon.program.signal(1)
        self.sync(config_map("a", {"k": "1"}))

    def test_forbidden(self):
        """what is missing is said whole: verb, resource, namespace and whom to give it, for each object"""
        self.use(self.cluster.kubeconfig("nobody"))
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
        error = self.sync(config_map("a", {}), secret, state="failed")["error"]
        for verb in ("get", "patch"):
            for resource in ("configmaps", "secrets"):
                self.assertIn(f"give nobody the verb `{verb}` on `{resource}` in namespace {self.space}, by a Role", error)
        self.assertFalse(self.cluster.exists(self.placed(config_map("a", {}))))

    def test_forbidden_to_create(self):
        """rights to change but not to create are told, too, and nothing is applied"""
        self.cluster.grant("nobody", {**EVERYTHING, "verbs": ["get", "list", "watch", "patch"]}, namespace=self.space)
        self.use(self.cluster.kubeconfig("nobody"))
        self.failed(f"give nobody the verb `create` on `configmaps` in namespace {self.space}")

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
        self.assertIn(f"give gitopsd-web the verb `patch` on `secrets` in namespace {self.space}", error)
        self.daemon.application["policy"]["as"] = {"user": "admin"}
        self.use(self.cluster.kubeconfig("gitopsd"))
        self.failed("give gitopsd the verb `impersonate` on `users` in the whole cluster")


class Trouble(Connected):
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
        fault = self.proxy.spoil(methods=("PATCH",), path="fieldValidation=Strict&force=true", count=2, in_the_middle=True)
        event = self.daemon.accept(self.push(document))
        self.converges(event, document)
        self.assertEqual(fault.hits, 2)

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


class Restarted(Connected):
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
        self.daemon.start()
        changed = config_map("a", {"k": "2"})
        event = self.daemon.accept(self.push(changed))
        wait.until(lambda: self.daemon.event(event)["attempts"] >= 4, "it was tried several times", 30)
        why = self.tried(event)
        self.assertIn("cannot be reached", why)
        self.assertIn("context 'tests'", why)
        self.cluster.restart()
        self.assertEqual(self.daemon.wait_ended(event, 60)["state"], "succeeded")
        self.assertEqual(self.live(document)["data"], {"k": "2"})
        self.cluster.patch(self.placed(document), {"data": {"k": "by hand"}})
        self.wait_live(document, lambda found: found["data"] == {"k": "2"}, "drift is seen again", 30)
