"""The usual scene with a cluster as its destination: one API server for all tests, a namespace for each."""
import atexit
import itertools
import json
import shutil
import tempfile
import unittest
from pathlib import Path

from . import gitopsd, kubernetes, wait
from .case import Scene

PROVIDER = gitopsd.BUILD / "providers" / "kubernetes" / "gitopsd-provider-kubernetes"
_numbers = itertools.count(1)
_shared: list[kubernetes.Cluster] = []


def started_cluster() -> kubernetes.Cluster:
    """Runs until the tests' program ends."""
    folder = Path(tempfile.mkdtemp(prefix="gitopsd-cluster-"))
    cluster = kubernetes.Cluster(folder / "cluster", audit=True).start()
    atexit.register(lambda: (cluster.stop(), shutil.rmtree(folder, ignore_errors=True)))
    return cluster


def shared_cluster() -> kubernetes.Cluster:
    if not _shared:
        _shared.append(started_cluster())
    return _shared[0]


def config_map(name: str, data: dict, **metadata) -> dict:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": data}


def manifest(*documents: dict) -> str:
    """JSON is YAML."""
    return "".join(f"---\n{json.dumps(document)}\n" for document in documents)


class ClusterScene(Scene):
    """`self.space` is the test's namespace, where its application may do everything."""

    def setUp(self):
        self.cluster = self.own_cluster()
        self.space = f"t{next(_numbers)}"
        self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.space}})
        super().setUp()

    def own_cluster(self) -> kubernetes.Cluster:
        """Tests that stop theirs have one of their own."""
        return shared_cluster()

    def configure(self) -> None:
        self.daemon.config["destinations"] = [{
            "name": "here", "provider": "kubernetes", "command": str(PROVIDER),
            "settings": {"kubeconfig": str(self.cluster.kubeconfig())}}]
        self.daemon.application["policy"] = {"namespaces": [self.space]}

    def push(self, *documents: dict, message: str = "Change", **files: str | None) -> str:
        """Commits the documents as the application's one manifest; returns the commit."""
        commit = self.checkout.commit({"web/all.yaml": manifest(*documents), **files}, message)
        self.checkout.push()
        return commit

    def sync(self, *documents: dict, state: str = "succeeded", **files) -> dict:
        """The same, delivered; returns the event at its end."""
        return self.daemon.push_and_wait(self.push(*documents, **files), state)

    def live(self, document: dict) -> dict:
        return self.cluster.get(self.placed(document))

    def placed(self, document: dict) -> dict:
        """The document with the namespace that it gets."""
        return {**document, "metadata": {"namespace": self.space, **document["metadata"]}}

    def wait_live(self, document: dict, condition, why: str, seconds: float = 60) -> dict:
        return self.cluster.wait_for(self.placed(document), condition, why, seconds)

    def wait_gone(self, document: dict) -> None:
        wait.until(lambda: not self.cluster.exists(self.placed(document)), f"{document['metadata']['name']} is gone")
