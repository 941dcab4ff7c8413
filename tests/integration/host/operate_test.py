"""The operator's side: plan, replay, reload, restart."""
import json

from lib import manifest, wait
from lib.case import Scene


class Operate(Scene):
    def test_plan_changes_nothing(self):
        """plan shows the steps with their diff and changes nothing"""
        self.converge({"one": "1\n"})
        self.commit({"one": "2\n", "two": "2\n"})
        plan = json.loads(self.daemon.ctl("plan", "web", "--output", "json"))
        self.assertEqual((plan["summary"]["update"], plan["summary"]["create"]), (1, 1))
        diffs = "".join(step["diff"] or "" for step in plan["steps"])
        self.assertIn("-1", diffs)
        self.assertIn("+2", diffs)
        self.assert_files({"one": "1\n"})
        self.daemon.ctl("sync", "web")
        self.daemon.wait_file(self.target / "two", "2\n")

    def test_replay(self):
        """a failed event that can now succeed is replayed"""
        allowed = self.daemon.application["policy"]
        self.daemon.application["policy"] = {"paths": ["/nowhere"]}
        self.daemon.reload()
        event = self.daemon.push_and_wait(self.commit({"one": "1\n"}), state="failed")
        self.daemon.application["policy"] = allowed
        self.daemon.reload()
        self.daemon.ctl("replay", str(event["id"]))
        self.assert_files({"one": "1\n"})
        replayed = next(event for event in self.daemon.events() if event["cause"] == "replay")
        self.assertEqual((replayed["state"], replayed["after"]), ("succeeded", event["after"]))

    def test_came_right(self):
        """an event that failed says what came right since, and nothing of it is left to replay"""
        allowed = self.daemon.application["policy"]
        self.daemon.application["policy"] = {"paths": ["/nowhere"]}
        self.daemon.reload()
        event = self.daemon.push_and_wait(self.commit({"one": "1\n"}), state="failed")
        self.assertEqual((event["came_right"], event["reason"]), (None, "1 application failed"))
        self.daemon.application["policy"] = allowed
        self.daemon.reload()
        self.daemon.program.wait_until(lambda: self.daemon.status()["status"] == "synced", "the policy lets it")
        now = self.daemon.event(event["id"])
        self.assertEqual((now["state"], now["error"]), ("failed", event["error"]))
        self.assertIn(f"by sync {self.daemon.status()['sync']} ({event['after'][:7]}", now["reason"])
        self.assertIsNotNone(now["came_right"])
        self.assertIn("failed; came right at ", self.daemon.ctl("events"))
        self.assertIn("nothing failed", self.daemon.ctl("replay", "--failed"))

    def test_reload_refuses_bad_configuration(self):
        """SIGHUP with a bad file leaves the old configuration in force"""
        self.converge({"one": "1\n"})
        good = self.daemon.file.read_text()
        self.daemon.file.write_text(good.replace("applications:", "aplications:"))
        self.daemon.program.signal(1)
        self.daemon.program.wait_until(lambda: "did you mean" in self.daemon.program.log.read_text(), "the refusal is logged")
        self.daemon.file.write_text(good)
        self.converge({"one": "2\n"})

    def test_reload_adds_application(self):
        """SIGHUP brings a new application in without a restart"""
        self.converge({"one": "1\n"})
        pid = self.daemon.program.pid
        second = self.folder / "second"
        second.mkdir()
        self.daemon.config["applications"].append(
            {"name": "more", "repository": "infra", "ref": "main", "path": "more", "destination": "here",
             "policy": {"paths": [str(second)]}})

        commit = self.checkout.commit({"more/a.yaml": manifest.file(second / "a", "a\n")})
        self.checkout.push()
        self.daemon.write_config()
        self.daemon.program.signal(1)
        wait.until(lambda: len(self.daemon.get("/v1/status")["applications"]) == 2, "the application is known")
        self.daemon.push_and_wait(commit)
        self.daemon.wait_file(second / "a", "a\n")
        self.assertEqual((self.daemon.program.pid, self.daemon.program.running()), (pid, True))

    def test_restart_in_the_middle(self):
        """what was accepted before a stop is applied after the start"""
        contents = {f"file-{number}": f"{number}\n" for number in range(300)}
        commit = self.commit(contents)
        event = self.daemon.accept(commit)
        self.assertEqual(self.daemon.program.stop(), 0)
        self.daemon.start()
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assert_files(contents)

    def test_listings(self):
        """events, show, status, hooks and audit tell of what happened"""
        commit = self.converge({"one": "1\n"})
        number = str(self.daemon.events()[0]["id"])
        self.assertIn(commit[:7], self.daemon.ctl("events"))
        self.assertIn("succeeded", self.daemon.ctl("show", number))
        self.assertIn("web", self.daemon.ctl("status"))
        self.assertIn("/hooks/forge", self.daemon.ctl("hooks"))
        self.daemon.ctl("audit", "--verify")
        self.assertEqual(json.loads(self.daemon.ctl("events", "--output", "json"))["events"][0]["after"], commit)
