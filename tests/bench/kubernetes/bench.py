"""ConfigMaps on a real API server (no nodes, no controllers): from a push's POST to the watch event that shows the change.

N ConfigMaps of half a kilobyte are N YAML files in folders of 100; the peer is `git pull` and kubectl's server-side apply of
the same files, in a namespace of its own.
"""
import contextlib
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from kubernetes.client import rate
from lib import git, kubernetes, process, renderers, wait
from lib.cluster_case import PROVIDER
from lib_bench.figure import Figure
from lib_bench.scene import PER_FOLDER, Scene, median_ms, scaled

os.environ.setdefault("CONFORMANCE_PATIENCE", "300")  # of the client below, for one answer
sys.path.append(str(Path(__file__).resolve().parents[2] / "conformance"))
from client import Provider, digest_of  # noqa: E402

SPACE, PEER = "bench", "peer"
PUSHES = 20
POLICY = {"namespaces": [SPACE]}


def config_map(number: int, text: str, space: str = SPACE) -> dict:
    return {"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": f"c{number:05}", "namespace": space, "labels": {"app": "bench", "part": str(number % 10)}},
            "data": {"text": text, "filler": "x" * 480}}


def file_of(number: int) -> str:
    return f"web/d{number // PER_FOLDER:03}/c{number:05}.yaml"


def yaml_of(number: int, text: str) -> str:
    document = config_map(number, text)
    labels = document["metadata"]["labels"]
    return (f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c{number:05}\n  namespace: {SPACE}\n"
            f"  labels: {{app: {labels['app']}, part: \"{labels['part']}\"}}\n"
            f"data:\n  text: {json.dumps(text)}\n  filler: {'x' * 480}\n")


class Bench(Scene):
    """`count` ConfigMaps in the repository and the cluster; as a plain folder, or listed by a kustomization."""

    def __init__(self, count: int, listed: bool = False):
        super().__init__()
        self.count, self.listed = count, listed
        self.cluster = kubernetes.Cluster(self.folder / "cluster")
        self.stack.enter_context(self.cluster)
        for space in (SPACE, PEER):
            self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
        self.daemon.config["destinations"] = [{
            "name": "here", "provider": "kubernetes", "command": str(PROVIDER),
            "settings": {"kubeconfig": str(self.cluster.kubeconfig())}}]
        self.daemon.application["policy"] = POLICY

    def declare(self, count: int) -> None:
        files = {file_of(number): yaml_of(number, f"{number} at first") for number in range(count)}
        if self.listed:
            files["web/kustomization.yaml"] = "resources:\n" + "".join(f"- {name.removeprefix('web/')}\n" for name in files)
        self.converge(files)
        found = len(self.cluster.get(f"/api/v1/namespaces/{SPACE}/configmaps")["items"])
        if found != count:
            raise AssertionError(f"{found} of {count} ConfigMaps were created")

    def position(self) -> str:
        return self.cluster.get(f"/api/v1/namespaces/{SPACE}/configmaps?limit=1")["metadata"]["resourceVersion"]

    def change(self, turn: int) -> float:
        """One push that changes one ConfigMap: seconds from its POST to the watch event."""
        number, text = turn * 7 % self.count, f"turn {turn}"
        commit = self.origin.checkout.commit({file_of(number): yaml_of(number, text)})
        self.origin.checkout.push()
        with self.cluster.watch(f"/api/v1/namespaces/{SPACE}/configmaps", self.position()) as watch:
            began = time.monotonic()
            event = self.daemon.accept(commit)
            while watch.next()["object"]["data"].get("text") != text:
                pass
            arrived = time.monotonic()
        self.ended(event)
        return arrived - began

    def healthy_after(self, commit: str) -> float:
        """Seconds from the delivery until all of it is healthy, by the event's own times: who asks for them all the while takes
        processor time from what is measured."""
        event = self.daemon.accept(commit)
        wait.until(lambda: self.daemon.event(event)["ended"], f"event {event} ends", 300, 0.2)
        return self.ended(event)["elapsed_ms"]["healthy"] / 1000

    def nothing(self, turn: int) -> float:
        """A push that changes the application's folder and no document in it: seconds from its POST to the event's end."""
        commit = self.origin.checkout.commit({"web/NOTES.txt": f"turn {turn}\n"})
        self.origin.checkout.push()
        began = time.monotonic()
        self.ended(self.daemon.accept(commit))
        return time.monotonic() - began

    def heal(self, turn: int) -> float:
        """A manual change: seconds until the watch shows it put back."""
        name = f"c{turn * 7 % self.count:05}"
        path = f"/api/v1/namespaces/{SPACE}/configmaps"
        wanted = self.cluster.get(f"{path}/{name}")["data"]["text"]
        with self.cluster.watch(path, self.position()) as watch:
            began = time.monotonic()
            self.cluster.patch(f"{path}/{name}", {"data": {"text": "by hand"}})
            while watch.next()["object"]["data"].get("text") != wanted:
                pass
            return time.monotonic() - began

    def provider_memory_mb(self) -> float:
        [found] = [status for status in Path("/proc").glob("[0-9]*/status")
                   if f"PPid:\t{self.daemon.program.pid}\n" in status.read_text()
                   and "gitopsd-provide" in status.read_text()]
        [line] = [line for line in found.read_text().splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1000


class PullAndApply:
    """The peer: `git pull`, kustomize's list of the files, kubectl's server-side apply."""

    def __init__(self, bench: Bench):
        self.bench = bench
        self.clone = bench.folder / "clone"
        git.git(bench.folder, "clone", "-q", bench.url, self.clone)
        git.git(self.clone, "config", "gc.auto", "0")
        resources = "".join(f"- {file_of(number)}\n" for number in range(bench.count))
        (self.clone / "kustomization.yaml").write_text(f"namespace: {PEER}\nresources:\n{resources}")
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(bench.folder),
                            "KUBECONFIG": str(bench.cluster.kubeconfig())}
        self.follow()

    def follow(self) -> float:
        began = time.monotonic()
        git.git(self.clone, "pull", "-q", "--ff-only")
        process.run(kubernetes.build("kubectl"), "apply", "--server-side", "--force-conflicts", "-k", self.clone,
                    env=self.environment, seconds=600)
        return time.monotonic() - began


