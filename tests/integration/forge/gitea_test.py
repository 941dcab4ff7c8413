"""A real forge: Gitea sends its own signed webhook on a real `git push`, and the host converges."""
import shutil
import tempfile
import unittest
from pathlib import Path

from lib import forge, git, gitopsd, manifest


class Gitea(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="gitopsd-forge-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.forge = forge.Forge(cls.folder / "gitea").start()
        cls.addClassCleanup(cls.forge.stop)

    def setUp(self):
        """A repository and a gitopsd for each test, joined by a hook of the forge's."""
        self.name = self.id().rsplit(".", 1)[1].replace("_", "-")
        folder = self.folder / self.name
        self.checkout = git.Checkout(folder / "checkout", self.forge.make_repository(self.name))
        (folder / "password").write_text(forge.PASSWORD + "\n")
        self.daemon = gitopsd.Gitopsd(
            folder / "daemon", self.forge.clone_url(self.name),
            repository={"user": forge.USER, "token": {"file": str(folder / "password")}, "aliases": []})
        self.target = self.daemon.target
        self.daemon.start()
        self.addCleanup(self.daemon.program.stop)
        self.url = f"https://127.0.0.1:{self.daemon.port}/hooks/forge"
        self.hook = self.forge.make_hook(self.name, self.url, gitopsd.SECRET, ("push", "create", "delete"))

    def push(self, contents: dict[str, str]) -> str:
        commit = self.checkout.commit({"web/site.yaml": manifest.files(self.target, contents)})
        self.checkout.push()
        return commit

    def wait_event(self, commit: str, state: str = "succeeded") -> dict:
        self.daemon.program.wait_until(lambda: [e for e in self.daemon.events() if e["after"] == commit and e["ended"]],
                                       f"the event of {commit[:7]} ends", 90)
        event = next(event for event in self.daemon.events() if event["after"] == commit)
        self.assertEqual(event["state"], state, event)
        return event

    def test_push(self):
        """git push to the forge: its webhook arrives and the host converges, again and again"""
        for number in range(3):
            event = self.wait_event(self.push({"one": f"{number}\n", "two": "2\n"}))
            self.assertEqual((self.target / "one").read_text(), f"{number}\n")
            self.assertEqual((event["cause"], event["actor"], event["body_signed"]), ("push", forge.USER, True))
        self.assertEqual(self.daemon.get("/v1/hooks")["refused"], [])

    def test_edit_at_the_forge(self):
        """a commit made in the forge's own editor arrives just so"""
        self.wait_event(self.push({"one": "1\n"}))
        path = "web/more.yaml"
        text = manifest.file(self.target / "more", "made at the forge\n")
        made = self.forge.api("POST", f"/repos/{forge.USER}/{self.name}/contents/{path}",
                              {"content": forge.encode(text), "message": "More", "branch": "main"})
        self.wait_event(made["commit"]["sha"])
        self.assertEqual((self.target / "more").read_text(), "made at the forge\n")

    def test_deleted_branch(self):
        """a branch deleted at the forge prunes nothing"""
        self.wait_event(self.push({"one": "1\n"}))
        self.checkout.git("push", "-q", "origin", "main:other")
        self.checkout.git("push", "-q", "origin", ":other")
        # Its creation, its push and its deletion concern no application here: answered, and told apart from an error.
        self.daemon.program.wait_until(lambda: self.daemon.get("/v1/hooks")["counters"]["ignored"] >= 3, "all three arrived")
        self.assertEqual(self.daemon.get("/v1/hooks")["refused"], [])
        self.assertEqual((self.target / "one").read_text(), "1\n")

    def test_wrong_secret(self):
        """a hook with another secret changes nothing, and the operator sees why"""
        self.forge.api("DELETE", f"/repos/{forge.USER}/{self.name}/hooks/{self.hook}")
        self.forge.make_hook(self.name, self.url, "not the one that was agreed")
        self.push({"one": "1\n"})
        self.daemon.program.wait_until(lambda: self.daemon.get("/v1/hooks")["refused"], "the refusal is listed")
        self.assertEqual(self.daemon.get("/v1/hooks")["refused"][0]["status"], 401)
        self.assertEqual((self.daemon.events(), list(self.target.iterdir())), ([], []))
