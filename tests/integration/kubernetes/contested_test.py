"""A resource that somebody keeps changing: who, how often it was put back, until when it is not, and the ways out."""
from lib import wait
from lib.cluster_case import config_map
from lib.drift_case import DriftScene

DOCUMENT = config_map("a", {"a": "1"})


class Contested(DriftScene):
    def change(self, count: int) -> None:
        for number in range(count):
            self.wait_live(DOCUMENT, lambda found: found["data"] == {"a": "1"}, "it is put back")
            self.cluster.patch(self.placed(DOCUMENT), {"data": {"a": f"theirs {number}"}}, manager="kubectl-edit")

    def contested(self) -> dict:
        return wait.until(lambda: self.daemon.status()["contested"], "it is contested")

    def test_told(self):
        """status names what is contested, who changed it last, how often it was put back and until when it is left, and resume ends that"""
        self.sync(DOCUMENT)
        self.assertIsNone(self.daemon.status()["contested"])
        self.change(4)
        told = self.contested()
        self.assertEqual((told["count"], len(told["resources"])), (1, 1))
        one = told["resources"][0]
        self.assertEqual((one["id"], one["changed_by"]), (f"ConfigMap/{self.space}/a", "kubectl-edit"))
        self.assertGreaterEqual(one["put_back"], 3)  # and once more in a while
        written = self.live(DOCUMENT)["metadata"]["managedFields"]
        self.assertIn(one["changed_at"], [entry["time"] for entry in written if entry["manager"] == "kubectl-edit"])
        self.assertRegex(one["paused_until"], "^20")
        shown = self.daemon.ctl("status", "web")
        self.assertRegex(shown, rf"contested: +ConfigMap/{self.space}/a: by kubectl-edit at 20.*Z, put back \d+ times, the next time in \d+ s")
        self.assertIn("keeps changing ConfigMap", self.daemon.ctl("status"))
        self.assertIn("gitopsctl resume web; a rule in `ignore` of its policy", shown)
        self.assertIn("`suspended: true`", shown)
        self.daemon.ctl("resume", "web")
        self.wait_live(DOCUMENT, lambda found: found["data"] == {"a": "1"}, "it is put back at once")
        wait.until(lambda: self.daemon.status()["status"] == "synced", "all is well")
        self.assertIsNone(self.daemon.status()["contested"])
        self.assertIn("does not pause", self.daemon.ctl("resume", "web", expect=1))
