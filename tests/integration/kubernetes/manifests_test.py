"""What may stand in a repository's manifests, and what is wrong with them where."""
import json
import re

from lib.cluster_case import ClusterScene, config_map, manifest

ODD = "\x85 \x7f \x80 \u009f \ufffe \uffff \u2028 \U0001f600 \u00e9 \"\\ \t'"


def job(name: str) -> dict:
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": {"spec": {
        "restartPolicy": "Never", "containers": [{"name": "one", "image": "example.com/one:1"}]}}}}


def claim(name: str) -> dict:
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}


class Forms(ClusterScene):
    def configure(self):
        super().configure()
        self.daemon.application["policy"]["clusterKinds"] = ["StorageClass.storage.k8s.io"]

    def push_files(self, state: str = "succeeded", **files) -> dict:
        commit = self.checkout.commit({f"web/{name}": text for name, text in files.items()}, "Change")
        self.checkout.push()
        return self.daemon.push_and_wait(commit, state)

    def test_forms(self):
        """multi-document YAML, a List, a kind of list, and JSON are all read, in the policy's namespace where none is named"""
        lists = {"apiVersion": "v1", "kind": "List", "items": [config_map("c", {"k": "3"}), config_map("d", {"k": "4"})]}
        of_kind = {"apiVersion": "v1", "kind": "ConfigMapList", "items": [config_map("e", {"k": "5"})]}
        self.push_files(**{
            "a.yaml": "# a comment\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: '1'\n"
                      "---\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {k: '2'}\n",
            "lists.yaml": f"{json.dumps(lists)}\n---\n{json.dumps(of_kind)}\n",
            "f.json": json.dumps(config_map("f", {"k": "6"}, namespace=self.space))})
        for number, name in enumerate("abcdef", 1):
            self.assertEqual(self.live(config_map(name, {}))["data"], {"k": str(number)})

    def test_odd_characters(self):
        """every character that YAML or the API server treats in its own way arrives as it was written"""
        yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}\ndata: {k: \"\\N \\x7f \\U0001f600\", l: 😀}\n"
        for more in ({}, {"l": "more"}):  # the second time onto what the server made of the first
            self.push_files(**{"odd.json": json.dumps(config_map("json", {"k": ODD, **more})), "odd.yaml": yaml})
            self.assertEqual(self.live(config_map("json", {}))["data"], {"k": ODD, **more})
            self.assertEqual(self.live(config_map("yaml", {}))["data"], {"k": "\x85 \x7f \U0001f600", "l": "\U0001f600"})

    def test_secret_texts(self):
        """stringData becomes data; a key that leaves it leaves the Secret"""
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
        self.sync({**secret, "stringData": {"one": "1", "two": "zwei"}, "data": {"three": "Mw=="}})
        self.assertEqual(set(self.live(secret)["data"]), {"one", "two", "three"})
        self.sync({**secret, "stringData": {"one": "1"}, "data": {"three": "Mw=="}})
        self.assertEqual(self.live(secret)["data"], {"one": "MQ==", "three": "Mw=="})

    def test_what_servers_write(self):
        """what `kubectl get -o yaml` prints can be committed, and is written once"""
        noise = {"creationTimestamp": None, "selfLink": "/api/v1/x", "uid": "7c0e", "resourceVersion": "1", "generation": 1,
                 "managedFields": []}
        storage = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": f"fast-{self.space}"},
                   "provisioner": "example.com/disk", "parameters": {}}
        noisy = config_map("noisy", {"k": "1"}, **noise)
        documents = [noisy, storage, job("once"), claim("disk")]
        event = self.daemon.accept(self.push(*documents))
        self.cluster.wait_for(self.placed(claim("disk")), lambda _: True, "the claim is there")
        self.cluster.patch(f"{self.cluster.path(self.placed(claim('disk')))}/status", {"status": {"phase": "Bound"}})
        self.wait_live(job("once"), lambda _: True, "the Job is there")
        self.finish_job(job("once"))
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        before = self.versions(documents)
        for number in ("1", "2"):  # each sync plans everything, because everything is in the file that changed
            self.sync(*documents, config_map("more", {"k": number}))
            self.assertEqual(self.versions(documents), before)

    def finish_job(self, document: dict) -> None:
        now = "2026-01-01T00:00:00Z"
        done = {"type": "Complete", "status": "True", "lastTransitionTime": now}
        self.cluster.patch(f"{self.cluster.path(self.placed(document))}/status", {"status": {
            "startTime": now, "completionTime": now, "succeeded": 1,
            "conditions": [{**done, "type": "SuccessCriteriaMet"}, done]}})

    def versions(self, documents) -> list[str]:
        return [self.live(document)["metadata"]["resourceVersion"] for document in documents]


