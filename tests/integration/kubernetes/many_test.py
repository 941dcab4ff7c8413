"""Very many objects, and very many kinds and namespaces, in one provider."""
import os
import shutil
import time
import unittest
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from lib import files, wait
from lib.cluster_case import config_map, shared_cluster
from lib.kubernetes_provider import Provider, requests_of_us

OBJECTS = int(os.environ.get("GITOPSD_MANY", "10000"))
MEGABYTES = 40
PLACES = 130


class Many(unittest.TestCase):
    def setUp(self):
        self.cluster = shared_cluster()
        self.since = files.end_of_lines(self.cluster.audit_log)

    def make_space(self, name: str) -> None:
        self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def provider(self, *namespaces: str, **more) -> Provider:
        provider = Provider(self.cluster, list(namespaces), **more)
        self.addCleanup(shutil.rmtree, provider.folder, ignore_errors=True)
        self.addCleanup(provider.kill)
        return provider

    def requests(self, **fields) -> list[dict]:
        return requests_of_us(self.cluster, self.since, **fields)

    def requests_of(self, space: str) -> list[dict]:
        """A watch of another test's may end meanwhile, and is recorded then."""
        return [one for one in self.requests() if one.get("objectRef", {}).get("namespace") == space]

    def test_objects(self):
        """10,000 objects are known in 40 MB, looked at without a request for any of them, and checked by pages"""
        self.make_space("many")
        first = self.provider("many")
        print(f"{first.memory()} MB at first")
        documents = [config_map(f"c{number}", {"value": str(number), "text": "x" * 400}) for number in range(OBJECTS)]
        began = time.monotonic()
        entries = first.converge(documents)
        print(f"{OBJECTS} objects applied in {time.monotonic() - began:.1f} s, {first.memory()} MB, {first.memory('VmHWM')} at most")
        self.assertEqual(first.told(), [], "its own writes are no changes")
        first.stop()

        provider = self.provider("many", state=first.folder)
        began = time.monotonic()
        seen = provider.observe(entries, watch=True)
        print(f"seen first in {time.monotonic() - began:.2f} s, {provider.memory()} MB, {provider.memory('VmHWM')} at most")
        self.assert_all_well(seen)
        self.since = files.end_of_lines(self.cluster.audit_log)
        began = time.monotonic()
        self.assert_all_well(provider.observe(entries, watch=True))
        print(f"looked at again in {time.monotonic() - began:.2f} s")
        # The watch follows its list; the API server writes down when it gets to it.
        self.assertEqual([event for event in self.requests_of("many") if event["verb"] != "watch"], [])
        began = time.monotonic()
        self.assert_all_well(provider.observe(entries, watch=True, full=True))
        took = time.monotonic() - began
        print(f"checked in {took:.2f} s, {provider.memory()} MB, {provider.memory('VmHWM')} at most")
        verbs = [event["verb"] for event in self.requests_of("many") if event["verb"] != "watch"]
        self.assertEqual(set(verbs), {"list"})
        # What was read serves all who ask within the 3 s after.
        self.assertLessEqual(len(verbs), (OBJECTS / 250 + 1) * (1 + took // 3))

        for name in ("c17", f"c{OBJECTS - 1}"):
            self.cluster.patch(f"/api/v1/namespaces/many/configmaps/{name}", {"data": {"value": "by hand"}})
            provider.wait_told(f"ConfigMap/many/{name}")
        self.assertLess(provider.memory("VmHWM"), MEGABYTES)
        provider.stop()

    def assert_all_well(self, seen: dict) -> None:
        self.assertEqual(len(seen), OBJECTS)
        self.assertEqual({(one["live"], one["drift"], one["health"]) for one in seen.values()}, {("ours", "no", "healthy")})

    def test_plan(self):
        """a plan of many objects reads them by one list, and says what it would say by a read of each"""
        self.make_space("planned")
        provider = self.provider("planned")
        named = [f"c{number:03}" for number in range(300)]  # two pages
        entries = provider.converge([config_map(name, {"value": "1"}) for name in named])
        self.cluster.delete("/api/v1/namespaces/planned/configmaps/c007")
        self.cluster.apply(config_map("other", {"value": "1"}, namespace="planned"))
        changed = [config_map(name, {"value": "2"}) for name in [*named, "fresh", "other"]]
        self.since = files.end_of_lines(self.cluster.audit_log)
        by_list = provider.plan(changed, "2", entries)["steps"]
        self.assertEqual(self.verbs_of("planned"), {"list": 2, "patch": 302, "get": 1}, "the one read is of the namespace")
        actions = {step["id"]: (step["action"], step["diff"]) for step in by_list}
        self.assertEqual(actions["ConfigMap/planned/c006"][0], "update")
        self.assertIn("2", actions["ConfigMap/planned/c006"][1])
        self.assertEqual([actions[f"ConfigMap/planned/{name}"][0] for name in ("c007", "fresh", "other")],
                         ["create", "create", "update"])

        # Whoever may not list is given a read of each.
        rules = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "patch"]}
        self.cluster.grant("no-lister", rules, namespace="planned")
        provider.policy["as"] = {"user": "no-lister"}
        self.since = files.end_of_lines(self.cluster.audit_log)
        self.assertEqual(provider.plan(changed, "2", entries)["steps"], by_list)
        self.assertEqual(self.verbs_of("planned")["get"], 302 + 1)

    def test_plan_of_some(self):
        """some of a namespace that holds far more are read one by one, after one page"""
        self.make_space("mixed")
        provider = self.provider("mixed")
        entries = provider.converge([config_map(f"c{number:03}", {"value": "1"}) for number in range(600)])
        self.since = files.end_of_lines(self.cluster.audit_log)
        provider.plan([config_map(f"c{number:03}", {"value": "2"}) for number in range(560, 600)], "2", entries)
        self.assertEqual(self.verbs_of("mixed"), {"list": 1, "get": 40 + 1, "patch": 40})

    def verbs_of(self, space: str) -> dict[str, int]:
        return dict(Counter(one["verb"] for one in self.requests_of(space) if one["verb"] != "watch"))

    def test_places(self):
        """130 kinds and namespaces are watched over several connections, and a change in each is told once"""
        names = [f"place{number}" for number in range(PLACES)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self.make_space, names))
        provider = self.provider(*names)
        entries = provider.converge([config_map("a", {"key": "1"}, namespace=name) for name in names])
        self.assertEqual(len(provider.observe(entries, watch=True)), PLACES)
        self.wait_watches(PLACES)
        self.assertGreaterEqual(provider.connections(), 2)
        provider.mark()
        for name in names:
            self.cluster.patch(f"/api/v1/namespaces/{name}/configmaps/a", {"data": {"key": "by hand"}})
        wanted = sorted(entry["id"] for entry in entries)
        wait.until(lambda: sorted(provider.told()) == wanted, "a change in each is told once")
        provider.stop()

    def wait_watches(self, count: int) -> None:
        """Those that are open: what is written after that is told by an event, not found by a list."""
        wait.until(lambda: sum(event["stage"] == "ResponseStarted" for event in self.requests(verb="watch")) >= count,
                   f"{count} watches are open")
