"""Kustomizations that build on other repositories, as configured."""
from lib import git
from render.kustomize_test import Kustomized


class Bases(Kustomized):
    def configure(self):
        super().configure()
        self.base = git.Origin(self.folder / "git", "platform")
        self.url = self.server.url + "/platform.git"
        self.daemon.config["repositories"].append({"name": "platform", "url": self.url, "poll": "0s"})
        self.daemon.application["bases"] = ["platform"]

    def publish(self, files: dict[str, str | None], tag: str = "") -> str:
        commit = self.base.checkout.commit(files)
        self.base.checkout.push()
        if tag:
            git.git(self.base.directory, "tag", "-f", tag, commit)
        return commit

    def base_of(self, value: str) -> dict[str, str]:
        return {"deploy/kustomization.yaml": "resources: [a.yaml, ../shared]\n", "deploy/a.yaml": self.entry("a", value=value),
                "shared/kustomization.yaml": "resources: [b.yaml]\n", "shared/b.yaml": self.entry("b", value=value)}

    def on(self, ref: str, more: str = "") -> dict[str, str]:
        return {"web/kustomization.yaml": f"resources:\n- {self.url}//deploy?ref={ref}\n- own.yaml\n{more}",
                "web/own.yaml": self.entry("own", value="1")}

    def test_tag_and_commit(self):
        """a base is what its tag or commit names, and changes when the kustomization names another"""
        self.publish(self.base_of("1"), "v1")
        second = self.publish(self.base_of("2"))
        self.publish(self.base_of("3"))
        self.push(self.on("v1"))
        self.assertEqual(self.values(), {"a": "1", "b": "1", "own": "1"})
        self.push(self.on(second))
        self.assertEqual(self.values(), {"a": "2", "b": "2", "own": "1"})
        self.forget_calls()
        self.push({"web/own.yaml": self.entry("own", value="2")})
        self.assertEqual(self.values(), {"a": "2", "b": "2", "own": "2"})
        self.assertEqual(self.resolved(), 1, "only what changed is shown to the provider")
        self.assertEqual(self.daemon.program.stop(), 0)
        self.daemon.start()
        self.push({"web/own.yaml": self.entry("own", value="3")})
        self.assertEqual(self.values(), {"a": "2", "b": "2", "own": "3"})

    def test_built_by_kustomize(self):
        """a base is built by kustomize where the kustomization on it is, and base on base"""
        self.publish(self.base_of("1"), "v1")
        self.publish({"deploy/kustomization.yaml": f"resources: [a.yaml]\ncomponents:\n- {self.url}//part?ref=v1\n",
                      "part/kustomization.yaml": "kind: Component\nresources: [c.yaml]\n", "part/c.yaml": self.entry("c", value="1")})
        git.git(self.base.directory, "tag", "-f", "v1", "main")
        self.push(self.on("v1", "namePrefix: x-\n"))
        self.assertEqual(self.values(), {"x-a": "1", "x-c": "1", "x-own": "1"})
        self.push({"web/own.yaml": self.entry("own", value="2")})
        self.assertEqual(self.values(), {"x-a": "1", "x-c": "1", "x-own": "2"})

    def test_commit_beside_every_branch(self):
        """a commit that no branch leads to any more is asked for by its id"""
        lost = self.publish(self.base_of("1"))
        git.git(self.base.checkout.directory, "commit", "-q", "--amend", "-m", "Another")
        git.git(self.base.checkout.directory, "push", "-q", "-f", "origin", "main")
        self.push(self.on(lost))
        self.assertEqual(self.values(), {"a": "1", "b": "1", "own": "1"})

    def test_server_away(self):
        """what was fetched is built on while its server is away, and what was not waits for it"""
        self.publish(self.base_of("1"), "v1")
        self.push(self.on("v1"))
        hidden = self.base.directory.with_name("hidden.git")
        self.base.directory.rename(hidden)
        self.push({"web/own.yaml": self.entry("own", value="2")})
        self.assertEqual(self.values(), {"a": "1", "b": "1", "own": "2"})
        hidden.rename(self.base.directory)

    def test_refused(self):
        """a branch, no ref, an unknown tag or commit, and a repository that is not listed: each with the line and the way out"""
        self.publish(self.base_of("1"), "v1")
        for ref, words in {"main": "repository platform has no tag main (name a tag, or a full commit id",
                           "v9": "repository platform has no tag v9", "0" * 39 + "1": "has no commit " + "0" * 39 + "1",
                           "": "it says not which commit is meant (add ?ref="}.items():
            with self.subTest(ref=ref):
                error = self.error(self.on(ref))
                self.assertIn("web/kustomization.yaml:2:3", error)
                self.assertIn(words, error)
        error = self.error({"web/kustomization.yaml": f"resources:\n- {self.server.url}/other.git//deploy?ref=v1\n"})
        self.assertIn("web/kustomization.yaml:2:3", error)
        self.assertIn("list that repository in `bases` of the application", error)
        self.assertFalse(any("/other.git" in request for request in self.server.requests))
