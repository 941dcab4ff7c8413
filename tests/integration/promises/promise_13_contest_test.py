"""Promise 13: two controllers that fight are seen, slowed down and named once."""
import threading

from lib import wait
from lib.case import Scene


class Fighter(threading.Thread):
    """Writes its own content whenever the other's is there."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.ending, self.writes = path, threading.Event(), 0

    def run(self):
        while not self.ending.wait(0.002):
            try:
                if self.path.read_text() != "the other's\n":
                    self.path.write_text("the other's\n")
                    self.writes += 1
            except FileNotFoundError:
                pass


class Contest(Scene):
    def heals(self) -> int:
        return len([s for s in self.daemon.get("/v1/applications/web/syncs?limit=500")["syncs"] if s["kind"] == "heal"])

    def test_promise_13_contested(self):
        """promise 13: the first heal comes at once, the third within a minute is Contested, said once, and slowed down from there"""
        self.converge({"one": "1\n", "two": "2\n"})
        fighter = Fighter(self.target / "one")
        fighter.start()
        self.addCleanup(fighter.ending.set)
        wait.until(lambda: self.daemon.status()["status"] == "contested", "it is contested", 20)
        self.assertGreaterEqual(self.heals(), 2)
        self.assertIn("/one", str(self.daemon.status()))
        # Another resource of the application heals at once all the same, and the fight stays slow.
        (self.target / "two").write_text("by hand\n")
        self.daemon.wait_file(self.target / "two", "2\n", 20)
        self.assertLess(self.heals(), 10)
        self.assertLess(fighter.writes, 10)
        fighter.ending.set()
        fighter.join()
        self.assertEqual(self.daemon.program.log.read_text().count("contested"), 1)
        self.converge({"one": "new\n", "two": "2\n"})