class Refused(ClusterScene):
    """Each is told with file, line and column of the member, and nothing of that sync is applied."""

    GOOD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\ndata: {k: '1'}\n---\n"

    def refused(self, text: str, *expected: str, state: str = "failed") -> str:
        commit = self.checkout.commit({"web/all.yaml": self.GOOD + text}, "Change")
        self.checkout.push()
        error = self.daemon.push_and_wait(commit, state)["error"]
        print(error)
        for part in expected:
            self.assertIn(part, error)
        self.assertFalse(self.cluster.exists(self.placed(config_map("good", {}))), "nothing is applied")
        return error

    def test_before_the_cluster_is_asked(self):
        """no name, generateName, a boolean annotation, an unknown kind or version, the same object twice"""
        self.refused(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  generateName: a-\n"
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations:\n    example.com/on: true\n"
            "---\napiVersion: apps/v1\nkind: Deploymant\nmetadata: {name: a}\n"
            "---\napiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: a}\n"
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\n"
            "---\napiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: i}\n"
            "---\napiVersion: foo.k8s.io/v1\nkind: Widget\nmetadata: {name: w}\n",
            "has it as apiVersion networking.k8s.io/v1", "no kind Widget.foo.k8s.io (install its",
            "all.yaml:9:3", "name it", "all.yaml:16:21", "put it in quotes", "all.yaml:19:7", "did you mean Deployment.apps?",
            "all.yaml:22:13", "it serves v1: write apiVersion apps/v1", "all.yaml:28:18", "declared twice",
            "all.yaml:3:18: ConfigMap/" + self.space + "/good is declared here first")

    def test_unknown_fields(self):
        """unknown fields: all of all objects, each where it stands"""
        error = self.refused(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  lables: {x: y}\nbinaryDate: {}\ndate: {}\n"
            "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec:\n  selecter: {a: b}\n"
            "  ports:\n    - port: 80\n      targetPort: 8080\n    - prot: 81\n",
            "all.yaml:10:11", "metadata.lables: unknown field", "all.yaml:11:13", "binaryDate: unknown", "all.yaml:12:7", "date: unknown",
            "all.yaml:18:13", "spec.selecter: unknown", "all.yaml:22:13", "spec.ports[1].prot: unknown")
        self.assertEqual(error.count("unknown field"), 5, error)
        self.assertNotIn("typed patch", error, "the server's inner words help nobody")

    def test_wrong_types(self):
        """wrong types: of every object, where the value stands"""
        error = self.refused(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  port: 80\n  big: true\n  n: 1\n"
            "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec:\n  type: Clusterip\n  ports: many\n",
            "all.yaml:10:9", "data.port: expected string", "all.yaml:11:8", "data.big: expected string", "all.yaml:19:10", "expected list",
            "all.yaml:18:9", "Unsupported value", "all.yaml:12:6", "n, no, off and false as a boolean, also as a key",
            "YAML reads a number: put it in quotes", "y, yes, on and true as a boolean: put it in quotes")
        lines = [int(line) for line in re.findall(r"all\.yaml:(\d+):", error)]
        self.assertEqual(lines, sorted(lines))

    def test_duplicate_list_keys(self):
        """two list items with one key, which a server-side apply cannot tell apart"""
        self.refused(
            "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec:\n  ports:\n"
            "    - {port: 80, name: a}\n    - {port: 80, name: b}\n",
            "all.yaml:11:5", "duplicate entries for key [port=80")

    def test_quantities(self):
        """what is no quantity is named with its line, though the server names no field"""
        self.refused(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: {matchLabels: {a: b}}\n"
            "  template:\n    metadata: {labels: {a: b}}\n    spec:\n      containers:\n        - name: c\n          image: c:1\n"
            "          resources:\n            requests: {cpu: 500m, memory: 128Mi}\n            limits:\n              cpu: '1'\n"
            "              memory: 1GB\n",
            "all.yaml:21:23", "spec.template.spec.containers[0].resources.limits.memory: `1GB` is no quantity")

    def test_invalid_values(self):
        """several invalid values of one object, and of another, are told at once"""
        self.refused(
            "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec:\n  type: Clusterip\n  ports:\n"
            "    - port: 800000\n"
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: Bad_Name}\n",
            "all.yaml:10:9", "spec.type", "all.yaml:12:13", "spec.ports[0].port", "all.yaml:16:18", "Bad_Name")


