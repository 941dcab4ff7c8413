"""Flux follows the same repository into a namespace of its own, on the same API server: its source-controller and
kustomize-controller, built from their Go modules, with the settings that they come with.

A push is told to it as its notification-controller tells it, by the annotation that asks the GitRepository to be looked at.
"""
import os
import time
from collections.abc import Iterator
from pathlib import Path

from kubernetes.bench import PEER, PUSHES, Bench, file_of, yaml_of
from lib import go, process
from lib_bench.figure import Figure
from lib_bench.scene import median_ms, scaled

MODULES = Path(__file__).resolve().parent
NAMESPACE = "flux-system"
GROUP = "toolkit.fluxcd.io"


def module(name: str) -> tuple[str, Path]:
    return f"github.com/fluxcd/{name}-controller", MODULES / name


def build(name: str) -> Path:
    path, folder = module(name)
    return go.build(f"flux-{name}-controller-{go.version(path, folder)}", path, folder)


def git_repository(url: str) -> dict:
    return {"apiVersion": f"source.{GROUP}/v1", "kind": "GitRepository", "metadata": {"name": "infra", "namespace": NAMESPACE},
            "spec": {"url": url, "interval": "1h", "ref": {"branch": "main"}}}


def kustomization(interval: str) -> dict:
    return {"apiVersion": f"kustomize.{GROUP}/v1", "kind": "Kustomization",
            "metadata": {"name": "web", "namespace": NAMESPACE},
            "spec": {"sourceRef": {"kind": "GitRepository", "name": "infra"}, "path": "./web", "prune": True,
                     "targetNamespace": PEER, "interval": interval}}


class Flux:
    def __init__(self, bench: Bench):
        self.bench, self.cluster = bench, bench.cluster
        self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        for name in ("source", "kustomize"):
            self.cluster.kubectl("apply", "--server-side", "-f", str(go.module_folder(*module(name)) / "config" / "crd" / "bases"))
        self.cluster.kubectl("wait", "--for=condition=Established", "crd", "--all")
        storage, *others = process.free_ports(5)
        (bench.folder / "flux").mkdir()
        self.programs = [
            self.controller("source", others[:2], f"--storage-path={bench.folder}/flux", f"--storage-addr=127.0.0.1:{storage}",
                            f"--storage-adv-addr=127.0.0.1:{storage}"),
            self.controller("kustomize", others[2:])]
        self.cluster.apply(git_repository(bench.url))
        self.cluster.apply(kustomization("1h"))
        self.wait_for(self.head())

    def controller(self, name: str, ports: list[int], *arguments: str) -> process.Program:
        folder = self.bench.folder / f"flux-{name}"
        folder.mkdir()
        program = process.Program(
            [build(name), f"--metrics-addr=127.0.0.1:{ports[0]}", f"--health-addr=127.0.0.1:{ports[1]}", *arguments],
            self.bench.folder / f"flux-{name}.log",
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "RUNTIME_NAMESPACE": NAMESPACE,
                 "KUBECONFIG": str(self.cluster.kubeconfig())})
        self.bench.stack.callback(program.stop)
        return program.start()

    def head(self) -> str:
        return self.bench.origin.checkout.head()

    def tell(self) -> None:
        self.cluster.patch(self.cluster.path(git_repository("")), {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": str(time.time_ns())}}})

    def wait_for(self, commit: str) -> None:
        """Until its Kustomization says that it has applied this commit."""
        path = f"/apis/kustomize.{GROUP}/v1/namespaces/{NAMESPACE}/kustomizations"
        with self.cluster.watch(path, "0") as watch:
            while not watch.next(600)["object"].get("status", {}).get("lastAppliedRevision", "").endswith(commit):
                pass

    def follow(self, text: str) -> float:
        """Seconds from the telling to the watch event that shows one ConfigMap of the newest commit; returns when it is done."""
        path = f"/api/v1/namespaces/{PEER}/configmaps"
        position = self.cluster.get(f"{path}?limit=1")["metadata"]["resourceVersion"]
        with self.cluster.watch(path, position) as watch:
            began = time.monotonic()
            self.tell()
            while (seen := watch.next(120)["object"])["data"].get("text") != text:
                pass
            arrived = time.monotonic()
        self.wait_for(self.head())
        return arrived - began

    def follow_all(self) -> float:
        began = time.monotonic()
        self.tell()
        self.wait_for(self.head())
        return time.monotonic() - began

    def heal(self, turn: int) -> float:
        name, path = f"c{turn * 7 % self.bench.count:05}", f"/api/v1/namespaces/{PEER}/configmaps"
        wanted = self.cluster.get(f"{path}/{name}")["data"]["text"]
        position = self.cluster.get(f"{path}?limit=1")["metadata"]["resourceVersion"]
        with self.cluster.watch(path, position) as watch:
            began = time.monotonic()
            self.cluster.patch(f"{path}/{name}", {"data": {"text": "by hand"}})
            while watch.next(150)["object"]["data"].get("text") != wanted:
                pass
            return time.monotonic() - began

    def memory_mb(self) -> float:
        found = [line for program in self.programs for line in Path(f"/proc/{program.pid}/status").read_text().splitlines()
                 if line.startswith("VmRSS")]
        return sum(int(line.split()[1]) for line in found) / 1000


def flux(_) -> Iterator[Figure]:
    """(builds Flux for minutes the first time) the same pushes beside Flux: 1 of 1,000 ConfigMaps changed, all of them; drift healed; memory"""
    count = scaled(1000, 20)
    with Bench(count).start() as bench:
        bench.declare(count)
        peer = Flux(bench)
        bench.change(0)
        ours, theirs = [], []
        for turn in range(1, 1 + scaled(PUSHES // 2)):
            ours.append(bench.change(turn))
            theirs.append(peer.follow(f"turn {turn}"))
        yield Figure(f"beside Flux, 1 of {count:,}, p50", median_ms(ours), "ms", median_ms(theirs), "Flux")
        ours, theirs = [], []
        for turn in range(3):
            commit = bench.origin.checkout.commit({file_of(n): yaml_of(n, f"all in turn {turn}") for n in range(count)})
            bench.origin.checkout.push()
            began = time.monotonic()
            bench.ended(bench.daemon.accept(commit), 300)
            ours.append(time.monotonic() - began)
            theirs.append(peer.follow_all())
        yield Figure(f"beside Flux, all of {count:,}, to its end", median_ms(ours), "ms", median_ms(theirs), "Flux")
        bench.cluster.apply(kustomization("1m"))
        yield Figure("beside Flux, drift healed, p50", median_ms([bench.heal(turn) for turn in range(scaled(PUSHES))]), "ms",
                     median_ms([peer.heal(turn) for turn in range(3)]), "Flux at 1 min")
        yield Figure("beside Flux, provider's RSS", bench.provider_memory_mb(), "MB", peer.memory_mb(), "2 controllers")


NAMES = {"kubernetes-flux": flux}
LONG = {"kubernetes-flux"}
