"""What waits for a person says so, and goes on when told."""
from lib import wait
from lib.case import Scene


class Approve(Scene):
    def configure(self):
        self.daemon.application["approve"] = True

    def test_approve(self):
        """approve: true holds every plan until somebody approves it"""
        commit = self.commit({"one": "1\n"})
        event = self.daemon.accept(commit)
        status = wait.until(lambda: (s := self.daemon.status())["phase"] == "held" and s, "the sync is held")
        self.assertIn("approve", status["released_by"])
        self.assert_files({})
        self.assertIn("one", self.daemon.ctl("plan", "web"))
        self.daemon.ctl("approve", "web")
        self.daemon.wait_file(self.target / "one", "1\n")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")

    def test_number_survives(self):
        """what is held keeps its number over a restart and a crash, and is approved by that"""
        event = self.daemon.accept(self.commit({"one": "1\n"}))
        held = self.held()
        for end in (self.daemon.program.stop, self.daemon.program.kill):
            end()
            self.daemon.start()
            again = self.held()
            self.assertEqual((again["sync"], again["released_by"]), (held["sync"], held["released_by"]))
        self.assertIn("one", self.daemon.ctl("plan", "web"))
        self.daemon.ctl("approve", "web", "--sync", str(held["sync"]))
        self.daemon.wait_file(self.target / "one", "1\n")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")

    def held(self) -> dict:
        return wait.until(lambda: (s := self.daemon.status())["phase"] == "held" and s, "the sync is held")

    def test_newer_supersedes_held(self):
        """a newer push replaces the plan that waits"""
        first = self.commit({"one": "1\n"})
        self.daemon.accept(first)
        wait.until(lambda: self.daemon.status()["phase"] == "held", "the first is held")
        second = self.commit({"one": "2\n"})
        self.daemon.accept(second)
        wait.until(lambda: (s := self.daemon.status())["phase"] == "held" and s["wanted"] == second, "the second is held")
        self.daemon.ctl("approve", "web")
        self.daemon.wait_file(self.target / "one", "2\n")
        states = {event["after"]: self.daemon.wait_ended(event["id"])["state"] for event in self.daemon.events()}
        self.assertEqual(states, {first: "superseded", second: "succeeded"})


class Suspended(Scene):
    def test_suspend_and_resume(self):
        """a suspended application changes nothing until the configuration resumes it"""
        self.converge({"one": "1\n"})
        self.daemon.application["suspended"] = True
        self.reload()
        wait.until(lambda: self.daemon.status()["suspended"], "the application is suspended")
        commit = self.commit({"one": "2\n"})
        self.daemon.accept(commit)
        wait.until(lambda: self.daemon.status()["released_by"], "it says what releases it")
        self.assert_files({"one": "1\n"})
        self.daemon.application["suspended"] = False
        self.reload()
        self.daemon.wait_file(self.target / "one", "2\n")

    def reload(self):
        self.daemon.write_config()
        self.daemon.program.signal(1)
