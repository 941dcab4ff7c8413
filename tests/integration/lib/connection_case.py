"""The scene of tests whose way to the cluster, or whose credentials, are their own."""
from pathlib import Path

from . import wait
from .cluster_case import ClusterScene

EVERYTHING = {"apiGroups": [""], "resources": ["configmaps"],
              "verbs": ["get", "list", "watch", "create", "patch", "update", "delete"]}


class ConnectionScene(ClusterScene):
    def use(self, *files: Path, **settings) -> None:
        """The daemon starts anew with these kubeconfigs."""
        listed = [str(file) for file in files]
        self.daemon.config["destinations"][0]["settings"] = {
            "kubeconfig": listed if len(listed) > 1 else listed[0], **settings}
        self.daemon.program.stop()
        self.daemon.start(reachable=False)

    def tried(self, event: int) -> str:
        """Why the event is to be tried again; the provider itself has no part in that and stays."""
        why = wait.until(lambda: "tried again" in (why := self.daemon.event(event)["reason"] or "") and why, "it was tried")
        self.assert_started_once()
        return why

    def assert_started_once(self) -> None:
        self.assertEqual(self.daemon.get("/v1/destinations")["destinations"][0]["starts"], 1)
