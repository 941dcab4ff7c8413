"""What a chart is given, and what of its output counts."""
import io
import tarfile

from lib import wait

from .helm_test import CHART
from .kustomize_test import MARK, Kustomized


def entry(name: str, value: str) -> str:
    """A template of one entry, whose value is the template's expression."""
    return f"apiVersion: {MARK}\nkind: Entry\nmetadata: {{name: {name}}}\nspec:\n  value: {{{{ {value} | quote }}}}\n"


def packed(files: dict[str, str]) -> bytes:
    """A chart as `helm package` makes one."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


class Values(Kustomized):
    def helm(self, **settings) -> None:
        self.daemon.application["helm"] = settings
        self.daemon.reload()

    def chart(self, *, values: str = "", templates: dict[str, str], **more: str | bytes | None) -> dict:
        return {"web/Chart.yaml": CHART, "web/values.yaml": values, **{f"web/templates/{name}.yaml": text for name, text in templates.items()}, **more}

    def test_order_of_values(self):
        """files of values are merged in their order, deep; later ones win, inline ones win over all, and null takes a default away"""
        self.helm(values=["one.yaml", "../two.yaml", "/three.yaml"], inline={"deep": {"d": "inline"}, "gone": None})
        names = ("a", "b", "c", "d")
        self.push(self.chart(values="deep: {a: chart, b: chart, c: chart, d: chart}\ngone: there\nlist: [1, 2]\n",
                             templates={**{name: entry(name, f".Values.deep.{name}") for name in names},
                                        "gone": entry("gone", 'default "gone" .Values.gone'), "list": entry("list", '.Values.list | join ","')},
                             **{"web/one.yaml": "deep: {b: one, c: one, d: one}\nlist: [3]\n", "two.yaml": "deep: {c: two, d: two}\n", "three.yaml": "deep: {d: three}\n"}))
        self.assertEqual(self.values(), {"a": "chart", "b": "one", "c": "two", "d": "inline", "gone": "gone", "list": "3"})
        self.push({"two.yaml": "deep: {c: changed}\n"})
        self.assertEqual(self.values()["c"], "changed")
        error = self.error({"two.yaml": "deep: [\n"})
        self.assertRegex(error, r"two\.yaml")
        self.helm(values=["../../outside.yaml"])
        self.assertIn("outside of the repository", self.error({"two.yaml": "deep: {c: again}\n"}))

    def test_release_and_capabilities(self):
        """a release is named as its application, in "default"; version and kinds of the cluster can be given"""
        templates = {"a": entry("a", 'printf "%s %s %v" .Release.Name .Release.Namespace .Release.IsInstall'),
                     "b": entry("b", 'printf "%s %v" .Capabilities.KubeVersion.Version (.Capabilities.APIVersions.Has "example.com/v1/Thing")')}
        self.helm(kube_version="1.31", api_versions=["example.com/v1/Thing"])
        self.push(self.chart(templates=templates))
        self.assertEqual(self.values(), {"a": "web default true", "b": "v1.31 true"})
        self.helm(kube_version="1.30.2")
        wait.until(lambda: self.values().get("b") == "v1.30.2 false", "the other version is in force")
        error = self.error({"web/Chart.yaml": CHART + "kubeVersion: '>=1.32'\n"})
        self.assertIn("1.30.2", error)

    def test_what_does_not_count(self):
        """NOTES and tests' words are no documents, lookup finds nothing, a name of a host is not resolved, files of the host are none"""
        self.push(self.chart(templates={
            "a": entry("a", 'printf "%d" (len (lookup "v1" "Secret" "kube-system" ""))'), "b": entry("b", 'getHostByName "localhost"'),
            "c": entry("c", '.Files.Get "/etc/passwd"'), "d": entry("d", '.Files.Get "../../../../../../etc/passwd"'), "_words": "{{ define \"x\" }}y{{ end }}"},
            **{"web/templates/NOTES.txt": "apiVersion: v1\nkind: Nothing\n"}))
        self.assertEqual(self.values(), {"a": "0", "b": "", "c": "", "d": ""})

    def test_packed_subcharts(self):
        """a subchart that lies packed in charts/ is rendered with its own values, unless its condition is off"""
        sub = packed({"sub/Chart.yaml": CHART.replace("shop", "sub"), "sub/values.yaml": "v: own\n", "sub/templates/s.yaml": entry("sub", ".Values.v"),
                      "sub/crds/c.yaml": f"apiVersion: {MARK}\nkind: Entry\nmetadata: {{name: crd}}\nspec: {{value: '1'}}\n"})
        chart = CHART + "dependencies: [{name: sub, version: 1.0.0, repository: 'https://charts.example.com', condition: sub.enabled}]\n"
        self.helm(inline={"sub": {"v": "parent"}})
        self.push({**self.chart(templates={"a": entry("a", '"1"')}), "web/Chart.yaml": chart, "web/charts/sub-1.0.0.tgz": sub})
        self.assertEqual(self.values(), {"a": "1", "sub": "parent", "crd": "1"})
        self.helm(inline={"sub": {"enabled": False}})
        wait.until(lambda: self.values() == {"a": "1"}, "the subchart is off")
