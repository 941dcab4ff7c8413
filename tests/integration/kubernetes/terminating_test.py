"""A namespace that somebody deletes, beside Kubernetes' own controllers, which empty it."""
import socket
import threading
import time

from lib import wait
from lib.cluster_case import config_map

from .controllers_test import Controllers

HELD = "example.com/busy"
MAPS = 12


class Events(threading.Thread):
    """What a watch tells of a kind, each event with when it came."""

    def __init__(self, cluster, path: str, **query):
        super().__init__(daemon=True)
        self.watch = cluster.watch(path, **query)
        self.seen: list[tuple[float, str, str]] = []
        self.start()

    def run(self) -> None:
        try:
            while True:
                event = self.watch.next(300)
                self.seen.append((time.monotonic(), event["type"], event["object"]["metadata"].get("name", "")))
        except (OSError, EOFError, ValueError, AttributeError):
            pass

    def stop(self) -> None:
        """Closed, it would wait for the thread that reads it."""
        self.watch.link.sock.shutdown(socket.SHUT_RDWR)
        self.join()
        self.watch.close()

    def when(self, type_: str, name: str) -> float:
        """The last of that type; 0 when there was none."""
        return max((at for at, kind, about in self.seen if (kind, about) == (type_, name)), default=0)

    def count(self, type_: str, name: str) -> int:
        return sum((kind, about) == (type_, name) for _, kind, about in self.seen)


class Terminating(Controllers):
    def setUp(self):
        super().setUp()
        self.namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.other}}
        self.maps = [self.inside(config_map(f"m{number}", {"k": "1"}, annotations={"gitopsd.io/sync-wave": str(number % 3)}))
                     for number in range(MAPS)]

    def configure(self) -> None:
        super().configure()
        self.daemon.application["policy"]["propagation"] = "background"

    def inside(self, document: dict) -> dict:
        return {**document, "metadata": {**document["metadata"], "namespace": self.other}}

    def hold(self) -> dict:
        """Somebody's object that keeps the namespace from going."""
        foreign = self.inside(config_map("foreign", {"k": "1"}, finalizers=[HELD]))
        self.cluster.apply(foreign, manager="somebody")
        return foreign

    def let_go(self, foreign: dict) -> None:
        self.cluster.patch(foreign, {"metadata": {"finalizers": None}})

    def wait_emptied(self) -> None:
        """Nothing is left in it but what keeps it."""
        path = f"/api/v1/namespaces/{self.other}/configmaps"
        wait.until(lambda: [item["metadata"]["name"] for item in self.cluster.get(path)["items"]] == ["foreign"], "it is emptied", 60)

    def application(self) -> dict:
        return self.daemon.get("/v1/applications/web")

    def writes(self, since: int) -> list[str]:
        """Who wrote what into it since: the daemon applies, nobody else does."""
        return [event["objectRef"]["name"] for event in self.cluster.audited(verb="patch")[since:]
                if event["objectRef"].get("namespace") == self.other and "dryRun" not in event["requestURI"]
                and "fieldManager=gitopsd" in event["requestURI"]]

    def waits(self, text: str) -> dict:
        return wait.until(lambda: (status := self.daemon.status()) and text in (status["waits_for"] or "") and status, f"it waits for {text}")

    def wait_back(self) -> None:
        wait.until(lambda: all(self.cluster.exists(each) for each in self.maps), "all is back", 60)
        wait.until(lambda: self.daemon.status()["status"] == "synced", "all is well", 60)

    def assert_not_contested(self) -> None:
        self.assertIsNone(self.daemon.status()["contested"])
        self.assertNotIn("contested", self.daemon.program.log.read_text())