def kubernetes_push(_) -> Iterator[Figure]:
    """push to applied, 1 of 1,000 and of 10,000 ConfigMaps changed, beside git pull + kubectl apply -k; drift to healed; memory"""
    medians = {}
    for count in (scaled(1000, 20), scaled(10_000, 40)):
        with Bench(count).start() as bench:
            bench.declare(count)
            bench.change(0)
            ours = [bench.change(turn) for turn in range(1, 1 + scaled(PUSHES))]
            medians[count] = median_ms(ours)
            peer = None
            if count <= 1000:  # kustomize takes 86 s for 10,000
                follower = PullAndApply(bench)
                theirs = []
                for turn in range(100, 100 + scaled(5)):
                    bench.change(turn)
                    theirs.append(follower.follow())
                peer = median_ms(theirs)
            yield Figure(f"cluster, 1 of {count:,}, p50", medians[count], "ms", peer, "pull+apply -k", 40, at_most=True,
                         absolute=True)
            healed = [bench.heal(turn) for turn in range(scaled(PUSHES))]
            yield Figure(f"cluster, drift healed, 1 of {count:,}, p50", median_ms(healed), "ms", goal=100, at_most=True)
            yield Figure(f"cluster, provider's RSS, {count:,}, busy", bench.provider_memory_mb(), "MB")
            time.sleep(3)  # after two quiet seconds it gives back what is free
            yield Figure(f"cluster, provider's RSS, {count:,}", bench.provider_memory_mb(), "MB",
                         goal=40 if count >= 10_000 else None, at_most=True)
            noop = [bench.nothing(turn) for turn in range(scaled(PUSHES))]
            yield Figure(f"cluster, no-op sync of {count:,}, p50", median_ms(noop), "ms",
                         goal=200 if count >= 10_000 else None, at_most=True)
            began = time.monotonic()
            bench.ended(bench.daemon.act("/v1/applications/web/sync")["event"], 120)
            yield Figure(f"cluster, all of {count:,} compared", (time.monotonic() - began) * 1000, "ms")
    yield flat("cluster", medians)


def flat(name: str, medians: dict[int, float]) -> Figure:
    least, most = min(medians), max(medians)
    return Figure(f"{name}, 1 of {most:,}, flat", medians[most], "ms", medians[least], f"1 of {least:,}", 1.5, at_most=True)


def kubernetes_listed(_) -> Iterator[Figure]:
    """the same push where a kustomization lists the files"""
    medians = {}
    for count in (scaled(1000, 20), scaled(10_000, 40)):
        with Bench(count, listed=True).start() as bench:
            bench.declare(count)
            bench.change(0)
            medians[count] = median_ms([bench.change(turn) for turn in range(1, 1 + scaled(PUSHES))])
            yield Figure(f"kustomization, 1 of {count:,}, p50", medians[count], "ms", goal=40, at_most=True)
    yield flat("kustomization", medians)


def kubernetes_all(_) -> Iterator[Figure]:
    """all of 1,000 ConfigMaps changed, dry runs counted, beside a bare client's rate on the same API server"""
    count = scaled(1000, 40)
    with Bench(count).start() as bench:
        bench.declare(count)
        query = "?fieldManager=bare&force=true"
        ours, bare = [], []
        for turn in range(3):
            requests = [(bench.cluster.path(config_map(number, "", PEER)) + query + dry, config_map(number, f"{turn}", PEER))
                        for dry in ("&dryRun=All", "") for number in range(count)]
            bare.append(rate(bench.cluster, requests))
            commit = bench.origin.checkout.commit({file_of(n): yaml_of(n, f"all in turn {turn}") for n in range(count)})
            bench.origin.checkout.push()
            ours.append(2 * count / bench.healthy_after(commit))
        yield Figure(f"cluster, all {count:,} changed", statistics.median(ours), "req/s", statistics.median(bare),
                     "bare client", 0.8)


