"""Promise 3: commits are applied in the order of the history, whatever the order of the deliveries."""
import concurrent.futures

from lib import git, github, manifest
from lib.case import Scene


class Order(Scene):
    def test_promise_03_late_delivery(self):
        """promise 3: an older commit that is delivered late is superseded"""
        first = self.commit({"one": "1\n"})
        second = self.commit({"one": "2\n"})
        self.daemon.push_and_wait(second, before=first)
        self.daemon.push_and_wait(first, state="superseded")
        self.assert_files({"one": "2\n"})

    def test_promise_03_forced_back(self):
        """promise 3: a branch that is forced back takes the host back"""
        first = self.converge({"one": "1\n"})
        second = self.converge({"one": "2\n"})
        self.checkout.git("reset", "-q", "--hard", first)
        self.checkout.push(force=True)
        self.daemon.push_and_wait(first, before=second, forced=True)
        self.assert_files({"one": "1\n"})

    def test_promise_03_deliveries_in_any_order(self):
        """promise 3: of deliveries that come in any order, all at once, the tip is applied, none fails and none is applied after it"""
        commits = [self.commit({"one": f"{number}\n", "two": "2\n"}) for number in range(8)]
        order = [3, 0, 7, 1, 6, 2, 5, 4]
        with concurrent.futures.ThreadPoolExecutor(len(order)) as pool:
            events = list(pool.map(lambda number: self.daemon.accept(commits[number]), order))
        ended = [self.daemon.wait_ended(event) for event in events]
        self.assertLessEqual({event["state"] for event in ended}, {"succeeded", "superseded"})
        self.assertEqual(ended[order.index(7)]["state"], "succeeded")
        self.assert_files({"one": "7\n", "two": "2\n"})
        applied = [sync["revision"] for sync in reversed(self.daemon.get("/v1/applications/web/syncs")["syncs"])
                   if sync["state"] == "succeeded"]
        self.assertEqual([commits.index(revision) for revision in applied],
                         sorted(commits.index(revision) for revision in applied), "never backwards")

    def test_promise_03_forced_elsewhere(self):
        """promise 3: after a forced push to another history its tip is applied, and a late delivery of the lost one is not"""
        first = self.converge({"one": "1\n"})
        lost = self.commit({"one": "lost\n"})
        self.checkout.git("reset", "-q", "--hard", first)
        self.checkout.commit({"web/site.yaml": manifest.files(self.target, {"one": "other\n"})})
        self.checkout.push(force=True)
        self.daemon.push_and_wait(self.checkout.head(), before=lost, forced=True)
        event = self.daemon.wait_ended(self.daemon.accept(lost, before=first))
        self.assertIn(event["state"], ("superseded", "failed"))
        self.assert_files({"one": "other\n"})

    def test_promise_03_deleted_branch(self):
        """promise 3: a deleted branch prunes nothing and shows as source_missing"""
        first = self.converge({"one": "1\n"})
        git.git(self.origin.directory, "update-ref", "-d", "refs/heads/main")
        self.daemon.wait_ended(self.daemon.accept(github.ZERO, before=first))
        self.daemon.program.wait_until(lambda: self.daemon.status()["status"] == "source_missing", "the source is missing")
        self.assert_files({"one": "1\n"})
        (self.target / "one").write_text("by hand\n")
        self.daemon.wait_file(self.target / "one", "1\n")
        second = self.commit({"one": "2\n"})
        self.daemon.push_and_wait(second)
        self.assertNotEqual(self.daemon.status()["status"], "source_missing")


class Tag(Scene):
    def configure(self):
        del self.daemon.application["ref"]
        self.daemon.application["tag_pattern"] = "v*"

    def test_promise_03_annotated_tags(self):
        """promise 3: of annotated tags, the newest version's commit is applied"""
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
