"""The rights that the provider's README says its user needs: those are enough."""
import json
import re
from pathlib import Path

from lib import wait
from lib.cluster_case import ClusterScene, config_map

README = Path(__file__).parents[3] / "providers" / "kubernetes" / "README.md"
FILLER = [config_map(f"stays-{number}", {"k": "1"}) for number in range(20)]


def read_all(text: str) -> list[dict]:
    """JSON documents one after another, or a list of them."""
    found = []
    while text := text.strip():
        document, end = json.JSONDecoder().raw_decode(text)
        found += document["items"] if document["kind"] == "List" else [document]
        text = text[end:]
    return found


class Rights(ClusterScene):
    def configure(self):
        super().configure()
        self.other = f"{self.space}-more"
        self.daemon.config["destinations"][0]["settings"]["kubeconfig"] = str(self.cluster.kubeconfig("gitopsd"))
        self.daemon.application["policy"].update(namespaces=[self.space, self.other], clusterKinds=["Namespace"])

    def documented(self) -> list[dict]:
        section = re.search(r"## Rights of its user\n.*?```yaml\n(.*?)```", README.read_text(), re.DOTALL)
        file = self.folder / "rights.yaml"
        file.write_text(section[1])
        text = self.cluster.kubectl("create", "--dry-run=client", "--output=json", f"--filename={file}")
        return read_all(text)

    def grant(self, rights: list[dict], space: str) -> None:
        for right in rights:
            if "namespace" in right["metadata"]:
                right = {**right, "metadata": {**right["metadata"], "namespace": space}}
            self.cluster.apply(right)
            self.addCleanup(self.cluster.delete, right)
        for resource, at in (("configmaps", space), ("namespaces", "")):
            wait.until(lambda: self.cluster.may("gitopsd", "delete", "", resource, at), "the rights are in force")

    def test_documented_role(self):
        """with the role of the README: create, change, heal, take over, replace and prune, without a word of missing rights"""
        self.grant(self.documented(), self.space)
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web"}}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, "stringData": {"k": "1"}}
        fixed = config_map("fixed", {"k": "1"}, annotations={"gitopsd.io/apply": "replace"})
        there = config_map("there", {"k": "1", "old": "1"})
        self.cluster.apply(self.placed(there), manager="kubectl")
        self.sync(account, secret, {**fixed, "immutable": True}, config_map("there", {"k": "2"}), *FILLER)
        self.cluster.patch(self.placed(FILLER[0]), {"data": {"k": "by hand"}})
        self.wait_live(FILLER[0], lambda found: found["data"] == {"k": "1"}, "it is healed")
        self.sync(account, {**fixed, "data": {"k": "2"}}, *FILLER)
        self.assertEqual(self.live(fixed)["data"], {"k": "2"})
        for gone in (secret, there):
            self.wait_gone(gone)
        log = self.daemon.program.log.read_text()
        for word in ("cannot watch", "forbidden"):
            self.assertNotIn(word, log)

    def test_namespace_of_the_commit(self):
        """the cluster role of the README is enough to make and change a Namespace"""
        self.grant(self.documented(), self.space)
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.other}}
        self.sync(space, *FILLER)
        self.sync({**space, "metadata": {"name": self.other, "labels": {"k": "1"}}}, *FILLER)
        self.assertEqual(self.cluster.get(space)["metadata"]["labels"]["k"], "1")

    def test_unwatched(self):
        """without the rights to list and watch: which kind is not watched and what to give to whom, until it is given"""
        core = {"apiGroups": [""], "resources": ["configmaps"]}
        self.cluster.grant("gitopsd", {**core, "verbs": ["get", "create", "patch"]}, namespace=self.space)
        self.sync(FILLER[0])
        wait.until(lambda: self.daemon.status()["conditions"], "it is told")
        message = f"drift of ConfigMap in namespace {self.space} is seen only every check_interval"
        grant = f"give gitopsd the verbs `list` and `watch` on `configmaps` in namespace {self.space}"
        for told in (self.daemon.ctl("status"), self.daemon.ctl("status", "web")):
            self.assertIn(message, told)
            self.assertIn(grant, told)
        there = self.daemon.get("/v1/destinations")["destinations"][0]
        self.assertEqual((there["reachable"], [one["applications"] for one in there["conditions"]]), (True, [["web"]]))
        self.assertEqual(self.daemon.status()["status"], "synced")
        self.cluster.grant("gitopsd", {**core, "verbs": ["list", "watch"]}, namespace=self.space)
        wait.until(lambda: not self.daemon.status()["conditions"], "it is told no more", 70)
        self.assertNotIn("check_interval", self.daemon.ctl("status"))
