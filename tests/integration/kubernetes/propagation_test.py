"""How a deletion goes on to what the object owns. No controller collects garbage here: the tests take the finalizers away (controllers_test.py has them)."""
from datetime import datetime

from lib import wait
from lib.cluster_case import ClusterScene, config_map

FILLER = [config_map(f"stays-{number}", {"k": "1"}) for number in range(6)]  # so that what goes is within the budget
ARGO = "argocd.argoproj.io/sync-options"


class Propagation(ClusterScene):
    def configure(self) -> None:
        super().configure()
        self.daemon.application["policy"]["propagation"] = "foreground"

    def prune(self, document: dict, finalizers: list[str]) -> None:
        """It leaves the repository; it is deleted so, and the sync succeeds when it is gone, or when it has waited for that for
        2 seconds, and then status says so."""
        self.sync(document, *FILLER)
        event = self.daemon.accept(self.push(*FILLER))
        if finalizers:
            found = self.wait_live(document, lambda found: "deletionTimestamp" in found["metadata"], "it is being deleted")
            self.assertEqual(found["metadata"]["finalizers"], finalizers)
            if self.daemon.event(event)["ended"]:
                self.assertIn("is being deleted", str(self.daemon.status()))
                ended = self.daemon.get(f"/v1/events/{event}")["syncs"][0]["ended_at"]
                waited = datetime.fromisoformat(ended) - datetime.fromisoformat(found["metadata"]["deletionTimestamp"])
                self.assertGreater(waited.total_seconds(), 1)  # Kubernetes tells whole seconds
            self.cluster.patch(self.placed(document), {"metadata": {"finalizers": None}})
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        wait.until(lambda: not self.cluster.exists(self.placed(document)), "it is gone")

    def test_by_policy(self):
        """as the policy says: the object goes after what it owns"""
        self.prune(config_map("a", {"k": "1"}), ["foregroundDeletion"])

    def test_by_annotation(self):
        """an annotation says otherwise, also that of Argo CD, and is known when the manifest is gone"""
        self.prune(config_map("a", {"k": "1"}, annotations={"gitopsd.io/propagation": "background"}), [])
        self.prune(config_map("b", {"k": "1"}, annotations={"gitopsd.io/propagation": "orphan"}), ["orphan"])
        self.prune(config_map("c", {"k": "1"}, annotations={ARGO: "Prune=true,PrunePropagationPolicy=orphan"}), ["orphan"])

    def test_wrong_word(self):
        """a word that is none is an error at its line"""
        error = self.sync(config_map("a", {"k": "1"}, annotations={"gitopsd.io/propagation": "Foreground"}), state="failed")["error"]
        self.assertRegex(error, r"web/all.yaml:2:\d+: `gitopsd.io/propagation` is background, foreground or orphan")
