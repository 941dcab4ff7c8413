"""Hooks in a cluster. No controller runs Jobs here: each ends when the test says how."""
import itertools
from pathlib import Path

from . import wait
from .cluster_case import ClusterScene

_marks = itertools.count(1)
NOW = "2026-01-01T00:00:00Z"


def job(name: str, annotations: dict | None = None, **metadata) -> dict:
    named = {"generateName": name} if name.endswith("-") else {"name": name}
    return {"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {**named, **({"annotations": annotations} if annotations else {}), **metadata},
            "spec": {"backoffLimit": 0, "template": {"spec": {
                "restartPolicy": "Never", "containers": [{"name": "one", "image": "example.com/one:1"}]}}}}


def hook(name: str, time: str, policy: str = "", **more) -> dict:
    """A Job that runs at a time in our words."""
    return job(name, {"gitopsd.io/hook": time, **({"gitopsd.io/hook-delete-policy": policy} if policy else {}), **more})


def deployment(name: str) -> dict:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "replicas": 1, "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}}}


class HookScene(ClusterScene):
    def configure(self) -> None:
        super().configure()
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.space}}
        self.start = self.cluster.get(space)["metadata"]["resourceVersion"]

    def begin(self, *documents: dict) -> int:
        """Pushes; returns the event of what is under way."""
        return self.daemon.accept(self.push(*documents))

    def wait_run(self, document: dict, other_than: str = "") -> str:
        """Until a run of the Job is there that has not ended; returns its uid."""
        found = self.wait_live(document, lambda found: found["metadata"]["uid"] != other_than and
                               not found["metadata"].get("deletionTimestamp") and
                               not found.get("status", {}).get("conditions"), "the hook runs")
        return found["metadata"]["uid"]

    def finish(self, document: dict, well: bool = True, message: str = "") -> None:
        condition = {"status": "True", "lastTransitionTime": NOW}
        status = {"startTime": NOW}
        if well:
            status.update(completionTime=NOW, succeeded=1, conditions=[{**condition, "type": "SuccessCriteriaMet"},
                                                                       {**condition, "type": "Complete"}])
        else:
            why = {"reason": "BackoffLimitExceeded", "message": message}
            status.update(failed=1, conditions=[{**condition, "type": "FailureTarget", **why},
                                                {**condition, "type": "Failed", **why}])
        self.cluster.patch(f"{self.cluster.path(self.placed(document))}/status", {"status": status})

    def degrade(self, deployment: dict) -> None:
        self.cluster.patch(f"{self.cluster.path(self.placed(deployment))}/status", {"status": {
            "observedGeneration": 1, "conditions": [{"type": "Progressing", "status": "False", "message": "too slow",
                                                     "reason": "ProgressDeadlineExceeded"}]}})

    def run_well(self, document: dict, other_than: str = "") -> str:
        uid = self.wait_run(document, other_than)
        self.finish(document)
        return uid

    def ended(self, event: int, state: str = "succeeded") -> dict:
        found = self.daemon.wait_ended(event)
        self.assertEqual(found["state"], state, found)
        return found

    def there(self, document: dict) -> bool:
        return self.cluster.exists(self.placed(document))

    def runs(self, document: dict) -> int:
        """How often a Job of that name was made."""
        mark = job(f"mark-{next(_marks)}")
        self.cluster.apply(self.placed(mark))
        made = []
        with self.cluster.watch(f"/apis/batch/v1/namespaces/{self.space}/jobs", self.start, metadata_only=True) as watch:
            while mark["metadata"]["name"] not in made:
                event = watch.next()
                if event["type"] == "ADDED":
                    made.append(event["object"]["metadata"]["name"])
        self.cluster.delete(self.placed(mark))
        return made.count(document["metadata"]["name"])

    def provider(self) -> int:
        """The provider's process."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int(folder.joinpath("stat").read_text().rsplit(")", 1)[1].split()[1])
                if parent == self.daemon.program.pid and "provider-kubernetes" in folder.joinpath("cmdline").read_text():
                    return int(folder.name)
            except (OSError, IndexError):
                continue
        raise AssertionError("the daemon has no provider")

    def wait_idle(self) -> None:
        wait.until(lambda: self.daemon.status()["phase"] == "idle", "nothing is under way")
