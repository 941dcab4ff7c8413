"""Kustomizations that have Helm inflate charts, by both real programs."""
import shutil

from lib import kubernetes, renderers, wait

from .helm_test import CHART
from .kustomize_test import MARK, Kustomized

TEMPLATE = f"""apiVersion: {MARK}
kind: Entry
metadata:
  name: {{{{ .Release.Name }}}}-entry
spec:
  value: {{{{ printf "%s %s %s %s" .Values.one .Values.two .Values.three .Release.Namespace | quote }}}}
"""


class HelmCharts(Kustomized):
    def chart(self, home: str = "web/charts", **more: str | None) -> dict[str, str | None]:
        return {f"{home}/shop/Chart.yaml": CHART, f"{home}/shop/values.yaml": "one: default\ntwo: default\nthree: default\n",
                f"{home}/shop/templates/entry.yaml": TEMPLATE, **more}

    def test_local_charts(self):
        """a kustomization has Helm inflate a chart of the repository, and syncs when the chart or its values change"""
        self.push({**self.chart("shared/charts"), "shared/more.yaml": "three: more\n", "web/own.yaml": "one: own\n",
                   "web/kustomization.yaml": """namePrefix: p-
helmGlobals: {chartHome: ../shared/charts}
helmCharts:
- name: shop
  releaseName: r1
  namespace: shop
  valuesFile: own.yaml
  additionalValuesFiles: [../shared/more.yaml]
  valuesInline: {two: inline}
"""})
        self.assertEqual(self.values(), {"p-r1-entry": "own inline more shop"})
        self.push({"other/x.yaml": "words"})
        self.assertEqual(self.syncs(), 1)
        self.push({"shared/more.yaml": "three: changed\n"})
        self.assertEqual(self.values(), {"p-r1-entry": "own inline changed shop"})
        self.push({"shared/charts/shop/templates/entry.yaml": TEMPLATE.replace("-entry", "-other")})
        self.assertEqual(self.values(), {"p-r1-other": "own inline changed shop"})

    def test_charts_of_bases_and_components(self):
        """charts of a base and of a component are inflated too, also several; a chart with a repository that is vendored is taken as it lies"""
        self.push({**self.chart("base/charts"), **self.chart("part/charts/shop-1.0.0"),
                   "base/kustomization.yaml": "helmCharts: [{name: shop, releaseName: a}, {name: shop, releaseName: b}]\n",
                   "part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
                       "helmCharts: [{name: shop, version: 1.0.0, repo: 'https://charts.example.com', releaseName: c}]\n",
                   "web/kustomization.yaml": "resources: [../base]\ncomponents: [../part]\n"})
        self.assertEqual(set(self.values()), {"a-entry", "b-entry", "c-entry"})

    def test_configured_overlay(self):
        """what the configuration lays over a kustomization with charts is in force"""
        self.daemon.application["kustomize"] = {"nameSuffix": "-v2"}
        self.daemon.reload()
        self.push({**self.chart(), "web/kustomization.yaml": "helmCharts: [{name: shop, releaseName: r}]\n"})
        self.assertEqual(set(self.values()), {"r-entry-v2"})

    def test_charts_that_are_not_there(self):
        """a chart that would have to be fetched is refused at its line with the way out, as are one that is missing and settings of Helm"""
        error = self.error({"web/kustomization.yaml": """helmCharts:
- name: shop
  version: 1.0.0
  repo: https://charts.example.com
- name: oci
  repo: oci://registry.example.com/charts
- name: local
"""})
        self.assertIn("web/kustomization.yaml:4:9: the chart shop would have to be fetched from https://charts.example.com, and renderers reach no network", error)
        self.assertIn("helm pull shop --repo https://charts.example.com --version 1.0.0 --untar --untardir web/charts/shop-1.0.0", error)
        self.assertIn("helm pull oci://registry.example.com/charts/oci --untar --untardir web/charts", error)
        self.assertIn("web/kustomization.yaml:7:3: there is no chart at web/charts/local in this commit", error)
        error = self.error({**self.chart(), "web/kustomization.yaml": "helmGlobals: {configHome: helm}\nhelmCharts: [{name: shop}]\n"})
        self.assertIn("remove configHome", error)
        error = self.error({"web/kustomization.yaml": "generators: [g.yaml]\n",
                            "web/g.yaml": "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: g}\nname: shop\n"})
        self.assertIn("name the chart in helmCharts", error)

    def test_failures_name_the_template(self):
        """what Helm refuses fails by the template's file"""
        error = self.error({**self.chart(), "web/kustomization.yaml": "helmCharts: [{name: shop, releaseName: r}]\n",
                            "web/charts/shop/templates/entry.yaml": '{{ fail "on purpose" }}\n'})
        self.assertIn("on purpose", error)
        self.assertRegex(error, r"web/charts/shop/templates/entry\.yaml:1")
        self.assertNotIn(str(self.folder), error)

    def test_plugins_do_not_run(self):
        """a chart home that is made up as Helm's folders runs no program: not at another's wish, not under another name"""
        plugin = 'name: evil\nversion: 1.0.0\nusage: x\ndescription: x\ncommand: "$HELM_PLUGIN_DIR/run"\ndownloaders: [{command: run, protocols: [evil]}]\n'
        error = self.error({**self.chart("web/other"), "web/helm/.data/plugins/evil/plugin.yaml": plugin, "web/helm/.data/plugins/evil/run": "#!/bin/sh\necho plugin-has-run >&2\n",
                            "web/kustomization.yaml": "resources: [deep]\nhelmGlobals: {chartHome: other}\nhelmCharts: [{name: shop, releaseName: r}]\n",
                            # Out of our own reading's sight, so that it is Helm's sandbox that is asked.
                            "web/deep/kustomization.yaml": "generators: [g.yaml]\n",
                            "web/deep/g.yaml": "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: g}\nname: x\nrepo: evil://x\nconfigHome: web/helm\n"})
        self.assertIn("kustomize ended with", error)
        self.assertNotIn("plugin-has-run", error)

    def test_missing_helm(self):
        """without Helm, a kustomization with charts fails and says so"""
        self.daemon.config["renderers"]["helm"] = "/nonexistent/helm"
        self.daemon.reload()
        error = self.error({**self.chart(), "web/kustomization.yaml": "helmCharts: [{name: shop}]\n"})
        self.assertIn("/nonexistent/helm", error)

    def test_kubectl_in_place_of_kustomize(self):
        """kubectl does the same as kustomize"""
        program = self.folder / "kubectl"
        shutil.copy(kubernetes.build("kubectl"), program)
        self.daemon.config["renderers"]["kustomize"] = str(program)
        self.daemon.reload()
        self.push({**self.chart(), "web/kustomization.yaml": "helmCharts: [{name: shop, releaseName: r}]\n"})
        self.assertEqual(set(self.values()), {"r-entry"})

    def test_another_helm(self):
        """another Helm renders anew"""
        program = self.folder / "helm"
        shutil.copy(renderers.helm(), program)
        self.daemon.config["renderers"]["helm"] = str(program)
        self.daemon.reload()
        self.push({**self.chart(), "web/kustomization.yaml": "helmCharts: [{name: shop, releaseName: r}]\n"})
        self.assertEqual(self.syncs(), 1)
        program.rename(self.folder / "old")
        shutil.copy(renderers.helm(), program)
        self.daemon.reload()
        wait.until(lambda: self.syncs() == 2 and self.daemon.status()["phase"] == "idle", "it is rendered anew")
