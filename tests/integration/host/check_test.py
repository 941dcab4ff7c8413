"""What a provider refuses is said with its words, before and after a configuration comes into force."""
import json
import subprocess

from lib import gitopsd, wait
from lib.case import Scene


class Refused(Scene):
    def check(self, status: int) -> str:
        self.daemon.write_config()
        done = subprocess.run([str(gitopsd.DAEMON), "--check-config", "--config", str(self.daemon.file)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout

    def reload(self, log: str) -> None:
        before = self.daemon.program.log.read_text().count(log)
        self.daemon.write_config()
        self.daemon.program.signal(1)
        wait.until(lambda: self.daemon.program.log.read_text().count(log) > before, log)

    def test_check(self):
        """--check-config asks each provider that is a program here, and says which it could not ask"""
        self.assertIn("1 hook, 1 repository, 1 destination, 1 application: valid", self.check(0))
        self.daemon.application["policy"]["pathes"] = ["/x"]
        said = self.check(78)
        self.assertRegex(said, rf"{self.daemon.file}:\d+:\d+: application web: policy: unknown key 'pathes' \(did you mean 'paths'")
        del self.daemon.application["policy"]["pathes"]
        destination = self.daemon.config["destinations"][0]
        destination["settings"] = {"root": "/"}
        self.assertRegex(self.check(78), rf"{self.daemon.file}:\d+:\d+: destination here: .*the host provider has no settings")
        del destination["settings"]
        destination["provider"] = "hosts"
        self.assertRegex(self.check(78), rf"{self.daemon.file}:\d+:\d+: destination here: there is no provider \"hosts\" \(did you mean \"host\"")
        destination["socket"] = "/nowhere/provider.sock"
        said = self.check(0)
        self.assertIn("not checked: destination here: its provider \"hosts\" answers only at /nowhere/provider.sock", said)
        self.assertIn(": valid", said)
        destination.update(provider="host")  # another process of that program can be asked
        self.assertNotIn("not checked", self.check(0))
        self.daemon.application["policy"]["pathes"] = ["/x"]
        self.assertIn("unknown key 'pathes'", self.check(78))

    def test_validate(self):
        """gitopsctl validate shows a configuration to the providers as --check-config does, and says what they doubt"""
        policy = self.daemon.application["policy"]
        policy["users"] = ["nobody-of-that-name"]
        self.assertRegex(self.check(0), rf"warning: {self.daemon.file}:\d+:\d+: application web: policy: there is no user 'nobody-of-that-name'")
        self.assertIn("warning: ", self.daemon.ctl("validate", str(self.daemon.file)))
        policy["allowedPats"] = policy.pop("paths")
        self.daemon.write_config()
        said = self.daemon.ctl("validate", str(self.daemon.file), expect=1)
        self.assertRegex(said, rf"{self.daemon.file}:\d+:\d+: application web: policy: unknown key 'allowedPats'")
        policy["pathes"] = policy.pop("allowedPats")
        self.daemon.write_config()
        self.assertIn("(did you mean 'paths'?)", self.daemon.ctl("validate", str(self.daemon.file), expect=1))

    def test_policy_at_reload(self):
        """a reload with a policy that the provider refuses is refused in the provider's words, and the old one stays"""
        self.converge({"one": "1\n"})
        self.daemon.application["policy"]["pathes"] = ["/x"]
        self.reload("is refused")
        self.assertIn("unknown key 'pathes'", self.daemon.get("/v1/status")["config_error"])
        self.converge({"one": "2\n"})

    def test_reload(self):
        """a reload with a provider that nobody has is refused, and the status says so until a good one comes"""
        self.converge({"one": "1\n"})
        self.daemon.config["destinations"][0]["provider"] = "hosts"
        self.reload("is refused")
        status = self.daemon.get("/v1/status")
        self.assertIn("there is no provider", status["config_error"])
        self.assertTrue(status["ready"])
        self.assertIn("the one before it stays in force", self.daemon.ctl("status"))
        self.assertEqual(self.daemon.get_health("/readyz"), 200)
        self.converge({"one": "2\n"})
        self.daemon.config["destinations"][0]["provider"] = "host"
        self.reload("configuration reloaded")
        self.assertIsNone(self.daemon.get("/v1/status")["config_refused"])


class Commands(Scene):
    def test_bare(self):
        """gitopsctl by itself lists its commands and fails"""
        done = subprocess.run([str(gitopsd.CTL)], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        for command in ("status", "approve", "reject", "rollback", "validate"):
            self.assertIn(f"\n  {command} ", done.stderr)

    def complaint(self, *arguments: object) -> dict:
        """The one JSON object that gitopsctl says on standard error when its command line is wrong."""
        done = subprocess.run([str(gitopsd.CTL), *map(str, arguments)], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        error = json.loads(done.stderr)["error"]
        self.assertTrue(error["hint"])
        return error

    def test_wrong_words(self):
        """with --output json a command line that is wrong is told in JSON like all errors"""
        self.assertIn("'statsu' (did you mean 'status'?)", self.complaint("-o", "json", "statsu")["message"])
        self.assertIn("APPLICATION", self.complaint("plan", "--output", "json")["message"])
        self.assertIn("--nothing", self.complaint("status", "--nothing", "--output=json")["message"])
        self.assertIn("--socket is empty", self.complaint("--socket", "", "--output", "json", "status")["message"])
        done = subprocess.run([str(gitopsd.CTL), "statsu"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("gitopsctl: there is no command 'statsu' (did you mean 'status'?)", done.stderr)

    def test_wrong_options(self):
        """gitopsd ends with 2 when its command line is wrong, which is no wrong configuration"""
        for arguments in (["--nothing"], ["--log-level", "loud"]):
            done = subprocess.run([str(gitopsd.DAEMON), *arguments], capture_output=True, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn("gitopsd --help", done.stderr)
        done = subprocess.run([str(gitopsd.DAEMON), "--version"], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_quiet_log(self):
        """the log has one line for a step, and no warning of a provider that the daemon itself stopped"""
        self.converge({"one": "1\n"})
        self.daemon.program.stop()
        log = self.daemon.program.log.read_text()
        steps = [line for line in log.splitlines() if "step" in line and str(self.target / "one") in line]
        self.assertEqual(len(steps), 1, log)
        self.assertIn("done", steps[0])
        self.assertNotIn("provider ended", log)

    def test_hook_add_from_another_folder(self):
        """hook add with a relative configuration prints paths that hold from anywhere"""
        done = subprocess.run([str(gitopsd.CTL), "hook", "add", "github", "--config", self.daemon.file.name],
                              cwd=self.daemon.directory, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"{self.daemon.directory}/credentials/github", done.stdout)
        self.assertIn(f"hooks in {self.daemon.file}", done.stdout)

    def test_reject(self):
        """approve and reject take only the sync that was looked at"""
        self.daemon.application["approve"] = True
        self.daemon.reload()
        event = self.daemon.accept(self.commit({"one": "1\n"}))
        held = wait.until(lambda: (s := self.daemon.status())["phase"] == "held" and s, "the sync is held")
        if "--sync" not in held["released_by"]:
            raise AssertionError(held)
        said = self.daemon.ctl("approve", "web", "--sync", str(held["sync"] + 100), expect=1)
        self.assertIn(f"sync {held['sync']}", said)
        self.daemon.ctl("reject", "web", "--sync", str(held["sync"]))
        self.assertEqual(self.daemon.wait_ended(event)["state"], "cancelled")
        self.assertIn("rejected by", self.daemon.event(event)["reason"])
        self.assert_files({})
