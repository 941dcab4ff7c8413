"""A Helm chart on a real API server: what it may know of the cluster, and its values."""
from lib import renderers, wait
from lib.cluster_case import config_map, manifest
from lib.connection_case import ConnectionScene
from lib.fault_proxy import FaultProxy

TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: known}
data:
  version: {{ .Capabilities.KubeVersion.Version | quote }}
  deployments: {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" | quote }}
  widgets: {{ .Capabilities.APIVersions.Has "none.test/v1" | quote }}
  value: {{ .Values.value | quote }}
"""


KNOWN = config_map("known", {})


class ChartScene(ConnectionScene):
    def configure(self) -> None:
        super().configure()
        self.daemon.config["renderers"] = {"helm": str(renderers.helm())}

    def sync_chart(self, group: str = "none.test") -> dict:
        """What the chart that asks for this API makes of it and of the cluster's version."""
        commit = self.checkout.commit({"web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
                                       "web/values.yaml": "value: first\n",
                                       "web/templates/known.yaml": TEMPLATE.replace("none.test", group)})
        self.checkout.push()
        self.daemon.push_and_wait(commit)
        return self.live(KNOWN)["data"]


class Chart(ChartScene):

    def test_capabilities(self):
        """a chart sees the cluster's version and kinds, and the cluster gets what it makes of its values"""
        found = self.sync_chart()
        version = self.cluster.get("/version")["gitVersion"]
        self.assertEqual(found, {"version": version, "deployments": "true", "widgets": "false", "value": "first"})
        commit = self.checkout.commit({"web/values.yaml": "value: second\n"})
        self.checkout.push()
        self.daemon.push_and_wait(commit)
        self.assertEqual(self.live(KNOWN)["data"]["value"], "second")

    def test_kind_that_comes(self):
        """a kind that the cluster learns later: charts that ask for it are rendered anew, and what lacked it is applied"""
        group = f"{self.space}.later.test"
        self.assertEqual(self.sync_chart(group)["widgets"], "false")
        self.daemon.config["applications"].append({
            **self.daemon.application, "name": "lacking", "path": "lacking"})
        self.daemon.reload()
        latecomer = {"apiVersion": f"{group}/v1", "kind": "Latecomer", "metadata": {"name": "a"}, "spec": {}}
        commit = self.checkout.commit({"lacking/all.yaml": manifest(latecomer)})
        self.checkout.push()
        self.assertIn("Latecomer", self.daemon.push_and_wait(commit, "failed")["error"])
        self.cluster.define(group, "Latecomer")
        self.wait_live(KNOWN, lambda found: found["data"]["widgets"] == "true", "the chart knows the kind", 60)
        self.wait_live(latecomer, lambda found: found["spec"] == {}, "what lacked the kind is applied", 60)
        self.assert_started_once()


class OtherVersion(ChartScene):
    """A proxy stands before the API server and says that this is of another version: it cannot say so itself."""

    def configure(self):
        self.proxy = FaultProxy(self.cluster)
        self.proxy.version = "v1.98.0"
        self.addCleanup(self.proxy.stop)
        super().configure()
        self.daemon.config["destinations"][0]["settings"] = {"kubeconfig": str(self.proxy.kubeconfig())}

    def test_version(self):
        """another version after connections ended, as an upgrade ends them: charts are rendered for it"""
        self.assertEqual(self.sync_chart()["version"], "v1.98.0")
        wait.until(lambda: any("watch=true" in path for _, path in self.proxy.requests), "the provider watches")
        self.proxy.version = "v1.99.0"
        self.proxy.cut_all()
        self.wait_live(KNOWN, lambda found: found["data"]["version"] == "v1.99.0", "the chart knows the version", 20)
        self.assert_started_once()
