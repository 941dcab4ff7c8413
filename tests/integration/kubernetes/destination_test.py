"""An application goes from one cluster to another, and what it leaves behind is there until somebody says otherwise."""
from lib import kubernetes, wait
from lib.cluster_case import PROVIDER, ClusterScene, config_map, started_cluster

DOCUMENTS = [config_map("a", {"k": "1"}), config_map("b", {"k": "1"})]
_second: list[kubernetes.Cluster] = []


def second_cluster() -> kubernetes.Cluster:
    if not _second:
        _second.append(started_cluster())
    return _second[0]


class Destinations(ClusterScene):
    def configure(self) -> None:
        super().configure()
        self.there = second_cluster()
        self.there.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.space}})
        self.daemon.config["destinations"].append({
            "name": "there", "provider": "kubernetes", "command": str(PROVIDER),
            "settings": {"kubeconfig": str(self.there.kubeconfig())}})

    def go(self, destination: str) -> None:
        left = f"web@{self.daemon.application['destination']}"
        self.daemon.application["destination"] = destination
        self.daemon.reload()
        wait.until(lambda: left in self.listed(), "it has left")
        wait.until(self.has_arrived, f"web is at {destination}")

    def has_arrived(self) -> bool:
        status = self.daemon.status()
        return (status["status"], status["resources"]) == ("synced", len(DOCUMENTS))

    def found(self, cluster: kubernetes.Cluster) -> list[dict]:
        return [cluster.get(self.placed(document)) for document in DOCUMENTS]

    def listed(self) -> list[str]:
        return [one["name"] for one in self.daemon.get("/v1/status")["applications"]]

    def test_moved(self):
        """all is made at the new cluster; what the old one has stays as it is until somebody deletes it"""
        self.sync(*DOCUMENTS)
        before = self.found(self.cluster)
        self.go("there")
        made = self.found(self.there)
        self.assertEqual([one["data"] for one in made], [one["data"] for one in before])
        self.assertEqual(self.found(self.cluster), before)
        left = self.daemon.status("web@here")
        self.assertEqual((left["orphaned"], left["resources"], left["destination"]), (True, 2, "here"))

        self.there.patch(self.placed(DOCUMENTS[0]), {"data": {"k": "by hand"}})
        self.there.wait_for(self.placed(DOCUMENTS[0]), lambda now: now["data"] == {"k": "1"}, "it is put back")
        self.assertEqual(self.found(self.cluster), before)

        uids = [one["metadata"]["uid"] for one in self.found(self.there)]
        self.daemon.ctl("delete", "web@here", "--cascade")
        for document in DOCUMENTS:
            self.wait_gone(document)
        self.assertEqual(self.listed(), ["web"])
        self.assertEqual([one["metadata"]["uid"] for one in self.found(self.there)], uids)

    def test_back(self):
        """what it finds where it goes back to is its own again, and nothing of that is written"""
        self.sync(*DOCUMENTS)
        before = self.found(self.cluster)
        self.go("there")
        self.go("here")
        self.assertEqual(self.found(self.cluster), before)
        self.assertEqual(self.listed(), ["web", "web@there"])

    def test_left_the_configuration(self):
        """what is left at a cluster that left the configuration cannot be deleted, which says what can be done: it is forgotten"""
        self.sync(*DOCUMENTS)
        before = self.found(self.cluster)
        self.go("there")
        here = self.daemon.config["destinations"].pop(0)
        self.daemon.reload()
        refused = self.daemon.ctl("delete", "web@here", "--cascade", expect=2)
        self.assertIn("destination here of application web@here is not configured", refused)
        self.assertIn("gitopsctl forget web@here", refused)
        self.assertIn("gitopsctl forget web@here", self.daemon.status("web@here")["released_by"])
        self.assertIn("application web is configured", self.daemon.ctl("forget", "web", expect=1))
        told = self.daemon.ctl("forget", "web@here")
        self.assertIn("what it owned, 2 resources, stays at destination here and is nobody's", told)
        self.assertEqual(self.listed(), ["web"])

        self.daemon.config["destinations"].insert(0, here)
        self.daemon.reload()
        self.go("here")
        self.assertEqual(self.found(self.cluster), before)

    def test_gone_for_good(self):
        """what is left at a cluster that never answers again is forgotten while its deletion is tried, for good"""
        self.sync(*DOCUMENTS)
        self.go("there")
        self.go("here")
        before = self.found(self.there)
        self.there.kill()
        self.addCleanup(self.there.restart)
        self.daemon.ctl("delete", "web@there", "--cascade", "--no-wait")
        event = self.daemon.events()[0]["id"]
        wait.until(lambda: self.daemon.event(event)["attempts"] > 0, "it is tried", 60)

        def forgotten() -> bool:
            status, answer = self.daemon.api("POST", "/v1/applications/web@there/forget")
            self.assertIn(status, (200, 409), answer)  # 409 while one attempt is under way
            return status == 200

        wait.until(forgotten, "it is forgotten", 60)
        self.assertRegex(self.daemon.wait_ended(event)["reason"], "forgotten by ")
        self.daemon.program.kill()
        self.daemon.config["destinations"].pop()
        self.daemon.start()
        self.assertEqual(self.listed(), ["web"])
        entries = [one["entry"] for one in self.daemon.get("/v1/audit?limit=1000")["entries"]]
        words = [entry for entry in entries if entry["action"] == "forget"]
        self.assertEqual(([entry.get("resources") for entry in words], {entry["destination"] for entry in words}),
                         ([2, None, None], {"there"}))
        self.there.restart()
        self.assertEqual(self.found(self.there), before)
