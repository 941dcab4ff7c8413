"""Applications whose path is a kustomization, by the real kustomize where it is needed."""
import os
import shutil
import socket
import threading

from lib import renderers, wait
from lib.odd import OddScene

MARK = "example.gitopsd.io/v1"


class Kustomized(OddScene):
    def configure(self):
        super().configure()
        self.daemon.config["renderers"] = {"kustomize": str(renderers.kustomize()), "helm": str(renderers.helm())}

    def push(self, files: dict[str, str | None], state: str = "succeeded") -> dict:
        commit = self.checkout.commit(files)
        self.checkout.push()
        return self.daemon.push_and_wait(commit, state=state)

    def syncs(self) -> int:
        return len(self.daemon.get("/v1/applications/web/syncs")["syncs"])

    def error(self, files: dict[str, str | None]) -> str:
        return self.push(files, state="failed")["error"]

    def resolved(self) -> int:
        return sum(call.get("documents", 0) for call in self.calls() if call["call"] == "resolve")


class Build(Kustomized):
    def test_overlay_on_a_base_elsewhere(self):
        """an overlay is built by kustomize, and syncs when its base elsewhere changes"""
        self.push({"base/kustomization.yaml": "resources: [a.yaml, b.yaml]\n", "base/a.yaml": self.entry("a", value="1"),
                   "base/b.yaml": self.entry("b", value="1"),
                   "web/kustomization.yaml": "resources: [../base]\nnamePrefix: web-\n"})
        self.assertEqual(self.values(), {"web-a": "1", "web-b": "1"})
        self.push({"other/x.yaml": "words"})
        self.assertEqual(self.syncs(), 1)
        self.forget_calls()
        event = self.push({"base/a.yaml": self.entry("a", value="2")})
        self.assertEqual(self.values(), {"web-a": "2", "web-b": "1"})
        # Of what kustomize printed only what differs was shown to the provider.
        self.assertEqual(self.resolved(), 1)
        self.assertEqual(self.daemon.get(f"/v1/events/{event['id']}")["syncs"][0]["updated"], 1)
        # The same after a restart, when what it reads is known from the store alone.
        self.assertEqual(self.daemon.program.stop(), 0)
        self.daemon.start()
        self.push({"base/b.yaml": self.entry("b", value="3")})
        self.assertEqual(self.values(), {"web-a": "2", "web-b": "3"})
        self.push({"base/kustomization.yaml": "resources: [b.yaml]\n"})
        self.assertEqual(self.values(), {"web-b": "3"})

    def test_failure_names_file_and_harms_nothing(self):
        """what kustomize refuses fails that event, with its words, path and file"""
        self.push({"web/kustomization.yaml": "resources: [a.yaml]\nnamePrefix: x-\n", "web/a.yaml": self.entry("a", value="1")})
        error = self.error({"web/kustomization.yaml": "resources: [a.yaml]\nnamePrefix: x-\npatches: [{path: p.yaml}]\n",
                            "web/p.yaml": "a: b: c\n"})
        self.assertIn("kustomize ended with exit status 1", error)
        self.assertRegex(error, r"[0-9a-f]{10}:web/(p|kustomization)\.yaml")
        self.assertNotIn(str(self.folder), error)
        self.assertEqual(self.values(), {"x-a": "1"})
        self.push({"web/p.yaml": f"apiVersion: {MARK}\nkind: Entry\nmetadata: {{name: a}}\nspec: {{value: '2'}}\n"})
        self.assertEqual(self.values(), {"x-a": "2"})

    def test_secrets_stay_out_of_errors(self):
        """a document whose values kustomize prints into its error is not shown"""
        secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: hunter2, n: .inf}\n"
        error = self.error({"web/kustomization.yaml": "resources: [a.yaml]\nnamePrefix: x-\n", "web/a.yaml": secret})
        self.assertIn("values left out", error)
        self.assertNotIn("hunter2", error)
        self.assertNotIn("hunter2", self.daemon.program.log.read_text())

    def test_bases_on_a_network_are_refused(self):
        """a base on a network is refused by name, and no packet is sent"""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            caught = []
            threading.Thread(target=lambda: caught.append(listener.accept()), daemon=True).start()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/base.git"
            error = self.error({"web/kustomization.yaml": f"resources:\n- {url}\n"})
            self.assertIn("web/kustomization.yaml:2:3", error)
            self.assertIn("renderers reach no network", error)
            # Where our own reading does not see it: a transformer's file, of which kustomize alone knows what it is.
            error = self.error({"web/kustomization.yaml": f"resources: [a.yaml]\ntransformers:\n- {url}\n",
                                "web/a.yaml": self.entry("a", value="1")})
            self.assertIn("kustomize ended with", error)
            self.assertEqual(caught, [])

    def test_files_of_the_host_stay_closed(self):
        """a generator reads no file of the host: by no absolute path, by no link, of no process"""
        pid = self.daemon.program.child.pid
        os.symlink("/etc/passwd", self._folder("web") / "link")
        for name in ("/etc/passwd", f"/proc/{pid}/environ", "link", "../../../../../../../../../etc/passwd"):
            with self.subTest(name=name):
                error = self.error({"web/kustomization.yaml": f"configMapGenerator: [{{name: a, files: ['k={name}']}}]\n"})
                self.assertIn("kustomize ended with", error)
                self.assertNotIn("root:", error)

    def _folder(self, name: str):
        path = self.checkout.directory / name
        path.mkdir(exist_ok=True)
        return path

    def test_configured_overlay(self):
        """members of a kustomization in the configuration are laid over the path's"""
        self.push({"web/kustomization.yaml": "resources: [a.yaml]\n", "web/a.yaml": self.entry("a", value="1")})
        self.assertEqual(self.values(), {"a": "1"})
        self.daemon.application["kustomize"] = {"nameSuffix": "-v2", "patches": [
            {"target": {"kind": "Entry"}, "patch": '[{"op": "replace", "path": "/spec/value", "value": "patched"}]'}]}
        self.daemon.reload()
        wait.until(lambda: self.values() == {"a-v2": "patched"}, "the overlay is in force")

    def test_what_kustomize_reads_otherwise(self):
        """a manifest that kustomize reads otherwise is left to it with its whole kustomization, and back again"""
        word = self.entry("b", value="?").replace('"?"', "yes")
        self.assertIn("value: yes\n", word)
        self.push({"web/kustomization.yaml": "resources: [a.yaml, b.yaml]\n", "web/a.yaml": self.entry("a", value="1"),
                   "web/b.yaml": self.entry("b", value="1")})
        self.push({"web/b.yaml": word})
        self.assertEqual(self.values(), {"a": "1", "b": "yes"})  # kubectl would have made it a boolean
        self.push({"web/a.yaml": self.entry("a", value="2")})
        self.assertEqual(self.values(), {"a": "2", "b": "yes"})
        self.push({"web/b.yaml": self.entry("b", value="3")})
        self.push({"web/kustomization.yaml": "resources: [b.yaml]\n"})
        self.assertEqual(self.values(), {"b": "3"})

    def test_another_kustomize(self):
        """another kustomize renders anew, and what comes out as before is left alone"""
        program = self.folder / "kustomize"
        shutil.copy(renderers.kustomize(), program)
        self.daemon.config["renderers"]["kustomize"] = str(program)
        self.daemon.reload()
        self.push({"web/kustomization.yaml": "resources: [a.yaml]\nnamePrefix: x-\n", "web/a.yaml": self.entry("a", value="1")})
        self.assertEqual(self.syncs(), 1)
        os.utime(program, (1, 1))
        self.forget_calls()
        self.daemon.reload()
        wait.until(lambda: self.syncs() == 2 and self.daemon.status()["phase"] == "idle", "it is rendered anew")
        self.assertEqual([call for call in self.calls() if call["call"] == "apply"], [])

    def test_missing_program(self):
        """without kustomize, what needs it fails and says so; what needs it not goes on"""
        self.daemon.config["renderers"]["kustomize"] = "/nonexistent/kustomize"
        self.daemon.reload()
        error = self.error({"web/kustomization.yaml": "resources: [a.yaml]\nnamePrefix: x-\n", "web/a.yaml": self.entry("a", value="1")})
        self.assertIn("/nonexistent/kustomize", error)
        self.push({"web/kustomization.yaml": "resources: [a.yaml]\n"})
        self.assertEqual(self.values(), {"a": "1"})