class Ours(Terminating):
    def test_made_again(self):
        """a declared namespace that somebody deletes: nothing is written while it goes, then all comes back at once, by waves"""
        self.sync(self.namespace, *self.maps)
        heals = self.application()["heals"]["count"]
        for time_ in (1, 2):
            foreign = self.hold()
            spaces = Events(self.cluster, "/api/v1/namespaces")
            maps = Events(self.cluster, f"/api/v1/namespaces/{self.other}/configmaps",
                          version=self.cluster.get(f"/api/v1/namespaces/{self.other}/configmaps")["metadata"]["resourceVersion"])
            self.addCleanup(spaces.stop)
            self.addCleanup(maps.stop)
            since = len(self.cluster.audited(verb="patch"))
            self.cluster.delete(self.namespace)
            self.wait_emptied()
            told = self.waits(f'namespace "{self.other}" to be gone, deleted by somebody at 20')
            wait.until(lambda: f"({MAPS + 1} resources)" in (self.daemon.status()["waits_for"] or ""), "all of it waits")
            self.assertEqual((told["status"], told["error"]), ("out_of_sync", None))
            self.assertEqual(self.writes(since), [])
            self.let_go(foreign)
            self.wait_back()
            wait.until(lambda maps=maps: all(maps.count("ADDED", each["metadata"]["name"]) for each in self.maps), "all was seen to come")
            self.assertEqual([maps.count("ADDED", each["metadata"]["name"]) for each in self.maps], [1] * MAPS)
            gone, back = spaces.when("DELETED", self.other), maps.when("ADDED", f"m{MAPS - 1}")
            print(f"back {max(maps.when('ADDED', each['metadata']['name']) for each in self.maps) - gone:.3f} s after it was gone")
            self.assertLess(back - gone, 10, "not by the next look, which is 30 s away")
            order = [int(name[1:]) % 3 for _, kind, name in maps.seen if kind == "ADDED" and name.startswith("m")]
            self.assertEqual(order, sorted(order), "by waves")
            self.assertEqual(self.application()["heals"]["count"], heals + time_)
            self.assert_not_contested()

    def test_commit_meanwhile(self):
        """a commit that comes while the namespace goes waits for that, says so, and is applied when it is gone"""
        self.sync(self.namespace, *self.maps)
        foreign = self.hold()
        self.cluster.delete(self.namespace)
        self.wait_emptied()
        changed = self.inside(config_map("m0", {"k": "2"}))
        event = self.daemon.accept(self.push(self.namespace, changed, *self.maps[1:], self.inside(config_map("new", {"k": "1"}))))
        said = f'waits for namespace "{self.other}" to be gone, deleted by somebody at 20'
        wait.until(lambda: said in (self.daemon.event(event)["reason"] or ""), "the event says so")
        self.assertEqual(self.daemon.event(event)["state"], "running")
        wait.until(lambda: said in (self.daemon.status()["error"] or ""), "status says so between two attempts")
        self.let_go(foreign)
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded", self.daemon.event(event))
        self.assertEqual(self.cluster.get(changed)["data"], {"k": "2"})
        self.assertTrue(self.cluster.exists(self.inside(config_map("new", {}))))
        self.wait_back()
        self.assert_not_contested()


class Others(Terminating):
    def test_comes_back(self):
        """a namespace that nobody declares: what is in it waits while it goes and while it is missing, and comes back with it"""
        self.cluster.apply(self.namespace)
        self.sync(*self.maps)
        foreign = self.hold()
        since = len(self.cluster.audited(verb="patch"))
        self.cluster.delete(self.namespace)
        self.wait_emptied()
        self.waits(f'namespace "{self.other}" to be gone, deleted by somebody at 20')
        self.let_go(foreign)
        self.waits(f'namespace "{self.other}", which does not exist')
        self.assertEqual(self.writes(since), [])
        self.assertEqual(self.daemon.status()["status"], "out_of_sync")
        self.cluster.apply(self.namespace)
        self.wait_back()
        self.assertEqual(self.application()["heals"]["count"], 1)
        self.assert_not_contested()

    def test_first_sync(self):
        """the first sync into a namespace that goes waits for it, and then for whoever makes it again"""
        self.cluster.apply(self.namespace)
        foreign = self.hold()
        self.cluster.delete(self.namespace)
        event = self.daemon.accept(self.push(*self.maps))
        wait.until(lambda: f'waits for namespace "{self.other}" to be gone' in (self.daemon.event(event)["reason"] or ""), "it waits")
        self.assertEqual(self.daemon.event(event)["state"], "running")
        self.let_go(foreign)
        wait.until(lambda: not self.cluster.exists(self.namespace), "it is gone", 60)
        self.cluster.apply(self.namespace)
        self.wait_back()
