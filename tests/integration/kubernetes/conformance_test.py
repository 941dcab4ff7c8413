"""The provider keeps the provider protocol, checked as any other is, with a real cluster behind it."""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from lib import kubernetes, process
from lib.cluster_case import PROVIDER, config_map, shared_cluster
from lib.objects import kind_of

SPACE = "conformance"


class Conformance(unittest.TestCase):
    def documents(self, kubectl: list[str]) -> dict:
        first = [config_map("a", {"k": "one"}), config_map("b", {"k": "other"}),
                 {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "c"}}]
        return {
            "settings": {"kubeconfig": str(shared_cluster().kubeconfig())},
            "policy": {"namespaces": [SPACE], "clusterKinds": ["CustomResourceDefinition.apiextensions.k8s.io"]},
            "wide_policy": {"namespaces": ["*"]},
            "first": first, "second": [config_map("a", {"k": "two"}), *first[1:]],
            "broken": [{"apiVersion": "v1", "kind": "ConfigMapp", "metadata": {"name": "a"}},
                       {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"x": 5}}},
                       {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "a-"}}],
            "forbidden": [config_map("a", {}, namespace="kube-system")],
            "secret_document": {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
                                "stringData": {"k": "correct horse"}},
            "secret": "correct horse",
            "defining": [kind_of("stalls", "Stall", "conformance.example.com")],
            "using": [{"apiVersion": "conformance.example.com/v1", "kind": "Stall", "metadata": {"name": name}}
                      for name in ("a", "b")],
            "clean": [*kubectl, "delete", "configmaps,secrets,serviceaccounts", "--all"],
            "drift": {"command": [*kubectl, "patch", "configmap", "a", "--patch", json.dumps({"data": {"k": "drifted"}})],
                      "show": [*kubectl, "get", "configmap", "a", "-o", "jsonpath={.data}"]}}

    def test_protocol(self):
        """every rule of the protocol that its documents cover"""
        cluster = shared_cluster()
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
        kubectl = [str(kubernetes.build("kubectl")), "--kubeconfig", str(cluster.kubeconfig()), "--namespace", SPACE]
        with tempfile.TemporaryDirectory(prefix="gitopsd-test-") as folder:
            file = Path(folder) / "documents.json"
            file.write_text(json.dumps(self.documents(kubectl)))
            done = subprocess.run([sys.executable, str(process.ROOT / "tests" / "conformance" / "run"), "--provider",
                                   str(PROVIDER), "--documents", str(file)], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=500)
        print(done.stdout)
        failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
        self.assertEqual((done.returncode, failed), (0, []))
