"""YAML is typed as kubectl types it: a corpus goes through our line and, read by kubectl, into another namespace."""
import json
import subprocess
import tempfile
from pathlib import Path

from lib import gitopsd, process
from lib.cluster_case import ClusterScene

TABLE = process.ROOT / "tests" / "unit" / "base" / "yaml-typing.tsv"
NAMED = "metadata: {name: nm}"
# What a person would write: comments, anchors, block and folded texts, octal modes, quantities, odd keys, several documents.
STACK = """\
# a small stack
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  labels: &labels {app: shop, tier: "1"}
data:
  script.sh: |
    #!/bin/sh
    # not a comment of YAML
    exec "$@"
  folded: >-
    one line
    of two

    and another
  "on": "off"
  empty: ""
  tab: "a\\tb"
---
apiVersion: v1
kind: Secret
metadata: {name: certificates, labels: {app: shop}}
type: Opaque
data: {key: !!binary YUdWc2JHOD0=}  # twice base64: what stands there is aGVsbG8=
---
# nothing here
---
apiVersion: v1
kind: ConfigMapList
items:
- metadata: {name: first}
  data: {a: "1"}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: second}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  labels:
    <<: &shared {app: shop}
    version: "1.10"
spec:
  replicas: 0x2
  revisionHistoryLimit: 1_0
  selector: {matchLabels: *shared}
  template:
    metadata: {labels: *shared}
    spec:
      terminationGracePeriodSeconds: 0o17
      containers:
      - name: shop
        image: "shop:1.10"
        args: [--port, "8080", --level=3, 'it''s']
        resources: {limits: {cpu: 1, memory: 1.5Gi}, requests: {cpu: .5}}
        volumeMounts: [{name: settings, mountPath: /etc/shop, readOnly: yes}]
        securityContext: {allowPrivilegeEscalation: no}
      volumes:
      - name: settings
        configMap: {name: settings, defaultMode: 0644, optional: On}
"""


class Typing(ClusterScene):
    def setUp(self):
        super().setUp()
        self.other = f"{self.space}-kubectl"
        self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.other}})

    def applied_by_kubectl(self, files: dict[str, str]) -> list[dict]:
        """The documents as kubectl reads them, each created in the other namespace; what the API server has then."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                Path(folder, name).write_text(text, newline="")
            text = self.cluster.kubectl("create", "--dry-run=client", "--validate=false", "-o", "json", "-f", folder)
        items, decoder = [], json.JSONDecoder()
        while text := text.lstrip():
            read, end = decoder.raw_decode(text)
            items += read["items"] if read["kind"] == "List" else [read]
            text = text[end:]
        made = [{**item, "metadata": {**item["metadata"], "namespace": self.other}} for item in items]
        # Posted, since an apply is read as YAML once more.
        return [self.cluster.api("POST", self.cluster.path(one).rpartition("/")[0], one) for one in made]

    def assert_alike(self, theirs: dict) -> None:
        ours = self.live({**theirs, "metadata": {"name": theirs["metadata"]["name"]}})
        for part in ("spec", "data", "type"):
            self.assertEqual(ours.get(part), theirs.get(part), f"{part} of {theirs['kind']} {theirs['metadata']['name']}")
        labels = {key: value for key, value in ours["metadata"].get("labels", {}).items() if not key.startswith("gitopsd.io/")}
        self.assertEqual(labels, theirs["metadata"].get("labels", {}))

    def test_spellings(self):
        """every spelling of the typing table that kubectl takes, in custom resources"""
        self.cluster.define("ex.test", "Blob")
        files = {}
        for row in TABLE.read_text().splitlines():
            fields = row.split("\t")
            if row.startswith("#") or len(fields) < 4 or fields[3].startswith("ERR"):
                continue
            text = json.loads(fields[2])
            # The others are about several documents, names or encodings: the table's own test has them.
            if text.count(NAMED) == 1 and text.count("kind: ") == text.count("kind: Blob") == 1:
                files[f"c{fields[0]}.yaml"] = text.replace(NAMED, f"metadata: {{name: c{fields[0]}}}")
        refused = self.refused(files)
        # Our stricter rule, and bytes that are no text, of which kubectl makes other bytes.
        self.assertTrue(all("stands twice" in why or "is no binary" in why for why in refused.values()), refused)
        self.assertLess(len(refused), 13, refused)
        for name in refused:
            files.pop(name)
        self.assertGreater(len(files), 270)
        theirs = self.applied_by_kubectl(files)
        commit = self.checkout.commit({f"web/{name}": text for name, text in files.items()})
        self.checkout.push()
        self.daemon.push_and_wait(commit)
        self.assertGreaterEqual(len(theirs), len(files))
        for one in theirs:
            with self.subTest(one["metadata"]["name"]):
                self.assert_alike(one)

    def refused(self, files: dict[str, str]) -> dict[str, str]:
        """Files that our reader refuses: name -> why."""
        found = {}
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                Path(folder, name).write_text(text, newline="")
            told = subprocess.run([gitopsd.CTL, "validate", folder], capture_output=True, text=True, timeout=60)
            for line in (told.stdout + told.stderr).splitlines():
                for name in files:
                    if f"{name}:" in line:
                        found[name] = line
        return found

    def test_stack(self):
        """a stack of documents with anchors, block texts, merge keys, octal numbers and words for booleans"""
        commit = self.checkout.commit({"web/stack.yaml": STACK})
        self.checkout.push()
        event = self.daemon.accept(commit)
        theirs = self.applied_by_kubectl({"stack.yaml": STACK})
        self.assertEqual(len(theirs), 5)
        [deployment] = [one for one in theirs if one["kind"] == "Deployment"]
        placed = self.placed({**deployment, "metadata": {"name": "shop"}})
        self.cluster.wait_for(placed, lambda found: True, "the Deployment is there")
        self.cluster.make_available(placed)
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        for one in theirs:
            self.assert_alike(one)

