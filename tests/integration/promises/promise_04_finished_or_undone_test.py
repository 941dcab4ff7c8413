"""Promise 4: a sync that was cut off, or failed half-way, is finished or undone by the next.

That what was cut off by a kill -9 is finished is faults/kill_test.py; which effect steps run again is decided in
tests/unit/sync, until a provider has effect steps.
"""
import os
import signal
from pathlib import Path

from lib import namespace, wait
from lib.case import Scene
from lib.odd import OddScene


class HalfWay(Scene):
    def configure(self):
        """One of three folders is read-only to the provider, until a test lets it be written."""
        self.space = namespace.Namespace()
        self.addCleanup(self.space.stop)
        self.locked = self.target / "locked"
        self.locked.mkdir()
        (self.locked / "f3").write_text("A\n")
        self.space.make_read_only(self.locked)
        self.daemon.program.command = self.space.command(*self.daemon.program.command)

    def half(self, text: str, third: str | None = None) -> str:
        return self.commit({"f1": text, "f2": text, "locked/f3": third or text})

    def contents(self) -> list[str]:
        return [(self.target / name).read_text() for name in ("f1", "f2", "locked/f3")]

    def fail_half_way(self) -> tuple[str, str]:
        """A is there, B fails after two of its three files were written."""
        first = self.half("A\n")
        self.daemon.push_and_wait(first)
        second = self.half("B\n")
        event = self.daemon.wait_ended(self.daemon.accept(second, before=first), 60)
        self.assertEqual(event["state"], "failed", event)
        self.assertIn("f3", event["error"])
        self.assertEqual(self.contents(), ["B\n", "B\n", "A\n"], "it failed half-way")
        return first, second

    def test_promise_04_revert_after_half_a_sync(self):
        """promise 4: a revert after a sync that failed half-way takes back what was written"""
        self.fail_half_way()
        self.checkout.git("revert", "--no-edit", "HEAD")
        self.checkout.push()
        self.daemon.push_and_wait(self.checkout.head())
        self.assertEqual(self.contents(), ["A\n", "A\n", "A\n"])

    def test_promise_04_forced_back_after_half_a_sync(self):
        """promise 4: so does a branch that is forced back"""
        first, second = self.fail_half_way()
        self.checkout.git("reset", "-q", "--hard", first)
        self.checkout.push(force=True)
        self.daemon.push_and_wait(first, before=second, forced=True)
        self.assertEqual(self.contents(), ["A\n", "A\n", "A\n"])

    def test_promise_04_half_a_sync_is_finished(self):
        """promise 4: what failed half-way is finished once it can be, and writes only what is missing"""
        _, second = self.fail_half_way()
        written = (self.target / "f1").stat().st_ino
        self.space.make_writable(self.locked)
        self.daemon.ctl("sync", "web")
        self.assertEqual(self.contents(), ["B\n", "B\n", "B\n"])
        self.assertEqual((self.target / "f1").stat().st_ino, written)
        self.assertEqual(self.daemon.status()["revision"], second)

    def test_promise_04_rollback_after_half_a_sync(self):
        """promise 4: a rollback after a sync that failed half-way takes back what was written"""
        self.fail_half_way()
        self.daemon.ctl("rollback", "web", "--to", self.checkout.git("rev-parse", "HEAD^"))
        wait.until(lambda: self.contents() == ["A\n", "A\n", "A\n"], "all three hold what A declares")


class CutOff(OddScene):
    def test_promise_04_cut_off_by_a_stop(self):
        """promise 4: a step that had begun when the daemon was killed is found out about, and the commit ends succeeded"""
        gate = self.folder / "gate"
        self.daemon.push_and_wait(self.declare({"one": "1", "two": "1"}))
        self.forget_calls()
        commit = self.declare({"one": f"slow until {gate}", "two": "2"})
        event = self.daemon.accept(commit)
        wait.until(lambda: any(call.get("state") == "begun" for call in self.calls()), "the steps have begun")
        self.daemon.program.kill()
        gate.touch()
        self.daemon.start()
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assertEqual(self.values(), {"one": f"slow until {gate}", "two": "2"})

    def provider(self) -> int:
        """Its process: the daemon's only child."""
        tasks = Path(f"/proc/{self.daemon.program.pid}/task").glob("*/children")
        pids = [int(pid) for children in tasks for pid in children.read_text().split()]
        self.assertEqual(len(pids), 1, pids)
        return pids[0]

    def test_promise_04_cut_off_by_a_crash(self):
        """promise 4: so is one whose provider crashed, which the log and the sync that was cut off say with the signal"""
        gate = self.folder / "gate"
        self.daemon.push_and_wait(self.declare({"one": "1"}))
        self.forget_calls()
        event = self.daemon.accept(self.declare({"one": f"slow until {gate}"}))
        wait.until(lambda: any(call.get("state") == "begun" for call in self.calls()), "the step has begun")
        os.kill(self.provider(), signal.SIGSEGV)
        gate.touch()
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assertEqual(self.values(), {"one": f"slow until {gate}"})
        for told in (self.daemon.ctl("show", str(event)), self.daemon.program.log.read_text()):
            self.assertIn("its provider was ended by signal 11 (SIGSEGV)", told)
