"""Applications whose path is a Helm chart."""
from lib import wait

from .kustomize_test import MARK, Kustomized

CHART = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
TEMPLATE = f"""apiVersion: {MARK}
kind: Entry
metadata:
  name: {{{{ .Release.Name }}}}-entry
spec:
  value: {{{{ printf "%s %s %s" .Values.one .Values.two .Release.Namespace | quote }}}}
"""


class Charts(Kustomized):
    def configure(self):
        super().configure()
        self.daemon.application["helm"] = {"release": "r1", "namespace": "shop", "values": ["own.yaml", "/shared/values.yaml"],
                                           "inline": {"two": "inline"}}

    def chart(self, **more: str) -> dict[str, str]:
        return {"web/Chart.yaml": CHART, "web/values.yaml": "one: default\ntwo: default\n", "web/templates/entry.yaml": TEMPLATE,
                "web/own.yaml": "one: own\n", "shared/values.yaml": "two: shared\n", **more}

    def test_values(self):
        """a chart is rendered with release, namespace, files of values and inline ones, and syncs when one elsewhere changes"""
        self.push(self.chart())
        self.assertEqual(self.values(), {"r1-entry": "own inline shop"})
        self.push({"shared/values.yaml": "one: shared\n"})
        self.assertEqual(self.values(), {"r1-entry": "shared inline shop"})
        self.daemon.application["helm"]["inline"] = {"two": "changed"}
        self.daemon.reload()
        wait.until(lambda: self.values() == {"r1-entry": "shared changed shop"}, "the new values are in force")

    def test_documents_of_templates(self):
        """subcharts that are vendored, CRDs and hooks are rendered; an empty document is none"""
        hook = self.entry("hook", value="1").replace("  name: hook\n", "  name: hook\n  annotations: {helm.sh/hook: pre-install}\n")
        self.push(self.chart(**{
            "web/Chart.yaml": CHART + "dependencies: [{name: sub, version: 1.0.0, repository: 'https://example.com'}]\n",
            "web/charts/sub/Chart.yaml": CHART.replace("shop", "sub"), "web/charts/sub/templates/s.yaml": self.entry("sub", value="1"),
            "web/crds/crd.yaml": self.entry("crd", value="1"), "web/templates/hook.yaml": hook,
            "web/templates/none.yaml": "{{ if false }}a: b{{ end }}\n---\n# nothing\n"}))
        self.assertEqual(set(self.values()), {"r1-entry", "sub", "crd", "hook"})
        self.daemon.application["helm"]["crds"] = False
        self.daemon.reload()
        wait.until(lambda: set(self.values()) == {"r1-entry", "sub", "hook"}, "the CRDs are left out")

    def test_failures_name_the_template(self):
        """a template that cannot be rendered, or whose result is no document, fails by its file and line"""
        error = self.error(self.chart(**{"web/templates/entry.yaml": TEMPLATE.replace(".Values.one", "(fail \"on purpose\")")}))
        self.assertIn("on purpose", error)
        self.assertRegex(error, r"web/templates/entry\.yaml:6")
        error = self.error({"web/templates/entry.yaml": "kind: Entry\n"})
        self.assertRegex(error, r"web/templates/entry\.yaml.*has no apiVersion")
        self.assertEqual(self.values(), {})

    def test_dependencies_are_vendored(self):
        """a dependency that is not in charts/ fails with the way out, and a missing file of values by name"""
        error = self.error(self.chart(**{"web/Chart.yaml": CHART + "dependencies: [{name: sub, version: 1.0.0, repository: 'https://example.com'}]\n"}))
        self.assertIn("helm dependency build", error)
        error = self.error({"web/Chart.yaml": CHART, "web/own.yaml": None, "shared/values.yaml": None})
        self.assertIn("web/own.yaml", error)
        self.assertIn("shared/values.yaml", error)

    def test_files_of_the_host_stay_closed(self):
        """a chart reads no file of the host"""
        self.push(self.chart())
        (self.checkout.directory / "web" / "link.txt").symlink_to("/etc/passwd")
        error = self.error({"web/templates/entry.yaml": TEMPLATE + '  passwd: {{ .Files.Get "link.txt" | quote }}\n'})
        self.assertNotIn("root:", error)
        self.assertIn("helm ended with", error)


class Variables(Kustomized):
    def test_substitute(self):
        """variables of the configuration are replaced after rendering, and a new value is a new state"""
        self.daemon.application["substitute"] = {"CLUSTER": "east"}
        self.daemon.reload()
        self.push({"web/a.yaml": self.entry("a-${CLUSTER}", value="x ${CLUSTER} ${MISSING:-none} $${KEPT}"),
                   "web/b.yaml": self.entry("b", value="${CLUSTER}").replace("  name: b\n", "  name: b\n  annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}\n")})
        self.assertEqual(self.values(), {"a-east": "x east none ${KEPT}", "b": "${CLUSTER}"})
        self.daemon.application["substitute"] = {"CLUSTER": "west"}
        self.daemon.reload()
        wait.until(lambda: self.values().get("a-west") == "x west none ${KEPT}", "the new value is in force")
