"""Promise 5: cost follows change. Counted, since times say little on a busy machine."""
import collections

from lib import manifest, wait
from lib.case import Scene
from lib.odd import OddScene


class Counted(OddScene):
    def one_changed(self, number: int) -> dict[str, int]:
        """What the provider was asked for by a push that changes one resource among so many."""
        self.daemon.push_and_wait(self.declare({f"k{n}": "0" for n in range(number)}))
        wait.until(lambda: self.daemon.status()["phase"] == "idle", "nothing more is done")
        self.forget_calls()
        event = self.daemon.push_and_wait(self.declare({"k3": f"changed among {number}"}))
        self.assertEqual(self.values()["k3"], f"changed among {number}")
        counts = collections.Counter()
        for call in self.calls():
            for what in ("documents", "upsert", "remove", "entries", "steps"):
                counts[f"{call['call']} {what}"] += call.get(what, 0)
        sync = self.daemon.get(f"/v1/events/{event['id']}")["syncs"][0]
        counts["planned"], counts["updated"] = len(sync["steps"]), sync["updated"]
        return {key: count for key, count in counts.items() if count}

    def test_promise_05_cost_is_flat(self):
        """promise 5: one changed among 1,000 asks as much of the provider as one among 10"""
        few, many = self.one_changed(10), self.one_changed(1000)
        self.assertEqual(few, many)
        self.assertEqual((many["resolve documents"], many["plan upsert"], many["updated"]), (1, 1, 1))


class Concerned(OddScene):
    NUMBER = 150

    def configure(self):
        super().configure()
        first = self.daemon.config["applications"].pop()
        self.daemon.config["applications"] = [
            {**first, "name": f"app-{n}", "path": f"app-{n}", "policy": {"prefixes": [f"app-{n}-"]}} for n in range(self.NUMBER)]

    def test_promise_05_unchanged_applications_are_not_synced(self):
        """promise 5: of 150 applications of one repository, a push syncs the one that it changed, and asks nothing for the others"""
        files = {f"app-{n}/all.yaml": self.entry(f"app-{n}-key", value="0") for n in range(self.NUMBER)}
        self.daemon.push_and_wait(self.push(files))
        wait.until(lambda: all(a["phase"] == "idle" for a in self.applications()), "all are through")
        before = {a["name"]: a["sync"] for a in self.applications()}
        self.forget_calls()
        self.daemon.push_and_wait(self.push({"app-7/all.yaml": self.entry("app-7-key", value="1")}))
        after = {a["name"]: a["sync"] for a in self.applications()}
        self.assertEqual({name for name in after if after[name] != before[name]}, {"app-7"})
        self.assertEqual({call["application"] for call in self.calls()}, {call["application"] for call in self.calls()[:1]})
        self.forget_calls()
        self.daemon.push_and_wait(self.push({"docs/readme.md": "words\n"}))
        self.assertEqual(self.calls(), [])

    def push(self, files: dict[str, str]) -> str:
        commit = self.checkout.commit(files)
        self.checkout.push()
        return commit

    def applications(self) -> list[dict]:
        return self.daemon.get("/v1/status")["applications"]


class Outside(Scene):
    def commit(self, files: dict[str, str]) -> str:
        commit = self.checkout.commit(files)
        self.checkout.push()
        return commit

    def syncs(self) -> int:
        return len(self.daemon.get("/v1/applications/web/syncs")["syncs"])

    def converge(self, files: dict[str, str], content: str) -> None:
        self.daemon.push_and_wait(self.commit(files))
        self.assert_files({"motd": content})

    def test_promise_05_reads_outside_its_path(self):
        """promise 5: a change of a file that the application reads elsewhere concerns it, and one of a file beside that does not"""
        document = manifest.document("File", "motd", path=f"{self.target}/motd", source="/shared/motd")
        self.converge({"web/site.yaml": manifest.yaml.dump(document), "shared/motd": "1\n", "shared/other": "1\n"}, "1\n")
        self.assertEqual(self.syncs(), 1)
        self.converge({"shared/other": "2\n", "shared/new": "2\n"}, "1\n")
        self.assertEqual(self.syncs(), 1)
        self.converge({"shared/motd": "3\n"}, "3\n")
        self.assertEqual(self.syncs(), 2)
        # The same after a restart, when what it read is known from the store alone.
        self.assertEqual(self.daemon.program.stop(), 0)
        self.daemon.start()
        self.converge({"shared/other": "4\n"}, "3\n")
        self.assertEqual(self.syncs(), 2)
        self.converge({"shared/motd": "5\n", "shared/other": "5\n"}, "5\n")
        self.assertEqual(self.syncs(), 3)
        # An application that no longer reads it is no longer concerned.
        own = manifest.file(self.target / "motd", "own\n")
        self.converge({"web/site.yaml": own}, "own\n")
        self.converge({"shared/motd": "6\n"}, "own\n")
        self.assertEqual(self.syncs(), 4)

    def test_promise_05_file_outside_vanishes(self):
        """promise 5: a file elsewhere that is deleted fails the sync by name, and what is there stays"""
        document = manifest.document("File", "motd", path=f"{self.target}/motd", source="/shared/motd")
        self.converge({"web/site.yaml": manifest.yaml.dump(document), "shared/motd": "1\n"}, "1\n")
        event = self.daemon.push_and_wait(self.commit({"shared/motd": None}), state="failed")
        self.assertIn("shared/motd", event["error"])
        self.assertRegex(event["error"], r"web/site\.yaml:\d+:\d+")
        self.assert_files({"motd": "1\n"})
