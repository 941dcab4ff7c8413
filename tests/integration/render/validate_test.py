"""gitopsctl validate on a checkout, with the real kustomize and Helm."""
import shutil

from lib import renderers
from lib.checkout_case import CheckoutScene

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
NO_CLUSTER = "destination c"  # which has no kubeconfig
FILES = {
    "apps/base/kustomization.yaml": "resources: [cm.yaml]\n", "apps/base/cm.yaml": MAP % "a",
    "apps/east/kustomization.yaml": "resources: [../base]\nnamePrefix: east-\npatches: [{path: patch.yaml}]\n",
    "apps/east/patch.yaml": MAP % "a" + "data: {x: '1'}\n",
    "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "charts/web/values.yaml": "name:\n",
    "charts/web/templates/cm.yaml": MAP % '{{ required "a name" .Values.name }}', "values/east.yaml": "name: web\n",
    "clusters/east/flux-system/kustomization.yaml": "resources: [sync.yaml]\n", "clusters/east/flux-system/sync.yaml": MAP % "sync",
    "clusters/east/ns.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: '${NS}'}\n",
}


class Validate(CheckoutScene):
    def setUp(self):
        super().setUp()
        self.config = {
            "renderers": {"kustomize": str(renderers.kustomize()), "helm": str(renderers.helm())},
            "repositories": [{"name": "infra", "url": "https://git.example.com/infra.git", "token": {"credential": "secret_none"}}],
            "destinations": [{"name": "c", "provider": "kubernetes"}],
            "applications": [
                {"name": "east", "repository": "infra", "path": "apps/east", "destination": "c"},
                {"name": "web", "repository": "infra", "path": "charts/web", "destination": "c", "helm": {"values": ["/values/east.yaml"]}},
                {"name": "cluster", "repository": "infra", "path": "clusters/east", "destination": "c", "substitute": {"NS": "ns"}}]}
        self.write(FILES)

    def test_applications(self):
        """each application's path is built and read with its settings, and every problem has its place"""
        said = self.configured()
        self.assertEqual((said["applications"], said["documents"], [line.split(":")[0] for line in said["not_checked"]]), (3, 4, [NO_CLUSTER]))
        self.write({"apps/east/patch.yaml": MAP % "nobody", "values/east.yaml": "other: x\n", "clusters/east/ns.yaml": "kind: Namespace\n"})
        found = {problem["file"]: problem for problem in self.configured(expect=1)["problems"]}
        self.assertIn("kustomize ended with", found["apps/east/kustomization.yaml"]["message"])
        self.assertIn("a name", found["charts/web/templates/cm.yaml"]["message"])
        self.assertTrue(any(file.startswith("clusters/east") for file in found), found)
        self.assertEqual(len(found), 3)

    def test_missing_programs(self):
        """what no program is here for is told and is no problem"""
        self.config["renderers"] = {"kustomize": "/nonexistent/kustomize", "helm": "/nonexistent/helm"}
        said = self.configured()
        self.assertEqual([line.split(":")[0] for line in said["not_checked"]], [NO_CLUSTER, "application east", "application web"])

    def test_without_configuration(self):
        """without a configuration kustomizations are built, charts and values are passed over"""
        programs = self.root / "bin"
        programs.mkdir()
        shutil.copy(renderers.kustomize(), programs / "kustomize")
        said = self.validate(path=str(programs))
        self.assertEqual((said["kustomizations"], said["charts"], said["documents"]), (3, 1, 3))
        self.assertEqual([line.split(":")[0] for line in said["not_checked"]], ["charts/web", "values/east.yaml"])
        self.write({"apps/east/patch.yaml": MAP % "nobody", "clusters/east/ns.yaml": "kind: Namespace\n"})
        self.assertEqual({problem["file"] for problem in self.validate(path=str(programs), expect=1)["problems"]},
                         {"apps/east/kustomization.yaml", "clusters/east/ns.yaml"})
