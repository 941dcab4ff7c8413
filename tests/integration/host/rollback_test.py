"""Promise 10: a rollback holds."""
from lib import wait
from lib.case import Scene


class Rollback(Scene):
    def test_rollback_holds(self):
        """a rollback restores the earlier bytes and keeps the bad commit away until a new one comes"""
        self.converge({"one": "good\n"}, "Good")
        bad = self.converge({"one": "bad\n"}, "Bad")
        self.daemon.ctl("rollback", "web")
        self.daemon.wait_file(self.target / "one", "good\n")
        wait.until(lambda: self.daemon.status()["quarantined"], "the bad commit is quarantined")
        self.daemon.deliver(bad)
        elsewhere = self.checkout.commit({"docs/x": "x\n"})
        self.checkout.push()
        self.daemon.push_and_wait(elsewhere, before=bad)
        self.assert_files({"one": "good\n"})
        (self.target / "one").write_text("by hand\n")
        self.daemon.wait_file(self.target / "one", "good\n")
        self.converge({"one": "better\n"}, "Better")

    def test_resume(self):
        """resume lifts the quarantine"""
        self.converge({"one": "good\n"})
        self.converge({"one": "bad\n"})
        self.daemon.ctl("rollback", "web")
        self.daemon.wait_file(self.target / "one", "good\n")
        wait.until(lambda: self.daemon.status()["phase"] == "idle", "the rollback is done")
        self.daemon.ctl("resume", "web")
        self.daemon.wait_file(self.target / "one", "bad\n")

    def test_without_the_forge(self):
        """a rollback needs no forge"""
        first = self.converge({"one": "1\n"})
        self.converge({"one": "2\n"})
        self.converge({"one": "3\n"})
        self.origin.directory.rename(self.folder / "gone")
        self.daemon.ctl("rollback", "web", "--to", first)
        self.daemon.wait_file(self.target / "one", "1\n")
