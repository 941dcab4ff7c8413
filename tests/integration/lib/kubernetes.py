"""A real Kubernetes API server on an etcd of its own, both built once from their Go modules and started on free ports.

There are no nodes, and no controllers but where a test starts them: a Deployment becomes available when the test writes its
status, what a deleted owner owned stays, and a namespace that is deleted stays Terminating.
"""
import base64
import http.client
import json
import os
import secrets
import ssl
import threading
import urllib.request
from pathlib import Path

from . import certificate, files, go, process, yaml
from .kubernetes_api import RBAC, Client

MODULE = process.ROOT / "tests" / "kubernetes"
ETCD_MODULE = MODULE / "etcd"
KUBE_SYSTEM = "/api/v1/namespaces/kube-system"
# Name -> groups. Only `admin` may do anything at first: what the others may do, a test grants with RBAC.
USERS = {"admin": ["system:masters"], "gitopsd": [], "looker": [], "gitopsd-web": [], "gitopsd-shop": ["shop-deployers"], "nobody": []}


def version() -> str:
    return go.version("k8s.io/kubernetes", MODULE)


def build(command: str) -> Path:
    """kube-apiserver, kube-controller-manager or kubectl; about four minutes for the first, once for each version."""
    wanted = version()
    major, minor, _ = wanted.removeprefix("v").split(".")
    # Without these they call themselves v0.0.0-master, and clients choose what they ask for by the version.
    own = {"gitVersion": wanted, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return go.build(f"{command}-{wanted}", f"k8s.io/kubernetes/cmd/{command}", MODULE, variables={
        f"k8s.io/{package}.{name}": text for package in ("component-base/version", "client-go/pkg/version")
        for name, text in own.items()})


def build_etcd() -> Path:
    package = "go.etcd.io/etcd/server/v3"
    return go.build(f"etcd-{go.version(package, ETCD_MODULE)}", package, ETCD_MODULE)


def debian_etcd() -> Path:
    """Debian's etcd, unpacked in the cache: installed, it would start a server that nobody asked for."""
    folder = go.CACHE / "etcd-debian"
    if not folder.exists():
        fresh = go.CACHE / f"etcd-debian.{os.getpid()}.new"
        fresh.mkdir(parents=True)
        try:
            process.run("apt-get", "-qq", "download", "etcd-server", cwd=fresh)
        except RuntimeError:  # without the lists of packages, or with old ones
            process.run(*([] if os.geteuid() == 0 else ["sudo"]), "apt-get", "-qq", "update", seconds=300)
            process.run("apt-get", "-qq", "download", "etcd-server", cwd=fresh)
        package = next(fresh.glob("*.deb"))
        process.run("dpkg-deb", "-x", package, fresh)
        package.unlink()
        fresh.rename(folder)
    return folder / "usr" / "bin" / "etcd"


class Cluster(Client):
    """`directory` holds all of it. `etcd` is "built" or "debian" (3.4, where the API server does without some of its caches);
    `arguments` are more of the API server's; `audit` keeps a line about every request for `audited`; `identified`: every user may see which cluster
    it is, as gitopsd asks for."""

    def __init__(self, directory: Path, etcd: str = "built", arguments: tuple[str, ...] = (), audit: bool = False,
                 identified: bool = True):
        super().__init__()
        self.directory = directory
        directory.mkdir(parents=True)
        self.authority = certificate.Authority(directory / "certificates")
        self.port, self.etcd_port, self.peer_port = process.free_ports(3)
        self.url = f"https://{self.host}:{self.port}"
        self.tokens = {user: secrets.token_hex(16) for user in USERS}
        self.write_private("tokens.csv", "".join(
            f'{self.tokens[user]},{user},{user},"{",".join(groups)}"\n' for user, groups in USERS.items()))
        self.context = ssl.create_default_context(cafile=str(self.authority.own.certificate))
        self.identified = identified
        self.audit_log = directory / "audit.jsonl" if audit else None
        etcd_program = {"built": build_etcd, "debian": debian_etcd}[etcd]()
        self.etcd = process.Program(self.etcd_command(etcd_program), directory / "etcd.log",
                                    env={"PATH": os.environ["PATH"], "HOME": str(directory)})
        self.controllers: process.Program | None = None
        self.server = process.Program([*self.server_command(), *arguments], directory / "kube-apiserver.log",
                                      env={"PATH": os.environ["PATH"], "HOME": str(directory)})

    def etcd_command(self, program: Path) -> list:
        clients, peers = f"http://{self.host}:{self.etcd_port}", f"http://{self.host}:{self.peer_port}"
        return [program, "--name=tests", f"--data-dir={self.directory}/etcd", f"--listen-client-urls={clients}",
                f"--advertise-client-urls={clients}", f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}",
                f"--initial-cluster=tests={peers}", "--unsafe-no-fsync", "--log-level=warn", "--logger=zap"]

    def server_command(self) -> list:
        served = self.authority.issue_server("kube-apiserver")
        # Keys of service accounts: nobody uses them here, and the server does not start without.
        accounts = self.authority.issue_client("service-accounts", "/CN=service-accounts")
        return [build("kube-apiserver"), f"--etcd-servers=http://{self.host}:{self.etcd_port}",
                f"--bind-address={self.host}", f"--advertise-address={self.host}", f"--secure-port={self.port}",
                f"--tls-cert-file={served.certificate}", f"--tls-private-key-file={served.key}",
                f"--client-ca-file={self.authority.own.certificate}", f"--token-auth-file={self.directory}/tokens.csv",
                f"--service-account-key-file={accounts.certificate}", f"--service-account-signing-key-file={accounts.key}",
                "--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.0.0.0/24",
                "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none",
                "--allow-privileged=true", *self.audit_arguments()]

    def audit_arguments(self) -> list:
        if not self.audit_log:
            return []
        policy = self.directory / "audit.yaml"
        policy.write_text(yaml.dump({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
                                     "rules": [{"level": "Metadata"}]}))
        return [f"--audit-policy-file={policy}", f"--audit-log-path={self.audit_log}", "--audit-log-mode=blocking"]

    def write_private(self, name: str, text: str, mode: int = 0o600) -> Path:
        """In place of an older one at once, which someone may be reading."""
        path = self.directory / name
        fresh = self.directory / f"{name}.{threading.get_ident()}.new"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            file.write(text)
        fresh.rename(path)
        return path

    # ---- life

    def start(self) -> "Cluster":
        self.etcd.start()
        self.etcd.wait_until(lambda: process.listens(self.etcd_port), "etcd listens", 30)
        self.start_server()
        self.server.wait_until(lambda: self.exists(KUBE_SYSTEM), "the cluster has its Namespace kube-system", 30)
        if self.identified:
            self.let_identify("Group", "system:authenticated")
        return self

    def let_identify(self, kind: str, name: str) -> None:
        """Lets somebody see which cluster it is."""
        head = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": "tests-identify"}}
        self.apply({**head, "kind": "ClusterRole", "rules": [
            {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]}]})
        self.apply({**head, "kind": "ClusterRoleBinding", "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "tests-identify"},
                    "subjects": [{"apiGroup": RBAC, "kind": kind, "name": name}]})

    def start_server(self) -> "Cluster":
        self.server.start()
        self.server.wait_until(self.ready, "the API server is ready", 120)
        return self

    def start_controllers(self) -> "Cluster":
        """Kubernetes' own: what collects garbage, empties namespaces, fills new ones, makes ReplicaSets and Endpoints."""
        accounts = self.directory / "certificates" / "service-accounts-key.pem"
        command = [build("kube-controller-manager"), f"--kubeconfig={self.kubeconfig()}", "--leader-elect=false", "--secure-port=0",
                   f"--service-account-private-key-file={accounts}", f"--root-ca-file={self.authority.own.certificate}"]
        self.controllers = process.Program(command, self.directory / "kube-controller-manager.log",
                                           env={"PATH": os.environ["PATH"], "HOME": str(self.directory)})
        self.controllers.start()
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        self.controllers.wait_until(lambda: self.exists(account), "the controllers work", 60)
        return self

    def ready(self) -> bool:
        link = http.client.HTTPSConnection(self.host, self.port, timeout=10, context=self.context)
        try:
            link.request("GET", "/readyz", headers={"Authorization": f"Bearer {self.token('admin')}"})
            return link.getresponse().status == 200
        finally:
            link.close()

    def etcd_version(self) -> str:
        with urllib.request.urlopen(f"http://{self.host}:{self.etcd_port}/version", timeout=10) as answer:
            return json.load(answer)["etcdserver"]

    def stop(self) -> None:
        """Not asked to end, the API server: it would wait a minute for watches that are open."""
        if self.controllers:
            self.controllers.kill()
        self.server.kill()
        self.etcd.stop()

    def kill(self) -> None:
        """The API server alone, at once."""
        self.server.kill()

    def restart(self) -> "Cluster":
        """The API server alone, killed if it still runs, on the same port and data."""
        self.server.kill()
        return self.start_server()

    def __enter__(self) -> "Cluster":
        try:
            return self.start()
        except BaseException:  # or the etcd would stay
            self.stop()
            raise

    def __exit__(self, kind, *_):
        if kind is not None:
            print(f"---- end of {self.server.log}\n{self.server.tail()}")
        self.stop()

    # ---- users

    def tls(self) -> ssl.SSLContext:
        return self.context

    def token(self, user: str) -> str:
        return self.tokens[user]

    def kubeconfig(self, user: str = "admin", auth: str = "token", embed: bool = True, namespace: str = "") -> Path:
        """A file for one user. `auth` is token, token-file, certificate or exec; with `embed` the certificates are in it,
        else named by path."""
        name = "-".join(["kubeconfig", user, auth, *([] if embed else ["by-path"]), *([namespace] if namespace else [])])
        return self.write_kubeconfig(name, user, self.credentials(user, auth, embed), embed, namespace)

    def write_kubeconfig(self, name: str, user: str, credentials: dict, embed: bool = True, namespace: str = "",
                         server: str = "") -> Path:
        """For credentials that are not a user's own, or another way to the server."""
        context = {"cluster": "tests", "user": user, **({"namespace": namespace} if namespace else {})}
        return self.write_private(name, yaml.dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "tests",
            "clusters": [{"name": "tests", "cluster": {
                "server": server or self.url, **pem("certificate-authority", self.authority.own.certificate, embed)}}],
            "contexts": [{"name": "tests", "context": context}],
            "users": [{"name": user, "user": credentials}]}))

    def credentials(self, user: str, auth: str, embed: bool) -> dict:
        if auth == "token":
            return {"token": self.token(user)}
        if auth == "token-file":
            return {"tokenFile": str(self.write_private(f"token-{user}", self.token(user) + "\n"))}
        if auth == "certificate":
            subject = "".join(f"/O={group}" for group in USERS[user]) + f"/CN={user}"
            made = self.authority.issue_client(f"user-{user}", subject)
            return {**pem("client-certificate", made.certificate, embed), **pem("client-key", made.key, embed)}
        if auth == "exec":
            return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(self.exec_plugin(user)),
                             "args": ["get-token"], "interactiveMode": "Never"}}
        raise ValueError(f"there is no authentication by '{auth}'")

    def exec_plugin(self, user: str) -> Path:
        """A program that prints the user's token as clouds' own do, and writes down each call."""
        answer = json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                             "status": {"token": self.token(user)}})
        path = self.directory / f"exec-{user}"
        return self.write_private(path.name, f"#!/bin/sh\necho \"$*\" >> '{path}.calls'\ncat <<'END'\n{answer}\nEND\n", 0o700)

    def exec_calls(self, user: str) -> int:
        """How often a client asked for the user's token with a kubeconfig of `auth="exec"`."""
        calls = self.directory / f"exec-{user}.calls"
        return len(calls.read_text().splitlines()) if calls.exists() else 0

    def kubectl(self, *arguments: str, input: str | None = None, user: str = "admin") -> str:
        """Standard output of the kubectl of the same version, which must succeed."""
        return process.run(build("kubectl"), *arguments, text_input=input, env={
            "PATH": os.environ["PATH"], "HOME": str(self.directory), "KUBECONFIG": str(self.kubeconfig(user))})

    def audited(self, user: str = "", **fields) -> list[dict]:
        """What was asked of the API server so far, oldest first: its audit events, of one user and with these `fields`
        (verb="patch", ...) if given. An impersonated request is its impersonator's."""
        return [event for event in files.json_lines(self.audit_log) if (not user or event["user"].get("username") == user)
                and all(event.get(name) == value for name, value in fields.items())]


def pem(name: str, path: Path, embed: bool) -> dict[str, str]:
    return {f"{name}-data": base64.b64encode(path.read_bytes()).decode()} if embed else {name: str(path)}
