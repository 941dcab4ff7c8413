"""Applications whose path has no kustomization, and whose folders have some, as every repository of flux bootstrap."""
import os
import shutil

from lib import renderers

from .kustomize_test import Kustomized

FLUX_APPS = """apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec: {interval: 10m0s, path: ./apps/staging, prune: true}
"""


class Generated(Kustomized):
    def test_bootstrapped(self):
        """a path as flux bootstrap leaves it is built as Flux builds it, and a change costs what it changes"""
        self.push({"web/flux-system/kustomization.yaml": "resources: [gotk-components.yaml, gotk-sync.yaml]\n",
                   "web/flux-system/gotk-components.yaml": self.entry("components", value="1"),
                   "web/flux-system/gotk-sync.yaml": self.entry("sync", value="1"),
                   "web/flux-system/README.yaml": "words: only\n", "web/apps.yaml": self.entry("apps", value="1")})
        self.assertEqual(self.values(), {"components": "1", "sync": "1", "apps": "1"})
        for path, name in (("web/apps.yaml", "apps"), ("web/flux-system/gotk-sync.yaml", "sync")):
            self.forget_calls()
            self.push({path: self.entry(name, value="2")})
            self.assertEqual((self.values()[name], self.resolved()), ("2", 1))
        self.forget_calls()
        self.push({"web/more/new.yaml": self.entry("new", value="1")})
        self.assertEqual((self.values()["new"], self.resolved()), ("1", 1))
        self.assertEqual(self.daemon.program.stop(), 0)
        self.daemon.start()
        self.forget_calls()
        self.push({"web/apps.yaml": self.entry("apps", value="3"), "web/more/new.yaml": None})
        self.assertEqual((self.values(), self.resolved()), ({"components": "1", "sync": "2", "apps": "3"}, 1))

    def test_folder_changes(self):
        """a folder that gets, changes and loses its kustomization, beside files that are read as before"""
        plain = {"web/a.yaml": self.entry("a", value="1"), "web/sub/b.yaml": self.entry("b", value="1")}
        self.push(plain)
        self.assertEqual(self.values(), {"a": "1", "b": "1"})
        self.push({"web/sub/kustomization.yaml": "resources: [b.yaml]\nnamePrefix: x-\n"})
        self.assertEqual(self.values(), {"a": "1", "x-b": "1"})
        self.push({"web/sub/b.yaml": self.entry("b", value="2")})
        self.assertEqual(self.values(), {"a": "1", "x-b": "2"})
        self.push({"web/a.yaml": self.entry("a", value="2"), "web/sub/kustomization.yaml": "resources: [b.yaml]\n"})
        self.assertEqual(self.values(), {"a": "2", "b": "2"})
        self.push({"web/sub/kustomization.yaml": "resources: [b.yaml]\nnamePrefix: z-\n"})
        self.push({"web/sub/kustomization.yaml": None, "web/c.yaml": self.entry("c", value="1")})
        self.assertEqual(self.values(), {"a": "2", "b": "2", "c": "1"})
        self.push({"web/sub/Kustomization": "resources: [b.yaml]\nnamePrefix: z-\n"})
        self.push({"web/sub/Kustomization": None, "web/sub/b.yaml": None})
        self.assertEqual(self.values(), {"a": "2", "c": "1"})

    def test_parts(self):
        """a folder that kustomize builds by itself is built when what it reads changes, and files beside are read as before"""
        program = self.folder / "kustomize"
        shutil.copy(renderers.kustomize(), program)
        self.daemon.config["renderers"]["kustomize"] = str(program)
        self.daemon.reload()
        files = {f"web/k{n}.yaml": self.entry(f"k{n}", value="0") for n in range(300)}
        self.push({**files, "web/sub/kustomization.yaml": "resources: [../../base]\nlabels: [{pairs: {a: b}}]\n",
                   "base/kustomization.yaml": "resources: [b.yaml]\n", "base/b.yaml": self.entry("b", value="1"),
                   "web/two/kustomization.yaml": "resources: [c.yaml]\nlabels: [{pairs: {a: b}}]\n", "web/two/c.yaml": self.entry("c", value="1")})
        self.assertEqual((len(self.values()), self.values()["b"], self.values()["c"]), (302, "1", "1"))
        for path, name in (("web/k7.yaml", "k7"), ("base/b.yaml", "b"), ("web/two/c.yaml", "c")):
            self.forget_calls()
            self.push({path: self.entry(name, value="2")})
            self.assertEqual((self.values()[name], self.resolved()), ("2", 1))
        # A file beside needs no kustomize: one that would fail, and looks like the other, is not started.
        good, then = program.read_bytes(), program.stat()
        program.write_bytes(bytes(len(good)))
        os.utime(program, ns=(then.st_atime_ns, then.st_mtime_ns))
        self.push({"web/k7.yaml": self.entry("k7", value="3")})
        self.error({"web/two/c.yaml": self.entry("c", value="3")})
        program.write_bytes(good)
        os.utime(program, ns=(then.st_atime_ns, then.st_mtime_ns))
        self.push({"web/two/c.yaml": self.entry("c", value="2"), "web/k7.yaml": self.entry("k7", value="4")})
        self.assertEqual((self.values()["k7"], self.values()["c"]), ("4", "2"))
        self.assertEqual(self.daemon.program.stop(), 0)
        self.daemon.start()
        self.forget_calls()
        self.push({"web/two/kustomization.yaml": None, "web/k8.yaml": None})
        self.assertEqual((len(self.values()), self.values()["b"], self.values()["c"]), (301, "2", "2"))
        self.assertEqual(self.resolved(), 1)
        # A folder that changes names has all built at once, and then no more.
        self.push({"web/two/kustomization.yaml": "resources: [c.yaml]\nnamePrefix: x-\n"})
        self.assertEqual((len(self.values()), self.values()["x-c"]), (301, "2"))
        self.push({"web/k9.yaml": self.entry("k9", value="2")})
        self.push({"web/two/kustomization.yaml": None, "web/two/c.yaml": None, "base/b.yaml": self.entry("b", value="3")})
        self.assertEqual((len(self.values()), self.values()["b"], self.values()["k9"]), (300, "3", "2"))
        # A kustomize that is replaced builds anew, although no file changed.
        program.chmod(0o755)
        os.utime(program, (1, 1))
        self.push({"web/k9.yaml": self.entry("k9", value="3")})
        self.assertEqual((len(self.values()), self.values()["b"], self.values()["k9"]), (300, "3", "3"))
        program.unlink()
        self.push({"web/k9.yaml": self.entry("k9", value="4"), "web/sub/kustomization.yaml": None})
        self.assertEqual((len(self.values()), self.values()["k9"]), (299, "4"))

    def test_base_outside(self):
        """a folder's base outside of the application's path is followed"""
        self.push({"web/sub/kustomization.yaml": "resources: [../../base]\nnamePrefix: x-\n", "web/a.yaml": self.entry("a", value="1"),
                   "base/kustomization.yaml": "resources: [b.yaml]\n", "base/b.yaml": self.entry("b", value="1")})
        self.assertEqual(self.values(), {"a": "1", "x-b": "1"})
        self.push({"base/b.yaml": self.entry("b", value="2")})
        self.assertEqual(self.values(), {"a": "1", "x-b": "2"})

    def test_failures_say_where(self):
        """what kustomize refuses in a folder is said with that file, and what is there stays"""
        self.push({"web/a.yaml": self.entry("a", value="1"), "web/sub/kustomization.yaml": "resources: [b.yaml]\nnamePrefix: x-\n",
                   "web/sub/b.yaml": self.entry("b", value="1")})
        error = self.error({"web/sub/b.yaml": None})
        self.assertRegex(error, r"[0-9a-f]{10}:web")
        self.assertIn("web/sub/b.yaml", error)
        self.assertNotIn("../../tree", error)
        self.assertNotIn(str(self.folder), error)
        self.assertEqual(self.values(), {"a": "1", "x-b": "1"})

    def test_globs(self):
        """exclude leaves folders and kustomizations out; with include every file is read by itself"""
        self.push({"web/a.yaml": self.entry("a", value="1"), "web/sub/kustomization.yaml": "resources: [b.yaml]\nnamePrefix: x-\n",
                   "web/sub/b.yaml": self.entry("b", value="1"), "web/two/kustomization.yaml": "resources: [c.yaml]\nnamePrefix: x-\n",
                   "web/two/c.yaml": self.entry("c", value="1")})
        for globs, values in (({"exclude": ["sub/**"]}, {"a": "1", "x-c": "1"}),
                              ({"exclude": ["**/kustomization.yaml"]}, {"a": "1", "b": "1", "c": "1"}),
                              ({"include": ["*.yaml", "sub/b.yaml"]}, {"a": "1", "b": "1"})):
            with self.subTest(globs=globs):
                for key in ("include", "exclude"):
                    self.daemon.application.pop(key, None)
                self.daemon.application.update(globs)
                self.daemon.reload()
                self.daemon.ctl("sync", "web")
                self.assertEqual(self.values(), values)

    def test_configured_overlay(self):
        """what the application lays over its path needs no kustomization there"""
        self.daemon.application["kustomize"] = {"namePrefix": "s-"}
        self.daemon.reload()
        self.push({"web/a.yaml": self.entry("a", value="1"), "web/sub/b.yaml": self.entry("b", value="1")})
        self.assertEqual(self.values(), {"s-a": "1", "s-b": "1"})
        self.push({"web/c.yaml": self.entry("c", value="1")})
        self.assertEqual(self.values(), {"s-a": "1", "s-b": "1", "s-c": "1"})

    def test_variables(self):
        """variables are replaced in what is read and in what is built"""
        self.daemon.application["substitute"] = {"V": "east"}
        self.daemon.reload()
        self.push({"web/a.yaml": self.entry("a", value="${V}"), "web/sub/b.yaml": self.entry("b", value="${V}"),
                   "web/sub/kustomization.yaml": "resources: [b.yaml]\nnamePrefix: x-\n"})
        self.assertEqual(self.values(), {"a": "east", "x-b": "east"})