def kubernetes_check(_) -> Iterator[Figure]:
    """a full drift check of 10,000 objects, asked of the provider itself, beside bare LISTs of the same"""
    count, part = scaled(10_000, 100), 500
    owner = {"installation": "bench", "application": "a"}
    with contextlib.ExitStack() as stack:
        bench = stack.enter_context(Bench(count))
        provider = Provider([str(PROVIDER)])
        stack.callback(provider.process.kill)
        provider.call("initialize", protocols=[1], destination="here", installation="bench", stateDirectory=provider.state,
                      settings={"kubeconfig": str(bench.cluster.kubeconfig())})
        documents = [{"json": config_map(number, "first")} for number in range(count)]
        for document in documents:
            document["digest"] = digest_of(document["json"])
        entries = []
        for at in range(0, count, part):
            some = documents[at:at + part]
            resources = provider.call("resolve", application="a", policy=POLICY, documents=some)["resources"]
            steps = provider.call("plan", sync="1", owner=owner, policy=POLICY, mode="changed", upsert=resources,
                                  documents=some)["steps"]
            told = provider.call("apply", sync="1", owner=owner, policy=POLICY, steps=steps, resources=resources,
                                 documents=some, parallel=8)["steps"]
            ids = {step["key"]: (step["id"], step["digest"]) for step in steps}
            entries += [{"id": ids[step["key"]][0], "owned": {"digest": ids[step["key"]][1], "receipt": step["receipt"]}}
                        for step in told]

        def check(full: bool) -> float:
            began = time.monotonic()
            for at in range(0, count, part):
                found = provider.call("observe", owner=owner, policy=POLICY, entries=entries[at:at + part], full=full,
                                      watch=True)["observations"]
                wrong = [one for one in found if one["drift"] != "no" or one["health"] != "healthy"]
                if wrong:
                    raise AssertionError(f"{len(wrong)} are not as they were applied: {wrong[0]}")
            return (time.monotonic() - began) * 1000

        def lists() -> float:
            began = time.monotonic()
            more = ""
            while True:
                page = bench.cluster.get(f"/api/v1/namespaces/{SPACE}/configmaps?limit=500{more}")
                if not page["metadata"].get("continue"):
                    return (time.monotonic() - began) * 1000
                more = f"&continue={page['metadata']['continue']}"

        check(False)
        full, quick, bare = [], [], []
        for _ in range(5):
            time.sleep(3.1)  # a list answers for three seconds; this asks for a new one
            bare.append(lists())
            full.append(check(True))
            quick.append(check(False))
        yield Figure(f"cluster, full check of {count:,}", statistics.median(full), "ms", statistics.median(bare), "bare LISTs",
                     2, at_most=True)
        yield Figure(f"cluster, look at {count:,}, watched", statistics.median(quick), "ms")


CHART = {
    "web/Chart.yaml": "apiVersion: v2\nname: bench\nversion: 1.0.0\n",
    "web/templates/one.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c00000}\n"
                              "data: {text: {{ .Values.text | quote }}, filler: {{ repeat 480 \"x\" }}}\n"}


def kubernetes_helm(_) -> Iterator[Figure]:
    """a chart whose values change: push to applied, and what of that is not `helm template` itself"""
    with Bench(1) as bench:
        bench.daemon.config["renderers"] = {"helm": str(renderers.helm())}
        bench.start()

        def push(turn: int) -> float:
            text = f"turn {turn}"
            commit = bench.origin.checkout.commit({**CHART, "web/values.yaml": f"text: {text}\n"})
            bench.origin.checkout.push()
            with bench.cluster.watch(f"/api/v1/namespaces/{SPACE}/configmaps", bench.position()) as watch:
                began = time.monotonic()
                event = bench.daemon.accept(commit)
                while watch.next()["object"]["data"].get("text") != text:
                    pass
                arrived = time.monotonic()
            bench.ended(event)
            return arrived - began

        def template() -> float:
            began = time.monotonic()
            process.run(renderers.helm(), "template", "web", bench.origin.checkout.directory / "web",
                        env={"PATH": os.environ["PATH"], "HOME": str(bench.folder)})
            return time.monotonic() - began

        push(0)
        ours, helm = [], []
        for turn in range(1, 1 + scaled(PUSHES)):
            ours.append(push(turn))
            helm.append(template())
        yield Figure("chart, push to applied, p50", median_ms(ours), "ms", median_ms(helm), "helm template")
        yield Figure("chart, beyond helm template", median_ms(ours) - median_ms(helm), "ms", goal=60, at_most=True)


NAMES = {"kubernetes": kubernetes_push, "kubernetes-helm": kubernetes_helm, "kubernetes-listed": kubernetes_listed, "kubernetes-all": kubernetes_all, "kubernetes-check": kubernetes_check}
