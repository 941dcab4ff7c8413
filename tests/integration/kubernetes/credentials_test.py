"""Credentials and certificates that are not taken: what is said of them, and that what waits is done once they are mended."""
import json
import shutil

from lib import certificate, kubernetes, wait
from lib.cluster_case import PROVIDER, config_map
from lib.connection_case import EVERYTHING, ConnectionScene
from lib.fault_proxy import FaultProxy
from lib.kubernetes_api import ApiError
from lib.namespace import Namespace

DOCUMENT = config_map("a", {"k": "1"})


class Mended(ConnectionScene):
    def setUp(self):
        super().setUp()
        self.cluster.grant("gitopsd", EVERYTHING, namespace=self.space)

    def waits(self, *parts: str) -> int:
        """A push waits, and its event and the application's status say all of this; returns the event."""
        event = self.daemon.accept(self.push(DOCUMENT))
        why = self.tried(event)
        status = self.daemon.ctl("status", "web")
        for part in parts:
            self.assertIn(part, why)
            self.assertIn(part, " ".join(status.split()))
        return event

    def finishes(self, event: int) -> None:
        """The same push, by the same provider."""
        self.assertEqual(self.daemon.wait_ended(event, 60)["state"], "succeeded")
        self.assertEqual(self.live(DOCUMENT)["data"], {"k": "1"})
        self.assert_started_once()

    def test_token_file(self):
        """a token file with a wrong token: which file; the next token in it is used for what waited"""
        file = self.cluster.kubeconfig("gitopsd", "token-file")
        self.cluster.write_private("token-gitopsd", "wrong")
        self.use(file)
        event = self.waits("does not accept the credentials of context 'tests'", "user 'gitopsd'",
                           f"the token in {self.cluster.directory}/token-gitopsd")
        self.cluster.write_private("token-gitopsd", self.cluster.token("gitopsd"))
        self.finishes(event)

    def test_kubeconfig(self):
        """a wrong token in the kubeconfig: which kubeconfig, and what to renew; the kubeconfig that replaces it is used"""
        name = f"kubeconfig-{self.space}"
        self.use(self.cluster.write_kubeconfig(name, "gitopsd", {"token": "wrong"}))
        event = self.waits("context 'tests'", name, "user 'gitopsd'", "renew the token")
        self.cluster.write_private(name, "clusters: [")  # half written
        self.cluster.write_kubeconfig(name, "gitopsd", {"token": self.cluster.token("gitopsd")})
        self.finishes(event)

    def test_revoked(self):
        """credentials that are revoked while drift is watched: what is to be healed waits for others"""
        name = f"kubeconfig-{self.space}"
        self.use(self.cluster.write_kubeconfig(name, "gitopsd", self.cluster.credentials("gitopsd", "token", True)))
        self.sync(DOCUMENT)
        self.cluster.write_kubeconfig(name, "gitopsd", {"token": "revoked"})
        changed = config_map("a", {"k": "2"})
        event = self.daemon.accept(self.push(changed))
        self.assertIn("does not accept", self.tried(event))
        self.cluster.write_kubeconfig(name, "gitopsd", {"token": self.cluster.token("gitopsd")})
        self.assertEqual(self.daemon.wait_ended(event, 60)["state"], "succeeded")
        self.cluster.patch(self.placed(DOCUMENT), {"data": {"k": "by hand"}})
        self.wait_live(DOCUMENT, lambda found: found["data"] == {"k": "2"}, "drift is healed with them")
        self.assert_started_once()

    def test_expired_certificate(self):
        """an expired client certificate, in a file or in the kubeconfig: whose, and when it ended; a renewed one is used"""
        for embed in (False, True):
            with self.subTest(embed=embed):
                name = f"expired-{self.space}-{embed}"
                made = self.cluster.authority.issue_expired(name, "/CN=gitopsd")
                credentials = lambda: {**kubernetes.pem("client-certificate", made.certificate, embed),
                                       **kubernetes.pem("client-key", made.key, embed)}
                self.use(self.cluster.write_kubeconfig(f"kubeconfig-{name}", "gitopsd", credentials()))
                event = self.waits("the certificate of 'CN=gitopsd' expired at 2020-02-01T00:00:00Z", "user 'gitopsd'",
                                   *([] if embed else [str(made.certificate)]))
                fresh = self.cluster.authority.issue_client(f"{name}-new", "/CN=gitopsd")
                shutil.move(fresh.key, made.key)  # one after the other, as people do it
                shutil.move(fresh.certificate, made.certificate)
                if embed:
                    self.cluster.write_kubeconfig(f"kubeconfig-{name}", "gitopsd", credentials())
                self.finishes(event)

    def test_foreign_authority(self):
        """a server whose certificate is of another authority is not spoken to: whose it is; works with the right authority"""
        stranger = certificate.Authority(self.folder / "stranger").own.certificate
        name = f"kubeconfig-{self.space}"
        credentials = {"token": self.cluster.token("gitopsd")}
        file = self.cluster.write_kubeconfig(name, "gitopsd", credentials)
        text = file.read_text()
        ours = kubernetes.pem("a", self.cluster.authority.own.certificate, True)["a-data"]
        self.cluster.write_private(name, text.replace(ours, kubernetes.pem("a", stranger, True)["a-data"]))
        self.use(file)
        event = self.waits("context 'tests'", "cannot be reached", "the certificate of 'CN=localhost'",
                           "'CN=Authority of these tests' signed, is not trusted", f"certificate-authority in {file}")
        self.cluster.write_private(name, text)
        self.finishes(event)

    def test_expired_server(self):
        """a server whose certificate expired: whose, and when; goes on when it is renewed"""
        made = self.cluster.authority.issue_expired(f"server-{self.space}", "/CN=the server", "serverAuth",
                                                    "subjectAltName = IP:127.0.0.1\n")
        proxy = FaultProxy(self.cluster, made)
        self.addCleanup(proxy.stop)
        self.use(proxy.kubeconfig())
        event = self.waits("cannot be reached", "the certificate of 'CN=the server' expired at 2020-02-01T00:00:00Z")
        proxy.serve(self.cluster.authority.issue_server(f"renewed-{self.space}"))
        self.finishes(event)

    def test_plugin(self):
        """an exec plugin that fails: its name and what it said; asked again until it gives a token"""
        plugin = self.cluster.write_private("plugin-fails", "#!/bin/sh\necho no session, log in first >&2\nexit 3\n", 0o700)
        self.use(self.cluster.write_kubeconfig("kubeconfig-plugin", "gitopsd", {"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}}))
        event = self.waits(str(plugin), "no session, log in first")
        self.cluster.write_private("plugin-fails", self.cluster.exec_plugin("gitopsd").read_text(), 0o700)
        self.finishes(event)


class Several(ConnectionScene):
    def test_list(self):
        """context, cluster and user from three kubeconfigs, the first of each name, with files beside each"""
        self.cluster.grant("gitopsd", EVERYTHING, namespace=self.space)
        folders = [self.folder / name for name in ("one", "two", "three")]
        for folder in folders:
            folder.mkdir()
        shutil.copy(self.cluster.authority.own.certificate, folders[1] / "ca.pem")
        (folders[2] / "token").write_text(self.cluster.token("gitopsd"))
        wrong = {"name": "u", "user": {"token": "of the later file"}}
        contents = [
            {"current-context": "all", "contexts": [{"name": "all", "context": {"cluster": "c", "user": "u"}}]},
            {"current-context": "none", "clusters": [
                {"name": "c", "cluster": {"server": self.cluster.url, "certificate-authority": "ca.pem"}}]},
            {"users": [{"name": "u", "user": {"tokenFile": "token"}}]},
        ]
        files = [folder / "config" for folder in folders]
        for file, content in zip(files, contents):
            file.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **content}))
        later = self.folder / "later"
        later.write_text(json.dumps({"users": [wrong]}))
        self.use(files[0], self.folder / "not there", *files[1:], later)
        self.sync(DOCUMENT)
        self.use(":".join(map(str, files)))
        self.sync(config_map("a", {"k": "2"}))