class Plain(Kustomized):
    """kustomizations of resources alone; kustomize is not there at all"""

    def configure(self):
        super().configure()
        self.daemon.config["renderers"]["kustomize"] = "/nonexistent/kustomize"

    def test_resources_alone_need_no_kustomize(self):
        """a kustomization of resources alone is read without kustomize, only what is listed, through folders and out of its path"""
        self.push({"web/kustomization.yaml": "resources: [a.yaml, sub, ../shared/s.yaml]\n", "web/a.yaml": self.entry("a", value="1"),
                   "web/unlisted.yaml": self.entry("u", value="1"), "web/sub/kustomization.yml": "resources: [b.yaml]\n",
                   "web/sub/b.yaml": self.entry("b", value="1"), "shared/s.yaml": self.entry("s", value="1"), "shared/t.yaml": "words"})
        self.assertEqual(self.values(), {"a": "1", "b": "1", "s": "1"})
        self.push({"shared/t.yaml": "other words"})
        self.assertEqual(self.syncs(), 1)
        self.forget_calls()
        self.push({"shared/s.yaml": self.entry("s", value="2")})
        self.assertEqual((self.values()["s"], self.resolved()), ("2", 1))
        self.forget_calls()
        self.push({"web/kustomization.yaml": "resources: [sub, ../shared/s.yaml, unlisted.yaml]\n"})
        self.assertEqual((self.values(), self.resolved()), ({"b": "1", "s": "2", "u": "1"}, 1))
        self.assertEqual(self.daemon.program.stop(), 0)
        self.daemon.start()
        self.forget_calls()
        self.push({"web/sub/b.yaml": self.entry("b", value="4")})
        self.assertEqual((self.values()["b"], self.resolved()), ("4", 1))
        error = self.error({"web/sub/b.yaml": None})
        self.assertIn("kustomize", error)  # a list that is broken is kustomize's to judge
        self.assertEqual(self.values(), {"b": "4", "s": "2", "u": "1"})

    def test_cost_is_flat(self):
        """one changed manifest among 2,000 that a kustomization lists is read alone"""
        files = {f"web/k{n}.yaml": self.entry(f"k{n}", value="0") for n in range(2000)}
        listing = "resources:\n" + "".join(f"- k{n}.yaml\n" for n in range(2000))
        self.push({**files, "web/kustomization.yaml": listing})
        wait.until(lambda: self.daemon.status()["phase"] == "idle", "nothing more is done")
        self.forget_calls()
        self.push({"web/k7.yaml": self.entry("k7", value="1")})
        self.assertEqual(self.values()["k7"], "1")
        self.assertEqual(self.resolved(), 1)
