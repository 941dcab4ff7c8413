"""The usual scene: a repository behind smart HTTP, a gitopsd that follows it, a folder that it may change."""
import shutil
import tempfile
import unittest
from pathlib import Path

from . import git, git_server, gitopsd, manifest, wait


class Scene(unittest.TestCase):
    """Each test gets all of it anew. Tests that want another configuration change `self.daemon` in `configure`."""

    reachable = True  # whether its destinations can be reached from the start

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="gitopsd-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.origin = git.Origin(self.folder / "git")
        self.checkout = self.origin.checkout
        self.server = git_server.HttpServer(self.folder / "git")
        self.addCleanup(self.server.stop)
        self.daemon = gitopsd.Gitopsd(self.folder / "daemon", f"{self.server.url}/infra.git")
        self.target = self.daemon.target
        self.configure()
        self.addCleanup(self.end_daemon)
        self.daemon.start(self.reachable)
        # Its look at the start would take a commit that is pushed now, before the delivery does.
        wait.until(lambda: all(one["last_look"] or one["error"] for one in self.daemon.get("/v1/repositories")["repositories"]
                               if one["name"] == "infra"), "the repository was looked at")

    def configure(self) -> None:
        pass

    def end_daemon(self) -> None:
        """It must stop when asked, after every test; what it said is shown when the test failed."""
        if self._outcome.result and any(test is self for test, _ in self._outcome.result.failures + self._outcome.result.errors):
            print(f"---- end of {self.daemon.program.log}\n{self.daemon.program.tail(60)}", flush=True)
        if self.daemon.program.running():
            self.assertEqual(self.daemon.program.stop(), 0, "gitopsd's exit status")

    def commit(self, contents: dict[str, str], message: str = "Change", **more: str | bytes | None) -> str:
        """Declares Files of the target folder (name -> content), each in a document of one file, and pushes the commit."""
        commit = self.checkout.commit({"web/site.yaml": manifest.files(self.target, contents) if contents else "", **more}, message)
        self.checkout.push()
        return commit

    def converge(self, contents: dict[str, str], message: str = "Change") -> str:
        """The same, delivered and applied; returns the commit."""
        commit = self.commit(contents, message)
        self.daemon.push_and_wait(commit)
        self.assert_files(contents)
        return commit

    def assert_files(self, contents: dict[str, str]) -> None:
        """The target folder holds exactly these."""
        found = {path.name: path.read_text() for path in self.target.iterdir()}
        self.assertEqual(found, contents)