class ServiceAccount(ConnectionScene):
    """In the place of a Pod: the files and variables that kubelet gives to one, and a token that the API server issued."""

    def configure(self):
        super().configure()
        self.user = f"system:serviceaccount:{self.space}:gitopsd"
        self.cluster.grant(self.user, EVERYTHING, namespace=self.space)
        self.account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "gitopsd", "namespace": self.space}}
        self.cluster.apply(self.account)
        self.pod = Namespace()
        self.addCleanup(self.pod.stop)
        self.pod.mount_small("/run", "1m")
        self.mounted = self.pod.see("/run/secrets/kubernetes.io/serviceaccount")
        self.mounted.mkdir(parents=True)
        shutil.copy(self.cluster.authority.own.certificate, self.mounted / "ca.crt")
        (self.mounted / "namespace").write_text(self.space)
        self.mount_token()
        program = self.folder / "in-the-pod"
        inside = self.pod.command("env", f"KUBERNETES_SERVICE_HOST={self.cluster.host}",
                                  f"KUBERNETES_SERVICE_PORT={self.cluster.port}", PROVIDER)
        program.write_text(f"#!/bin/sh\nexec {' '.join(inside)}\n")
        program.chmod(0o755)
        self.daemon.config["destinations"][0].update(command=str(program), settings={})

    def mount_token(self) -> None:
        """As kubelet does: a new file in the place of the old."""
        path = f"/api/v1/namespaces/{self.space}/serviceaccounts/gitopsd/token"
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
        fresh = self.mounted / "token.new"
        fresh.write_text(self.cluster.api("POST", path, asked)["status"]["token"])
        fresh.rename(self.mounted / "token")

    def is_refused(self) -> bool:
        self.cluster.tokens[self.user] = (self.mounted / "token").read_text()
        try:
            self.cluster.get("/version", user=self.user)
        except ApiError as refused:
            return refused.status == 401
        return False

    def test_token(self):
        """without settings the Pod's service account is used, and the token that kubelet renews, without a restart"""
        self.sync(DOCUMENT)
        manager = self.live(DOCUMENT)["metadata"]["managedFields"][0]["manager"]
        self.assertEqual(manager, "gitopsd")
        self.assertTrue(self.cluster.audited(self.user, verb="patch"))
        # Of an account that was deleted no token is good any more, once the server forgets that it was.
        self.cluster.delete(self.account)
        self.cluster.apply(self.account)
        wait.until(self.is_refused, "the API server refuses the token", 30)
        event = self.daemon.accept(self.push(config_map("a", {"k": "2"})))
        said = "does not accept the credentials of the cluster of this Pod"
        wait.until(lambda: said in self.tried(event), "it says what is wrong", 30)
        self.assertIn("/var/run/secrets/kubernetes.io/serviceaccount/token", self.tried(event))
        self.mount_token()
        self.assertEqual(self.daemon.wait_ended(event, 60)["state"], "succeeded")
        self.assertEqual(self.live(DOCUMENT)["data"], {"k": "2"})
        self.assert_started_once()
