"""Promise 2: exactly the commit that the event named, from the configured place, reached by its ref; and history says who."""
import json
import uuid

from lib import git_server, github, gitopsd, wait
from lib.case import Scene


class Exact(Scene):
    def test_promise_02_the_named_commit_and_not_the_tip(self):
        """promise 2: what is applied is the commit that the event named, though the branch is ahead of it"""
        self.converge({"one": "1\n"})
        named = self.commit({"one": "2\n"})
        self.commit({"one": "3\n"})
        self.daemon.push_and_wait(named)
        self.assert_files({"one": "2\n"})
        self.assertEqual(self.daemon.status()["revision"], named)

    def test_promise_02_commit_of_no_branch(self):
        """promise 2: a commit that the ref does not reach is never applied, and the error says so"""
        self.converge({"one": "1\n"})
        self.checkout.git("switch", "-q", "-c", "fork")
        stray = self.checkout.commit({"web/site.yaml": ""})
        self.checkout.push("fork")
        self.checkout.git("switch", "-q", "main")
        event = self.daemon.wait_ended(self.daemon.accept(stray))
        self.assertIn(event["state"], ("failed", "superseded"))
        self.assertIn(stray[:7], event["reason"])
        self.assert_files({"one": "1\n"})

    def test_promise_02_never_the_url_of_a_payload(self):
        """promise 2: the clone URL of a payload, signed as it is, is never asked"""
        other = git_server.HttpServer(self.folder / "git")
        self.addCleanup(other.stop)
        commit = self.commit({"one": "1\n"})
        body = github.push_body("example/infra", commit).replace(b"https://github.com", other.url.encode())
        answer = self.daemon.post(body, github.headers(gitopsd.SECRET, body))
        self.assertEqual(answer.status, 202)
        self.assertEqual(self.daemon.wait_ended(answer.json["event"])["state"], "succeeded")
        self.assert_files({"one": "1\n"})
        self.assertEqual(other.requests, [])

    def test_promise_02_annotated_tag(self):
        """promise 2: a tag object is peeled, and the commit is what history names"""
        self.daemon.application.pop("ref")
        self.daemon.application["tag"] = "v1.0.0"
        self.daemon.write_config()
        self.daemon.program.signal(1)
        self.daemon.program.wait_until(lambda: self.daemon.status()["ref"] == "refs/tags/v1.0.0", "it follows the tag")
        commit = self.commit({"one": "1\n"})
        self.checkout.git("tag", "-a", "v1.0.0", "-m", "release")
        self.checkout.push("v1.0.0")
        tag = self.checkout.git("rev-parse", "v1.0.0")
        self.assertNotEqual(tag, commit)
        self.daemon.push_and_wait(tag, ref="refs/tags/v1.0.0")
        self.assertEqual(self.daemon.status()["revision"], commit)

    def test_promise_02_history_says_who(self):
        """promise 2: history and audit say which delivery, person or rollback led to each sync"""
        delivery = str(uuid.uuid4())
        first = self.commit({"one": "1\n"})
        pushed = self.daemon.push_and_wait(first, delivery=delivery, who="grace")
        self.assertEqual((pushed["cause"], pushed["delivery"], pushed["hook"], pushed["actor"], pushed["body_signed"]),
                         ("push", delivery, "forge", "grace", True))
        self.converge({"one": "2\n"})
        self.daemon.ctl("rollback", "web")
        rolled = next(event for event in self.daemon.events() if event["cause"] == "rollback")
        me = self.daemon.get("/v1/version")["user"]
        self.assertEqual(rolled["actor"], me)
        self.daemon.wait_ended(rolled["id"])
        entries = [entry["entry"] for entry in self.daemon.get("/v1/audit?limit=1000")["entries"]]
        changes = [(e["cause"], e.get("who"), e.get("event"), e.get("commit")) for e in entries if e["action"] in ("create", "update")]
        self.assertEqual(changes[0], ("push", "grace", pushed["id"], first))
        self.assertEqual(changes[-1], ("rollback", me, rolled["id"], first))


class Signed(Scene):
    def configure(self):
        self.token = "a token of a GitLab hook"
        (self.folder / "token").write_text(self.token)
        self.daemon.config["hooks"].append({"name": "lab", "forge": "gitlab", "repositories": ["infra"],
                                            "secrets": [{"file": str(self.folder / "token")}]})
        self.daemon.config["repositories"][0].update(require="signed", poll="1s")

    def deliver_unsigned(self, commit: str) -> int:
        """As GitLab with a secret token: the sender is proven, but not the body."""
        body = json.dumps({"object_kind": "push", "ref": "refs/heads/main", "before": github.ZERO, "after": commit,
                           "checkout_sha": commit, "user_username": "ada", "commits": [], "project": {
                               "path_with_namespace": "example/infra", "web_url": "https://gitlab.example.com/example/infra",
                               "git_http_url": "https://gitlab.example.com/example/infra.git"}}).encode()
        answer = github.post(f"https://127.0.0.1:{self.daemon.port}/hooks/lab", body, {
            "Content-Type": "application/json", "X-Gitlab-Event": "Push Hook", "X-Gitlab-Event-UUID": str(uuid.uuid4()),
            "X-Gitlab-Token": self.token}, self.daemon.certificate.certificate)
        self.assertEqual(answer.status, 202, answer.body)
        return answer.json["event"]

    def test_promise_02_require_signed(self):
        """promise 2: with require: signed a poll and an unsigned delivery only report; a signed delivery brings the commit"""
        self.converge({"one": "1\n"})
        second = self.commit({"one": "2\n"})
        polled = wait.until(lambda: [e for e in self.daemon.events() if e["after"] == second and e["ended"]], "a poll found it")[-1]
        self.assertEqual(polled["cause"], "poll")
        self.assertIn("signed", polled["reason"])
        self.assertIn(second[:7], self.daemon.status()["waits_for"])
        self.assert_files({"one": "1\n"})
        unsigned = self.daemon.wait_ended(self.deliver_unsigned(second))
        self.assertFalse(unsigned["body_signed"])
        self.assertIn("signed", unsigned["reason"])
        self.assert_files({"one": "1\n"})
        # Drift is still put back, to what was signed.
        (self.target / "one").write_text("by hand\n")
        self.daemon.wait_file(self.target / "one", "1\n")
        self.daemon.push_and_wait(second)
        self.assert_files({"one": "2\n"})
        self.assertEqual(self.daemon.status()["status"], "synced")
