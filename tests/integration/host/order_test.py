"""Promises 2 and 3: exactly the named commit, in the order of the history."""
from lib import git, github
from lib.case import Scene


class Order(Scene):
    def test_late_delivery(self):
        """an older commit that is delivered late is superseded"""
        first = self.commit({"one": "1\n"})
        second = self.commit({"one": "2\n"})
        self.daemon.push_and_wait(second, before=first)
        self.daemon.push_and_wait(first, state="superseded")
        self.assert_files({"one": "2\n"})

    def test_forced_back(self):
        """a branch that is forced back takes the host back"""
        first = self.converge({"one": "1\n"})
        second = self.converge({"one": "2\n"})
        self.checkout.git("reset", "-q", "--hard", first)
        self.checkout.push(force=True)
        self.daemon.push_and_wait(first, before=second, forced=True)
        self.assert_files({"one": "1\n"})

    def test_commit_of_no_branch(self):
        """a commit that the ref does not reach is never applied, and the error says so"""
        self.converge({"one": "1\n"})
        self.checkout.git("switch", "-q", "-c", "fork")
        stray = self.checkout.commit({"web/site.yaml": ""})
        self.checkout.push("fork")
        self.checkout.git("switch", "-q", "main")
        event = self.daemon.wait_ended(self.daemon.accept(stray))
        self.assertIn(event["state"], ("failed", "superseded"))
        self.assert_files({"one": "1\n"})

    def test_deleted_branch(self):
        """a deleted branch prunes nothing and shows as source_missing"""
        first = self.converge({"one": "1\n"})
        git.git(self.origin.directory, "update-ref", "-d", "refs/heads/main")
        self.daemon.wait_ended(self.daemon.accept(github.ZERO, before=first))
        self.daemon.program.wait_until(lambda: self.daemon.status()["status"] == "source_missing", "the source is missing")
        self.assert_files({"one": "1\n"})


class Tag(Scene):
    def configure(self):
        del self.daemon.application["ref"]
        self.daemon.application["tag_pattern"] = "v*"

    def test_annotated_tags(self):
        """of annotated tags, the newest version's commit is applied"""
        for version in ("1.9.0", "1.10.0"):
            self.commit({"one": f"{version}\n"})
            self.checkout.git("tag", "-a", f"v{version}", "-m", "release")
            self.checkout.push(f"v{version}")
            tag = self.checkout.git("rev-parse", f"v{version}")
            self.daemon.push_and_wait(tag, ref=f"refs/tags/v{version}")
            self.assert_files({"one": f"{version}\n"})
        self.commit({"one": "1.2.0\n"})
        self.checkout.git("tag", "-a", "v1.2.0", "-m", "late")
        self.checkout.push("v1.2.0")
        self.daemon.wait_ended(self.daemon.accept(self.checkout.git("rev-parse", "v1.2.0"), ref="refs/tags/v1.2.0"))
        self.assert_files({"one": "1.10.0\n"})
