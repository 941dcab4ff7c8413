"""What somebody changes by hand is put back, reported or left, as the policy says."""
from lib import wait
from lib.case import Scene


class Heal(Scene):
    def test_content(self):
        """changed content is put back"""
        self.converge({"one": "1\n", "two": "2\n"})
        (self.target / "one").write_text("by hand\n")
        self.daemon.wait_file(self.target / "one", "1\n")

    def test_mode_removal_and_kind(self):
        """a changed mode, a removed file, a file turned into a folder are put back"""
        self.converge({"one": "1\n", "two": "2\n", "three": "3\n"})
        (self.target / "one").chmod(0o777)
        (self.target / "two").unlink()
        wait.until(lambda: (self.target / "one").stat().st_mode & 0o777 == 0o644, "the mode is put back")
        self.daemon.wait_file(self.target / "two", "2\n")
        (self.folder / "link").symlink_to("/etc/passwd")
        (self.folder / "link").replace(self.target / "three")
        wait.until(lambda: not (self.target / "three").is_symlink(), "the planted link is gone")
        self.daemon.wait_file(self.target / "three", "3\n")

    def test_recorded(self):
        """a heal is in the history and in the audit chain, which verifies"""
        self.converge({"one": "1\n"})
        (self.target / "one").write_text("by hand\n")
        self.daemon.wait_file(self.target / "one", "1\n")
        heals = wait.until(lambda: [sync for sync in self.daemon.get("/v1/applications/web/syncs")["syncs"]
                                    if sync["kind"] == "heal" and sync["state"] == "succeeded"], "a heal is recorded")
        self.assertEqual(len(heals), 1)
        self.assertIsNone(heals[0]["event"])
        entries = [entry["entry"] for entry in self.daemon.get("/v1/audit?limit=1000")["entries"]]
        self.assertEqual([(entry["action"], entry["cause"]) for entry in entries], [("create", "push"), ("update", "drift")])
        self.assertTrue(self.daemon.act("/v1/audit/verify")["intact"])

    def test_while_stopped(self):
        """what was changed while the daemon was down is put back at its start"""
        self.converge({"one": "1\n"})
        self.assertEqual(self.daemon.program.stop(), 0)
        (self.target / "one").write_text("by hand\n")
        self.daemon.start()
        self.daemon.wait_file(self.target / "one", "1\n")

    def test_foreign_file(self):
        """a file that the commit does not declare is left alone"""
        self.converge({"one": "1\n"})
        (self.target / "mine").write_text("mine\n")
        (self.target / "one").write_text("by hand\n")
        self.daemon.wait_file(self.target / "one", "1\n")
        self.assert_files({"one": "1\n", "mine": "mine\n"})


class Report(Scene):
    def configure(self):
        self.daemon.application["drift"] = "report"

    def test_reported(self):
        """with drift: report the difference is shown and nothing is changed"""
        self.converge({"one": "1\n"})
        (self.target / "one").write_text("by hand\n")
        wait.until(lambda: self.daemon.status()["status"] == "out_of_sync", "the drift is reported")
        self.assert_files({"one": "by hand\n"})
        self.daemon.ctl("sync", "web")
        self.daemon.wait_file(self.target / "one", "1\n")