class Skipped(ClusterScene):
    """With `invalid: skip` what is valid is applied all the same."""

    def configure(self):
        super().configure()
        self.daemon.application["invalid"] = "skip"
        self.daemon.application["policy"]["clusterKinds"] = ["Namespace"]

    def refused(self, files: dict[str, str | None]) -> str:
        commit = self.checkout.commit(files, "Change")
        self.checkout.push()
        return self.daemon.push_and_wait(commit, "failed")["error"]

    def test_left_out(self):
        """what cannot be read, is not allowed, or fails its dry run is left out; the rest is applied, healed, and nothing is deleted"""
        self.sync(config_map("kept", {"k": "1"}), config_map("gone", {"k": "1"}), **{"web/wrong.yaml": manifest(config_map("w", {"k": "1"}))})
        files = {
            "web/all.yaml": manifest(config_map("kept", {"k": "2"}), config_map("new", {"k": "1"}),
                                     config_map("far", {}, namespace="kube-public")),
            "web/wrong.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: w}\ndata: {k: 2}\n",
            "web/broken.yaml": "apiVersion: [v1\n"}
        commit = self.checkout.commit(files, "Change")
        self.checkout.push()
        plan = self.daemon.ctl("plan", "web", expect=1)
        self.assertIn("left out:", plan)
        error = self.daemon.push_and_wait(commit, "failed")["error"]
        print(error)
        for part in ("web/wrong.yaml:4:11: ", "data.k: expected string", "web/broken.yaml:2:1: ", "web/all.yaml:", "kube-public"):
            self.assertIn(part, error)
            self.assertIn(part, plan)
        self.assertEqual(self.live(config_map("kept", {}))["data"], {"k": "2"})
        self.assertEqual(self.live(config_map("new", {}))["data"], {"k": "1"})
        self.assertEqual(self.live(config_map("w", {}))["data"], {"k": "1"})
        self.assertTrue(self.cluster.exists(self.placed(config_map("gone", {}))))
        self.cluster.patch(self.placed(config_map("new", {})), {"data": {"k": "by hand"}})
        self.wait_live(config_map("new", {}), lambda found: found["data"] == {"k": "1"}, "what it applied is healed")
        self.sync(config_map("kept", {"k": "2"}), config_map("new", {"k": "1"}), **{"web/wrong.yaml": None, "web/broken.yaml": None})
        for name in ("gone", "w"):
            self.wait_gone(config_map(name, {}))

    def test_in_a_new_namespace(self):
        """what can be checked only when its namespace is there is left out then, and the rest of it is applied"""
        space = f"{self.space}-new"
        self.daemon.application["policy"]["namespaces"].append(space)
        self.daemon.reload()
        error = self.refused({"web/all.yaml": manifest(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}},
            config_map("right", {"k": "1"}, namespace=space), config_map("wrong", {"k": 1}, namespace=space))})
        self.addCleanup(self.cluster.delete, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
        self.assertIn("data.k: expected string", error)
        self.assertEqual(self.cluster.get(config_map("right", {}, namespace=space))["data"], {"k": "1"})
        self.assertFalse(self.cluster.exists(config_map("wrong", {}, namespace=space)))

    def test_without_its_namespace(self):
        """what lies in a namespace that is left out is left out, too"""
        space = f"{self.space}-bad"
        self.daemon.application["policy"]["namespaces"].append(space)
        self.daemon.reload()
        error = self.refused({"web/all.yaml": manifest(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space, "labels": {"a": "-"}}},
            config_map("in", {"k": "1"}, namespace=space), config_map("beside", {"k": "1"}))})
        self.assertIn(f"in requires Namespace/{space}, which is left out", error)
        self.assertEqual(self.live(config_map("beside", {}))["data"], {"k": "1"})

    def test_hook(self):
        """nothing is applied without a hook that is invalid"""
        hook = job("before")
        hook["metadata"]["annotations"] = {"argocd.argoproj.io/hook": "PreSync"}
        for kind, said in (("Jobb", "did you mean Job"), ("Job", "unknown field")):
            hook |= {"kind": kind, "speck": {}}
            self.assertIn(said, self.refused({"web/all.yaml": manifest(hook, config_map("a", {"k": "1"}))}))
            self.assertFalse(self.cluster.exists(self.placed(config_map("a", {}))))
