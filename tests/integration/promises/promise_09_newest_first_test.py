"""Promise 9: the newest commit ends the waits of an older one, never a step that has begun; waiting holds no worker."""
import re

from lib import wait
from lib.odd import OddScene


class Newest(OddScene):
    def outcome(self, event: int) -> str:
        return self.daemon.wait_ended(event)["state"]

    def begun(self) -> int:
        return sum(call.get("state") == "begun" for call in self.calls())

    def test_promise_09_ends_a_wait_for_health(self):
        """promise 9: a newer commit ends the wait for an older one's health"""
        old = self.daemon.accept(self.declare({"one": "sick"}))
        wait.until(lambda: self.daemon.status()["phase"] == "waiting_health", "the older waits")
        self.daemon.push_and_wait(self.declare({"one": "well"}))
        self.assertEqual((self.outcome(old), self.values()), ("superseded", {"one": "well"}))

    def test_promise_09_ends_the_retries(self):
        """promise 9: a newer commit ends the pauses between an older one's attempts"""
        old = self.daemon.accept(self.declare({"one": f"busy until {self.folder}/never"}))
        wait.until(lambda: (pause := re.search(r"tried again in (\d+)", str(self.daemon.status()["waits_for"])))
                   and int(pause[1]) >= 8, "the older pauses for long", 60)
        begun = self.begun()
        new = self.daemon.accept(self.declare({"one": "well"}))
        self.assertEqual(self.daemon.wait_ended(new)["state"], "succeeded")
        self.assertEqual(self.begun() - begun, 1, "the older one is not tried again before")
        self.assertEqual((self.outcome(old), self.values()), ("superseded", {"one": "well"}))

    def test_promise_09_not_a_step_that_has_begun(self):
        """promise 9: a step that has begun ends before the newer commit's begins"""
        gate = self.folder / "gate"
        old = self.daemon.accept(self.declare({"one": f"slow until {gate}"}))
        wait.until(lambda: any(call.get("state") == "begun" for call in self.calls()), "the older's step has begun")
        new = self.daemon.accept(self.declare({"one": "new"}))
        wait.until(lambda: self.daemon.event(new)["timings"]["fetched"] or self.fetched(new), "the newer one is known")
        self.assertEqual([call["state"] for call in self.calls() if call["call"] == "apply"], ["begun"])
        gate.touch()
        self.assertEqual(self.outcome(new), "succeeded")
        self.assertIn(self.outcome(old), ("succeeded", "superseded"))
        self.assertEqual([call["state"] for call in self.calls() if call["call"] == "apply"], ["begun", "ended"] * 2)
        self.assertEqual(self.values(), {"one": "new"})

    def fetched(self, event: int) -> bool:
        """The daemon's log tells of it before the store, which gets the times when the event ends."""
        commit = self.daemon.event(event)["after"]
        return self.daemon.status()["wanted"] == commit or \
            self.daemon.get("/v1/repositories")["repositories"][0]["last_look"] > self.daemon.event(event)["received"]

    def test_promise_09_heal_yields(self):
        """promise 9: a heal never supersedes a push: drift during a sync is put back after it, and the push succeeds"""
        gate = self.folder / "gate"
        self.daemon.push_and_wait(self.declare({"one": "1", "two": "2"}))
        event = self.daemon.accept(self.declare({"one": f"sick until {gate}"}))
        wait.until(lambda: self.daemon.status()["phase"] == "waiting_health", "the push waits for health")
        self.change_by_hand("two", "by hand")
        observed = len(self.calls())
        wait.until(lambda: len(self.calls()) > observed + 2, "the provider was looked at meanwhile")
        self.assertFalse(self.daemon.event(event)["ended"])
        gate.touch()
        self.assertEqual(self.outcome(event), "succeeded")
        wait.until(lambda: self.values()["two"] == "2", "the drift is put back")


class Two(OddScene):
    def configure(self):
        super().configure()
        self.daemon.config["applications"].append({**self.daemon.application, "name": "api", "path": "api"})

    def test_promise_09_what_failed_does_not_succeed_afterwards(self):
        """promise 9: an event of which one application failed until a newer commit came says so, not that it succeeded"""
        commit = self.checkout.commit({"web/one.yaml": self.entry("one", value="well"),
                                       "api/two.yaml": self.entry("two", value=f"busy until {self.folder}/never")})
        self.checkout.push()
        old = self.daemon.accept(commit)
        wait.until(lambda: self.daemon.status()["revision"] == commit, "the one is in sync")
        wait.until(lambda: self.daemon.status("api")["phase"] == "backing_off", "the other is tried again")
        newer = self.declare({"two": "well"}, "api")
        self.daemon.push_and_wait(newer)
        event = self.daemon.wait_ended(old)
        self.assertEqual(event["state"], "superseded")
        self.assertIn(f"1 application in sync; api was superseded by {newer[:10]}; its last attempt failed: ", event["reason"])
        self.assertIn("it is busy", event["reason"])
        self.assertIn("api was superseded by", self.daemon.ctl("show", str(old)))


class Thousand(OddScene):
    SICK = 1000

    def configure(self):
        super().configure()
        first = self.daemon.config["applications"].pop()
        self.daemon.config["applications"] = [
            {**first, "name": f"sick-{n}", "path": f"sick-{n}", "health_timeout": "1h"} for n in range(self.SICK)]
        self.daemon.config["applications"].append({**first, "name": "web", "path": "web"})

    def phases(self) -> dict[str, str]:
        return {a["name"]: a["phase"] for a in self.daemon.get("/v1/status")["applications"]}

    def all_wait(self) -> bool:
        return all(phase == "waiting_health" for name, phase in self.phases().items() if name != "web")

    def test_promise_09_a_thousand_that_never_become_healthy(self):
        """promise 9: 1,000 applications that never become healthy do not delay the 1,001st"""
        commit = self.checkout.commit({f"sick-{n}/a.yaml": self.entry(f"sick-{n}", value="sick") for n in range(self.SICK)})
        self.checkout.push()
        event = self.daemon.accept(commit)
        self.daemon.program.wait_until(self.all_wait, "a thousand wait for their health", 240)
        for number in range(3):
            commit = self.declare({"one": f"{number}"})
            self.daemon.accept(commit)  # whose event also stands for the others, which have not got there yet
            self.daemon.program.wait_until(lambda: self.daemon.status()["revision"] == commit, "the 1,001st is in sync", 30)
            self.assertEqual(self.values()["one"], f"{number}")
        # Still so: each of them went on waiting meanwhile, and the event of all of them is open.
        self.assertTrue(self.all_wait(), self.phases())
        self.assertFalse(self.daemon.event(event)["ended"])
