"""Fields that somebody else manages, what a plan shows, and where secrets must not be."""
import base64

from lib import canary, wait
from lib.cluster_case import ClusterScene, config_map


class Forced(ClusterScene):
    def test_taken_over(self):
        """a field that another manager set is taken over by default, and the plan shows from what to what"""
        document = config_map("a", {"k": "theirs", "other": "stays"})
        self.cluster.apply(self.placed(document), manager="somebody")
        commit = self.push(config_map("a", {"k": "ours"}))
        plan = self.daemon.ctl("plan", "web", "--revision", commit)
        self.assertIn("- data.k: theirs", plan)
        self.assertIn("+ data.k: ours", plan)
        self.daemon.push_and_wait(commit)
        self.assertEqual(self.live(document)["data"], {"k": "ours", "other": "stays"})

    def test_plan(self):
        """a plan shows each field that differs from the live object, and changes nothing"""
        first, second = config_map("a", {"x": "1", "y": "2"}), config_map("b", {"k": "1"})
        self.sync(first, second)
        before = [self.live(document)["metadata"]["resourceVersion"] for document in (first, second)]
        commit = self.push(config_map("a", {"x": "1", "y": "3", "z": "4"}), second)
        plan = self.daemon.ctl("plan", "web", "--revision", commit)
        for line in ("- data.y: 2", "+ data.y: 3", "+ data.z: 4"):
            self.assertIn(line, plan)
        self.assertNotIn("data.x", plan)
        self.assertNotIn("/b", plan)
        self.assertEqual([self.live(document)["metadata"]["resourceVersion"] for document in (first, second)], before)


class Reported(ClusterScene):
    def configure(self):
        super().configure()
        self.daemon.application["policy"]["conflicts"] = "report"

    def test_reported(self):
        """with `conflicts: report` the sync fails, names fields and managers, and changes nothing"""
        document = config_map("a", {"k": "theirs", "l": "theirs"})
        self.cluster.apply(self.placed(document), manager="somebody")
        error = self.sync(config_map("a", {"k": "ours", "l": "ours"}), config_map("good", {"k": "1"}), state="failed")["error"]
        for part in (".data.k", ".data.l", 'conflict with "somebody"', "conflicts: force"):
            self.assertIn(part, error)
        self.assertEqual(self.live(document)["data"], {"k": "theirs", "l": "theirs"})
        self.assertFalse(self.cluster.exists(self.placed(config_map("good", {}))))
        self.sync(config_map("a", {"m": "ours"}))
        self.assertEqual(self.live(document)["data"], {"k": "theirs", "l": "theirs", "m": "ours"})


class Secrets(ClusterScene):
    def test_nowhere(self):
        """the values of a Secret are in no plan, diff, event, answer, log or file of ours"""
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
        canaries = [canary.Canary(name) for name in ("stringData", "data", "changed", "by hand", "of a wrong type")]
        first, second, third, fourth, fifth = (each.text for each in canaries)
        written = {**secret, "stringData": {"one": first}, "data": {"two": base64.b64encode(second.encode()).decode()}}
        said = [self.daemon.ctl("plan", "web", "--revision", self.push(written))]
        self.sync(written)
        changed = {**secret, "stringData": {"one": third}}
        said.append(self.daemon.ctl("plan", "web", "--revision", self.push(changed)))
        self.assertIn("data.one", said[-1], "that it changes is shown")
        self.sync(changed)
        by_hand = base64.b64encode(fourth.encode()).decode()
        self.cluster.patch(self.placed(secret), {"data": {"one": by_hand}})
        self.wait_live(secret, lambda found: found["data"]["one"] != by_hand, "it is healed")
        self.sync({**changed, "data": {"two": {"nested": fifth}}, "immutable": "no"}, state="failed")
        self.sync({**changed, "data": {"two": fifth}}, state="failed")  # no base64
        wait.until(lambda: self.daemon.status()["phase"] == "idle", "all is done")
        for path in ("/v1/status", "/v1/events", "/v1/applications/web/syncs", "/v1/applications/web/inventory", "/v1/audit"):
            said.append(str(self.daemon.get(path)))
        for event in self.daemon.events():
            said.append(self.daemon.ctl("show", str(event["id"])))
        self.daemon.program.stop()
        found = canary.found_in(canaries, "what was said", "\n".join(said).encode())
        for file in self.daemon.directory.rglob("*"):
            if file.is_file():
                found += canary.found_in(canaries, str(file.relative_to(self.daemon.directory)), file.read_bytes())
        # The mirror of the repository holds what people committed.
        self.assertEqual([line for line in found if "mirrors/" not in line], [])
