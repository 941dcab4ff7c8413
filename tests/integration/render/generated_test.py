"""Applications whose path has no kustomization, and whose folders have some, as every repository of flux bootstrap."""
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
                self.reload()
                self.daemon.ctl("sync", "web")
                self.assertEqual(self.values(), values)

    def test_configured_overlay(self):
        """what the application lays over its path needs no kustomization there"""
        self.daemon.application["kustomize"] = {"namePrefix": "s-"}
        self.reload()
        self.push({"web/a.yaml": self.entry("a", value="1"), "web/sub/b.yaml": self.entry("b", value="1")})
        self.assertEqual(self.values(), {"s-a": "1", "s-b": "1"})
        self.push({"web/c.yaml": self.entry("c", value="1")})
        self.assertEqual(self.values(), {"s-a": "1", "s-b": "1", "s-c": "1"})

    def test_variables(self):
        """variables are replaced in what is read and in what is built"""
        self.daemon.application["substitute"] = {"V": "east"}
        self.reload()
        self.push({"web/a.yaml": self.entry("a", value="${V}"), "web/sub/b.yaml": self.entry("b", value="${V}"),
                   "web/sub/kustomization.yaml": "resources: [b.yaml]\nnamePrefix: x-\n"})
        self.assertEqual(self.values(), {"a": "east", "x-b": "east"})
