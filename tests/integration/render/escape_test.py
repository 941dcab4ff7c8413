"""Repositories that want more of a renderer than documents: each attempt fails its event, and the next push is as before."""
import gzip
import io
import tarfile

from .helm_test import CHART
from .helm_values_test import entry
from .kustomize_test import MARK, Kustomized

MIB = 1 << 20


class Hostile(Kustomized):
    def configure(self):
        super().configure()
        self.daemon.config["renderers"].update(timeout="20s", memory_bytes=256 * MIB, output_bytes=MIB)

    def refused(self, files: dict[str, str | bytes | None]) -> str:
        """Fails, shows nothing of the host, and leaves a daemon that goes on."""
        error = self.error(files)
        self.assertNotIn("root:", error)
        self.assertLess(len(error), 20_000)
        self.good = getattr(self, "good", 0) + 1
        self.push({**{path: None for path in files}, "web/kustomization.yaml": "resources: [good.yaml]\n", "web/good.yaml": self.entry("good", value=str(self.good))})
        self.assertEqual(self.values(), {"good": str(self.good)})
        return error


class Kustomizations(Hostile):
    def test_functions_that_are_programs(self):
        """neither functions that are programs or containers, nor plugins of the repository are run"""
        marker = self.folder / "ran"
        script = f"#!/bin/sh\ntouch {marker}\n"
        for where in ("generators", "transformers", "validators"):
            for function in ("exec: {path: ./run.sh}", "container: {image: example.com/x}", "starlark: {path: run.star, name: x}"):
                with self.subTest(where=where, function=function):
                    annotation = "    config.kubernetes.io/function: |\n      " + function + "\n"
                    error = self.refused({"web/kustomization.yaml": f"resources: [a.yaml]\n{where}: [f.yaml]\n", "web/a.yaml": self.entry("a", value="1"),
                                          "web/run.sh": script, "web/run.star": "x = 1\n",
                                          "web/f.yaml": f"apiVersion: {MARK}\nkind: F\nmetadata:\n  name: f\n  annotations:\n{annotation}"})
                    self.assertIn("kustomize ended with", error)
        error = self.refused({"web/kustomization.yaml": "generators: [p.yaml]\n", "web/p.yaml": "apiVersion: evil/v1\nkind: Plugin\nmetadata: {name: p}\n",
                              "kustomize/plugin/evil/v1/plugin/Plugin": script})
        self.assertIn("kustomize ended with", error)
        self.assertFalse(marker.exists())

    def test_bombs(self):
        """aliases of aliases, in a manifest and in a kustomization, end at a limit"""
        bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
        error = self.refused({"web/kustomization.yaml": "resources: [a.yaml]\nnamePrefix: x-\n", "web/a.yaml": self.entry("a", value="1") + bomb})
        self.assertRegex(error, "renderers.memory_bytes|renderers.timeout")
        self.assertNotIn("goroutine", error)
        self.refused({"web/kustomization.yaml": "resources: [a.yaml]\n", "web/a.yaml": self.entry("a", value="1") + bomb})
        self.refused({"web/kustomization.yaml": "resources: [a.yaml]\n" + bomb, "web/a.yaml": self.entry("a", value="1")})

    def test_output_without_end(self):
        """output beyond its limit ends the run by that name"""
        many = "".join(f"- {{name: n{n}, literals: ['k={'x' * 100_000}']}}\n" for n in range(12))
        self.assertIn("renderers.output_bytes", self.refused({"web/kustomization.yaml": "generatorOptions: {disableNameSuffixHash: true}\nconfigMapGenerator:\n" + many}))

    def test_links_out_of_the_repository(self):
        """links to files, folders and processes of the host lead nowhere, wherever kustomize follows them"""
        for name, to in (("file", "/etc/passwd"), ("folder", "/etc"), ("self", "/proc/self"), ("chain", "../web/file")):
            (self.checkout.directory / "web").mkdir(exist_ok=True)
            (self.checkout.directory / "web" / name).symlink_to(to)
        for text in ("resources: [file]", "resources: [folder]", "configMapGenerator: [{name: a, files: [k=chain]}]", "configMapGenerator: [{name: a, envs: [self/environ]}]",
                     "configMapGenerator: [{name: a, files: [k=folder/passwd]}]", "resources: [good.yaml]\npatches: [{path: file}]", "resources: [good.yaml]\nopenapi: {path: file}",
                     "resources: [good.yaml]\ntransformers: [folder/passwd]", "components: [folder]", "resources: [good.yaml]\ncrds: [file]", "helmCharts: [{name: a, valuesFile: file}]",
                     "resources: [good.yaml]\nreplacements: [{path: self/maps}]"):
            with self.subTest(kustomization=text):
                self.refused({"web/kustomization.yaml": text + "\n"})


class Charts(Hostile):
    def chart(self, template: str, **more: str | bytes) -> dict[str, str | bytes]:
        return {"web/Chart.yaml": CHART, "web/templates/a.yaml": template, **more}

    def test_templates_without_end(self):
        """a template that runs, recurses or grows without end is ended"""
        for what, template in {
                "loop": '{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}', "recursion": '{{ define "x" }}{{ include "x" . }}{{ end }}{{ include "x" . }}',
                "memory": '{{ $x := repeat 1000000 "x" }}{{ $y := repeat 1000 $x }}{{ $z := repeat 100 $y }}{{ len $z }}', "tpl": '{{ tpl (repeat 3000000 "{{ 1 }}") . }}',
                "output": entry("a", 'repeat 2000000 "x"')}.items():
            with self.subTest(what=what):
                error = self.refused(self.chart(template))
                self.assertNotIn("goroutine", error)
                self.assertIn({"loop": "renderers.timeout", "recursion": "web/templates/a.yaml", "output": "renderers.output_bytes"}.get(what, "helm "), error)

    def test_archives(self):
        """a packed subchart that unpacks to very much, names paths outside or holds links does no harm"""
        def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode="w") as tar:
                tar.addfile(*self.member("sub/Chart.yaml", CHART.replace("shop", "sub").encode()))
                for info, data in members:
                    tar.addfile(info, io.BytesIO(data))
            return gzip.compress(out.getvalue())
        self.refused(self.chart(entry("a", '"1"'), **{"web/charts/sub-1.0.0.tgz": archive(*((self.member(f"sub/files/{n}", bytes(40 * MIB), raw=True)) for n in range(8)))}))
        self.refused(self.chart(entry("a", '"1"'), **{"web/charts/sub-1.0.0.tgz": archive(self.member("../../../evil.yaml", b"x", raw=True))}))
        link = tarfile.TarInfo("sub/templates/s.yaml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        files = self.chart(entry("a", '"1"'), **{"web/charts/sub-1.0.0.tgz": archive((link, b""))})
        self.push(files)  # Helm passes over links
        self.assertEqual(self.values(), {"a": "1"})

    @staticmethod
    def member(path: str, data: bytes, raw: bool = False):
        info = tarfile.TarInfo(path)
        info.size = len(data)
        return (info, data) if raw else (info, io.BytesIO(data))
