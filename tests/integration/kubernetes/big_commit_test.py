"""Commits of so many documents that the provider is asked in parts, with a kind that one of them defines."""
import copy
import json

from lib.cluster_case import ClusterScene, config_map
from lib.objects import kind_of

MANY = 1050  # three parts


class BigCommit(ClusterScene):
    """Each test has a kind of its own, `Stall`, whose apples are counted."""

    def configure(self):
        super().configure()
        self.group = f"{self.space}.example.com"
        self.daemon.application["policy"]["clusterKinds"] = ["CustomResourceDefinition.apiextensions.k8s.io"]

    def definition(self, *versions: str) -> dict:
        return kind_of("stalls", "Stall", self.group, versions=versions or ("v1",))

    def stall(self, name: str, apples: int = 1, version: str = "v1") -> dict:
        return {"apiVersion": f"{self.group}/{version}", "kind": "Stall", "metadata": {"name": name, "namespace": self.space},
                "spec": {"apples": apples}}

    def stalls(self) -> list[str]:
        found = self.cluster.get(f"/apis/{self.group}/v1/namespaces/{self.space}/stalls")["items"]
        return sorted(item["metadata"]["name"] for item in found)

    def fill(self) -> list[dict]:
        return [config_map(f"c{number:04}", {"k": "1"}) for number in range(MANY)]

    def test_definition_last(self):
        """a kind of the last of 1,050 documents, resources of it in every part: one commit, one sync"""
        some = self.fill()
        names = ("a", "b", "c")
        for name, at in zip(names, (0, 520, 1040)):
            some[at] = self.stall(name)
        self.sync(*some[:-1], self.definition())
        self.assertEqual(self.stalls(), list(names))
        self.assertEqual(self.live(config_map("c0700", {}))["data"], {"k": "1"})

    def test_definition_first(self):
        """600 resources of a kind of the first document; one more of it later, and the kind in another version"""
        names = [f"s{number:03}" for number in range(600)]
        self.sync(self.definition(), *map(self.stall, names))
        self.assertEqual(self.stalls(), names)
        # Whatever is read of this commit is one small part, and the definition is the cluster's now.
        self.sync(self.definition(), *map(self.stall, names), **{"web/a.yaml": json.dumps(self.stall("later"))})
        self.assertIn("later", self.stalls())
        # The kind in another version, in the same commit, in another part.
        self.sync(*(self.stall(name, 2, "v2") for name in names), self.definition("v1", "v2"))
        self.assertEqual(self.cluster.get(self.stall("s599"))["spec"], {"apples": 2})
        self.assertEqual(self.cluster.get(self.stall("s000"))["spec"], {"apples": 2})

    def test_small_commit_after_a_big_one(self):
        """of a commit that adds a definition and a resource to many others, only their two files are asked about"""
        self.sync(*self.fill())
        self.sync(*self.fill(), **{"web/a.yaml": json.dumps(self.stall("early")), "web/b.yaml": json.dumps(self.definition())})
        self.assertEqual(self.stalls(), ["early"])

    def test_nobody_defines(self):
        """a kind that no part defines is refused at its line, and nothing is made"""
        some = self.fill()
        other = copy.deepcopy(self.stall("other"))
        other["kind"] = "Stal"
        some[3], some[-1] = other, self.definition()
        error = self.sync(*some, state="failed")["error"]
        self.assertIn(f"the cluster has no kind Stal.{self.group}", error)
        self.assertIn("web/all.yaml:8:", error)
        self.assertEqual(error.count("has no kind"), 1)
        self.assertFalse(self.cluster.exists(self.placed(config_map("c0000", {}))))

    def test_wrong_resource(self):
        """what is wrong with one of 600 resources of a new kind is told at its line, and no later wave begins"""
        some = [self.stall(f"s{number:03}") for number in range(600)]
        some[590] = self.stall("wrong", 0)
        last = config_map("last", {"k": "1"}, annotations={"gitopsd.io/sync-wave": "1"})
        error = self.sync(last, *some, self.definition(), state="failed")["error"]
        self.assertRegex(error, r"web/all.yaml:1184:\d+: .*apples")
        self.assertFalse(self.cluster.exists(self.placed(last)))
        some[590] = self.stall("right", 1)
        self.sync(last, *some, self.definition())
        self.assertTrue(self.cluster.exists(self.placed(last)))
