"""Promise 8: what cannot be compared is Unknown, never Synced; success is said only after health."""
from lib import wait
from lib.odd import OddScene


class Unknown(OddScene):
    def test_promise_08_unknown_is_not_synced(self):
        """promise 8: what the provider cannot compare is unknown, with its reason: just applied, and long after a success"""
        event = self.daemon.accept(self.declare({"one": "unknown", "two": "2"}))
        status = wait.until(lambda: (s := self.daemon.status())["phase"] == "waiting_health" and s, "it waits")
        self.assertNotEqual((status["status"], status["health"]), ("synced", "healthy"))
        self.assertIn("nobody can tell", status["waits_for"])
        self.assertFalse(self.daemon.event(event)["ended"])

        fog = self.folder / "fog"
        self.daemon.push_and_wait(self.declare({"one": f"seen until {fog}"}))
        self.assertEqual(self.daemon.status()["status"], "synced")
        fog.touch()
        self.change_by_hand("two", "by hand")
        status = wait.until(lambda: (s := self.daemon.status())["status"] == "unknown" and s, "it is unknown")
        self.assertIn("nobody can tell", str(status))
        wait.until(lambda: self.values()["two"] == "2", "what could be compared is put back all the same")
        fog.unlink()
        self.change_by_hand("two", "by hand again")
        wait.until(lambda: self.daemon.status()["status"] == "synced", "it is known again")

    def test_promise_08_success_only_after_health(self):
        """promise 8: an event that is applied but not healthy yet has not succeeded: not in history, audit, status or metrics"""
        gate = self.folder / "gate"
        self.daemon.push_and_wait(self.declare({"one": "1"}))
        succeeded = self.daemon.get("/v1/status")["events"]["succeeded"]
        commit = self.declare({"one": f"sick until {gate}"})
        event = self.daemon.accept(commit)
        status = wait.until(lambda: (s := self.daemon.status())["phase"] == "waiting_health" and s, "it waits for health")
        self.assertEqual(self.values()["one"], f"sick until {gate}", "it is applied")
        self.assertNotEqual((status["status"], status["health"]), ("synced", "healthy"))
        self.assertNotEqual(status["revision"], commit)
        self.assertIn("it is sick", status["waits_for"])
        sync = self.daemon.get(f"/v1/events/{event}")["syncs"][0]
        self.assertEqual((sync["state"], sync["timings"]["healthy"]), ("waiting_health", None))
        self.assertFalse(self.daemon.event(event)["ended"])
        self.assertEqual(self.daemon.get("/v1/status")["events"]["succeeded"], succeeded)
        gate.touch()
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        status = self.daemon.status()
        self.assertEqual((status["status"], status["health"], status["revision"]), ("synced", "healthy", commit))

    def test_promise_08_never_healthy_fails(self):
        """promise 8: what does not become healthy in time has failed, and says what it waited for"""
        self.daemon.application["health_timeout"] = "1s"
        self.daemon.reload()
        event = self.daemon.push_and_wait(self.declare({"one": "sick"}), state="failed")
        self.assertIn("it is sick", event["error"])
        self.assertIn("key:one", event["error"])

    def test_promise_08_heal_hides_no_failure(self):
        """promise 8: after a push that failed the application is not Synced, whatever is healed meanwhile"""
        self.daemon.push_and_wait(self.declare({"one": "1", "two": "2"}))
        commit = self.checkout.commit({"web/one.yaml": "a: 1\na: 2\n"})
        self.checkout.push()
        self.daemon.push_and_wait(commit, state="failed")
        self.change_by_hand("two", "by hand")
        wait.until(lambda: self.values()["two"] == "2", "the drift is put back")
        wait.until(lambda: [s for s in self.daemon.get("/v1/applications/web/syncs")["syncs"]
                            if s["kind"] == "heal" and s["state"] == "succeeded"], "the heal has ended")
        status = wait.until(lambda: (s := self.daemon.status())["phase"] == "idle" and s, "nothing more is done")
        self.assertEqual(status["status"], "out_of_sync")
        self.assertIn("web/one.yaml:2:1", status["error"])
        # Nor after a restart, which tries once more what had not succeeded.
        self.assertEqual(self.daemon.program.stop(), 0)
        self.daemon.start()
        wait.until(lambda: "web/one.yaml:2:1" in (self.daemon.status()["error"] or ""), "it failed again")
        self.assertEqual(self.daemon.status()["status"], "out_of_sync")
