"""Promise 10: a rollback holds."""
from lib import wait
from lib.case import Scene


class Rollback(Scene):
    def test_promise_10_rollback_holds(self):
        """promise 10: a rollback restores the earlier bytes and keeps the bad commit away until a new one comes"""
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

    def test_promise_10_resume(self):
        """promise 10: resume lifts the quarantine"""
        self.converge({"one": "good\n"})
        self.converge({"one": "bad\n"})
        self.daemon.ctl("rollback", "web")
        self.daemon.wait_file(self.target / "one", "good\n")
        wait.until(lambda: self.daemon.status()["phase"] == "idle", "the rollback is done")
        self.daemon.ctl("resume", "web")
        self.daemon.wait_file(self.target / "one", "bad\n")

    def test_promise_10_to_a_commit_of_others(self):
        """promise 10: a commit that changed nothing of the application means what was in force at it, also without the forge"""
        self.converge({"one": "1\n"})
        elsewhere = self.checkout.commit({"docs/x": "x\n"})
        self.converge({"one": "2\n"})
        self.origin.directory.rename(self.folder / "gone")
        said = self.daemon.ctl("rollback", "web", elsewhere[:12])
        self.assertIn(f"which was in force at {elsewhere[:10]}", said)
        self.daemon.wait_file(self.target / "one", "1\n")

    def test_promise_10_without_the_forge(self):
        """promise 10: a rollback needs no forge"""
        first = self.converge({"one": "1\n"})
        self.converge({"one": "2\n"})
        self.converge({"one": "3\n"})
        self.origin.directory.rename(self.folder / "gone")
        self.daemon.ctl("rollback", "web", "--to", first)
        self.daemon.wait_file(self.target / "one", "1\n")

    def test_promise_10_holds_through_a_restart(self):
        """promise 10: a rollback holds through a restart, a redelivery, a poll and other people's commits"""
        self.daemon.config["repositories"][0]["poll"] = "1s"
        self.daemon.write_config()
        self.converge({"one": "good\n"})
        bad = self.converge({"one": "bad\n"})
        self.daemon.ctl("rollback", "web")
        self.daemon.wait_file(self.target / "one", "good\n")
        wait.until(lambda: self.daemon.status()["phase"] == "idle", "the rollback is done")
        self.assertEqual(self.daemon.program.stop(), 0)
        self.daemon.start()
        looked = self.daemon.get("/v1/repositories")["repositories"][0]["last_look"]
        wait.until(lambda: self.daemon.get("/v1/repositories")["repositories"][0]["last_look"] not in (None, looked), "it polled")
        self.daemon.wait_ended(self.daemon.accept(bad))
        self.assertTrue(self.daemon.status()["quarantined"])
        self.assert_files({"one": "good\n"})
        (self.target / "one").write_text("by hand\n")
        self.daemon.wait_file(self.target / "one", "good\n")
        self.converge({"one": "better\n"})

    def test_promise_10_ten_back(self):
        """promise 10: the tenth succeeded sync before is still there to go back to, and the eleventh says that it is not"""
        commits = [self.converge({"one": f"{number}\n"}) for number in range(12)]
        self.daemon.ctl("rollback", "web", "--to", commits[0], expect=2)  # refused, with what is kept
        self.origin.directory.rename(self.folder / "gone")
        self.daemon.ctl("rollback", "web", "--to", commits[2])
        self.daemon.wait_file(self.target / "one", "2\n")
