"""A Helm chart on a real API server: what it may know of the cluster, and its values."""
from lib import renderers
from lib.cluster_case import ClusterScene, config_map

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


class Chart(ClusterScene):
    def configure(self) -> None:
        super().configure()
        self.daemon.config["renderers"] = {"helm": str(renderers.helm())}

    def test_capabilities(self):
        """a chart sees the cluster's version and kinds, and the cluster gets what it makes of its values"""
        commit = self.checkout.commit({"web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
                                       "web/values.yaml": "value: first\n", "web/templates/known.yaml": TEMPLATE})
        self.checkout.push()
        self.daemon.push_and_wait(commit)
        version = self.cluster.get("/version")["gitVersion"]
        known = config_map("known", {})
        self.assertEqual(self.live(known)["data"], {"version": version, "deployments": "true", "widgets": "false", "value": "first"})
        commit = self.checkout.commit({"web/values.yaml": "value: second\n"})
        self.checkout.push()
        self.daemon.push_and_wait(commit)
        self.assertEqual(self.live(known)["data"]["value"], "second")
