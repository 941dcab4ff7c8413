"""Drift on a real API server: what others do to an object, and whether the provider takes it for drift.

Checks at an interval are off for a day, so that whatever is put back was seen by a watch.
"""
import copy

from . import files, wait
from .cluster_case import ClusterScene

# What a controller says of an object that is well.
STATUS = {"HorizontalPodAutoscaler": {"conditions": [{"type": "AbleToScale", "status": "True"}], "currentMetrics": None,
                                      "currentReplicas": 1, "desiredReplicas": 1},
          "Pod": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
WRITES = ("create", "update", "patch", "delete")
# What the server keeps by itself: two objects that differ only here are as one declared them.
KEPT = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")


def content(found: dict) -> dict:
    """All of an object but what the server keeps of it."""
    found = copy.deepcopy(found)
    for key in KEPT:
        found["metadata"].pop(key, None)
    return found


def manager_of(found: dict, name: str = "gitopsd") -> dict | None:
    """The fields that a server-side applier manages, as the object says."""
    for entry in found["metadata"].get("managedFields", []):
        if entry["manager"] == name and entry["operation"] == "Apply":
            return entry["fieldsV1"]
    return None


class DriftScene(ClusterScene):
    def configure(self) -> None:
        super().configure()
        self.daemon.application["check_interval"] = "24h"
        self.daemon.application["policy"]["clusterKinds"] = ["CustomResourceDefinition.apiextensions.k8s.io"]

    def declare(self, *documents: dict) -> None:
        """Pushed and applied, and looked at by the controllers that some kinds have."""
        event = self.daemon.accept(self.push(*documents))
        for document in documents:
            if status := STATUS.get(document["kind"]):
                self.wait_live(document, lambda found: True, "it is there")
                self.patch(document, {"status": status}, subresource="status", fieldManager="controller")
        ended = self.daemon.wait_ended(event)
        self.assertEqual(ended["state"], "succeeded", ended)

    # ---- what others do

    def patch(self, document: dict, change: dict | list, kind: str = "merge", subresource: str = "", **query) -> dict:
        types = {"merge": "merge-patch+json", "strategic": "strategic-merge-patch+json", "json": "json-patch+json"}
        path = self.cluster.path(self.placed(document)) + (f"/{subresource}" if subresource else "")
        text = "&".join(f"{key}={value}" for key, value in {"fieldManager": "by-hand", **query}.items())
        return self.cluster.api("PATCH", f"{path}?{text}", change, f"application/{types[kind]}")

    def replace(self, document: dict, change, manager: str = "by-hand", subresource: str = "") -> dict:
        """Reads it, lets `change` alter what was read, and writes that whole: as an editor would."""
        found = self.live(document)
        change(found)
        path = self.cluster.path(self.placed(document)) + (f"/{subresource}" if subresource else "")
        return self.cluster.api("PUT", f"{path}?fieldManager={manager}", found)

    # ---- what the provider did

    def setUp(self):
        super().setUp()
        self.audit_begin = files.end_of_lines(self.cluster.audit_log)

    def requests(self, **fields) -> list[dict]:
        """Of the provider, since the test began: audit events with these fields."""
        return [event for event in files.json_lines(self.cluster.audit_log, self.audit_begin) if event.get("userAgent", "").startswith("gitopsd/")
                and all(event.get(name) == value for name, value in fields.items())]

    def writes(self, document: dict) -> int:
        """How often the provider has written the object, which need not have changed anything."""
        placed = self.placed(document)
        plural, _ = self.cluster.resource(document["apiVersion"], document["kind"])
        wanted = (plural, placed["metadata"]["name"])
        return sum(event["verb"] in WRITES and "dryRun" not in event["requestURI"]
                   and event["responseStatus"]["code"] < 300
                   and (event["objectRef"]["resource"], event["objectRef"].get("name")) == wanted
                   and event["objectRef"].get("namespace") in (None, placed["metadata"]["namespace"])
                   for event in self.requests() if "objectRef" in event)

    def id_of(self, document: dict) -> str:
        group = document["apiVersion"].split("/")[0] if "/" in document["apiVersion"] else ""
        kind = document["kind"] + (f".{group}" if group else "")
        return f"{kind}/{self.space}/{document['metadata']['name']}"

    def all_heals(self) -> list[list[dict]]:
        """The steps of each heal, oldest first. One without had been asked for, and found nothing to put back."""
        syncs = self.daemon.get("/v1/applications/web/syncs?limit=500")["syncs"]
        return [self.daemon.get(f"/v1/syncs/{sync['id']}")["sync"]["steps"] or []
                for sync in reversed(syncs) if sync["kind"] == "heal"]

    def heals(self, document: dict) -> list[dict]:
        """Steps of heals about the object, oldest first."""
        return [step for steps in self.all_heals() for step in steps if step["id"] == self.id_of(document)]

    def wait_idle(self) -> dict:
        return wait.until(lambda: (s := self.daemon.status())["phase"] == "idle" and s, "nothing more is done")

    # ---- judgements

    def assert_heals(self, cases: dict) -> None:
        """Case -> (document, act[, condition]): all are declared, then each act is done, and each object has to become again
        what it was within seconds. What is as it was is found by `condition`, else by all of it."""
        self.declare(*[case[0] for case in cases.values()])
        before = {name: (content(self.live(case[0])), self.writes(case[0])) for name, case in cases.items()}
        for name, (document, act, *_) in cases.items():
            with self.subTest(act=name):
                act(document)
        for name, (document, _, *condition) in cases.items():
            with self.subTest(case=name):
                was, written = before[name]
                as_it_was = condition[0] if condition else (lambda found, was=was: content(found) == was)
                wait.until(lambda d=document, n=written: self.writes(d) > n, f"{name} is written", 30, 0.1)
                self.wait_live(document, as_it_was, f"{name} is put back", 30)
        self.wait_idle()

    def assert_no_drift(self, cases: dict) -> None:
        """Case -> (document, act), of one kind: all are declared, then each act is done, and nobody writes or heals any."""
        first = next(iter(cases.values()))[0]
        marker = copy.deepcopy(first)
        marker["metadata"] = {"name": "marker", "labels": {"marker": "here"}}
        self.declare(*[case[0] for case in cases.values()], marker)
        before, after = {}, {}
        for name, (document, act) in cases.items():
            before[name] = self.writes(document)
            with self.subTest(act=name):
                act(document)
            after[name] = self.live(document)["metadata"]["resourceVersion"]
        self.settle(marker)
        self.assertEqual([[step["id"] for step in steps] for steps in self.all_heals()], [[self.id_of(marker)]])
        for name, (document, _) in cases.items():
            with self.subTest(case=name):
                self.assertEqual(self.live(document)["metadata"]["resourceVersion"], after[name], "it was written")
                self.assertEqual(self.writes(document), before[name], "it was written, which changed nothing")
                self.assertEqual(self.heals(document), [])

    def settle(self, marker: dict) -> None:
        """What happened before to objects of its kind is judged when this returns: the marker's label, changed after
        it, has been put back."""
        self.patch(marker, {"metadata": {"labels": {"marker": "moved"}}})
        self.wait_live(marker, lambda found: found["metadata"]["labels"]["marker"] == "here", "the marker is put back")
        self.wait_idle()
