"""Promise 6: nothing is pruned that was not created or adopted, and an error is never read as "empty"."""
import concurrent.futures
import shutil

from lib import files, manifest, wait
from lib.case import Scene
from lib.odd import OddScene


class Prune(Scene):
    def test_promise_06_delete_everything(self):
        """promise 6: a commit that would delete all of an inventory is held"""
        contents = {name: f"{name}\n" for name in "abcdef"}
        self.converge(contents)
        commit = self.commit({})
        self.daemon.accept(commit)
        status = wait.until(lambda: (s := self.daemon.status())["phase"] == "held" and s, "the sync is held")
        self.assertTrue(status["waits_for"])
        self.assert_files(contents)
        self.daemon.ctl("approve", "web")
        wait.until(lambda: not list(self.target.iterdir()), "the approved prune is done")

    def test_promise_06_leaves_the_configuration(self):
        """promise 6: an application that leaves the configuration is orphaned; only delete --cascade deletes"""
        self.converge({"one": "1\n", "two": "2\n"})
        gone = self.daemon.config["applications"].pop(0)
        self.daemon.config["applications"].append({**gone, "name": "other", "path": "other", "uid": "another-one"})
        self.daemon.write_config()
        self.daemon.program.signal(1)
        wait.until(lambda: self.daemon.status()["orphaned"], "the application is orphaned")
        self.assert_files({"one": "1\n", "two": "2\n"})
        self.daemon.ctl("delete", "web", "--cascade")
        wait.until(lambda: not list(self.target.iterdir()), "what it owned is deleted")

    def test_promise_06_what_is_not_ours_stays(self):
        """promise 6: what the application did not create stays, beside what it prunes and in its place"""
        contents = {name: f"{name}\n" for name in "abcdefghijkl"}
        self.converge(contents)
        (self.target / "mine").write_text("mine\n")
        theirs = self.daemon.directory / "theirs"
        theirs.mkdir()
        (theirs / "data").write_text("mine too\n")
        files.exchange(theirs, self.target / "l")  # at once: it would be put back between taking away and putting there
        self.daemon.wait_ended(self.daemon.accept(self.commit({name: f"{name}\n" for name in "abcdefghij"})))
        wait.until(lambda: not (self.target / "k").exists(), "what was declared is pruned")
        self.assertEqual((self.target / "mine").read_text(), "mine\n")
        self.assertEqual((self.target / "l" / "data").read_text(), "mine too\n")

    def test_promise_06_an_error_is_not_empty(self):
        """promise 6: a path that is gone, is a file, a link, or cannot be read fails the event and prunes nothing"""
        contents = {name: f"{name}\n" for name in "abc"}
        self.converge(contents)
        web = self.checkout.directory / "web"
        for name, change in (
                ("gone", lambda: None),
                ("a file", lambda: web.write_text("")),
                ("a link", lambda: web.symlink_to("elsewhere")),
                ("unreadable YAML", lambda: (web.mkdir(), (web / "site.yaml").write_text("a: [\n"))),
                ("another kind", lambda: (web.mkdir(), (web / "site.yaml").write_text(
                    manifest.yaml.dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}))))):
            with self.subTest(name):
                if web.is_dir() and not web.is_symlink():
                    shutil.rmtree(web)
                else:
                    web.unlink(missing_ok=True)
                change()
                commit = self.checkout.commit({"elsewhere/x": name}, name)
                self.checkout.push()
                event = self.daemon.push_and_wait(commit, state="failed")
                self.assertIn("web", event["error"])
                self.assert_files(contents)
        self.assertEqual(self.daemon.status()["resources"], 3)


class Approved(OddScene):
    def test_promise_06_an_approval_over_attempts(self):
        """promise 6: what was approved goes on by itself after an attempt that failed before it began, and approve waits for that"""
        self.daemon.push_and_wait(self.declare({"one": "1"}))
        self.daemon.application["approve"] = True
        self.daemon.reload()
        event = self.daemon.accept(self.declare({"one": "2"}))
        held = wait.until(lambda: (s := self.daemon.status())["phase"] == "held" and s, "the sync is held")
        (self.state / "away").touch()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            approved = pool.submit(self.daemon.ctl, "approve", "web", "--sync", str(held["sync"]))
            wait.until(lambda: self.daemon.status()["phase"] == "backing_off", "its attempt fails")
            (self.state / "away").unlink()
            self.assertIn(": succeeded", approved.result())
        self.assertEqual(self.values(), {"one": "2"})
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
