"""Custom kinds that become others while objects of them are watched: nobody writes an object then, and no event tells."""
import copy

from lib import wait
from lib.drift_case import DriftScene, manager_of
from lib.objects import of


class Kinds(DriftScene):
    """Each test has a kind of its own, with texts in `spec.m` and items in `spec.rows`."""

    def setUp(self):
        super().setUp()
        self.group = f"{self.space}.example.com"
        self.crd = self.cluster.define(self.group, "Thing", self.schema())

    def schema(self, map_type: str = "granular", list_type: str = "map", without: str = "") -> dict:
        row = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "size": {"type": "integer"}}}
        keys = {"x-kubernetes-list-map-keys": ["name"]} if list_type == "map" else {}
        members = {"m": {"type": "object", "additionalProperties": {"type": "string"}, "x-kubernetes-map-type": map_type},
                   "rows": {"type": "array", "items": row, "x-kubernetes-list-type": list_type, **keys},
                   "color": {"type": "string"}}
        return {"type": "object", "properties": {"spec": {"type": "object", "properties": {
            name: member for name, member in members.items() if name != without}}}}

    def redefine(self, **more) -> None:
        """Served when this returns."""
        crd = copy.deepcopy(self.crd)
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = schema = self.schema(**more)
        self.cluster.apply(crd)
        # The API server takes a new schema up a moment later. A dry run of a probe tells when: it is pruned, and owned, by it.
        probe = self.placed(self.thing("probe"))

        def served():
            made = self.cluster.api("PATCH", f"{self.cluster.path(probe)}?fieldManager=probe&dryRun=All&fieldValidation=Ignore",
                                    probe, "application/apply-patch+yaml")
            fields = manager_of(made, "probe")["f:spec"]
            wanted = schema["properties"]["spec"]["properties"]
            return ("color" in wanted) == ("f:color" in fields) \
                and (wanted["m"]["x-kubernetes-map-type"] == "atomic") == (fields["f:m"] == {}) \
                and (wanted["rows"]["x-kubernetes-list-type"] == "atomic") == (fields["f:rows"] == {})

        def met():
            try:
                return served()
            except AssertionError:  # a field that the new schema has not is an error of the apply
                return "color" not in schema["properties"]["spec"]["properties"]

        wait.until(met, "the new schema is served")

    def thing(self, name: str) -> dict:
        return of("Thing", f"{self.group}/v1", name, spec={
            "m": {"a": "1", "b": "2"}, "rows": [{"name": "x", "size": 1}, {"name": "y", "size": 2}], "color": "red"})

    def test_atomic_map_becomes_granular(self):
        """what we own whole, of a map that is now owned by keys, is put back below it, too; then it is ours by keys"""
        self.redefine(map_type="atomic")
        changed, removed = self.thing("changed"), self.thing("removed")
        self.sync(changed, removed)
        self.assertEqual(manager_of(self.live(changed))["f:spec"]["f:m"], {})
        self.redefine()
        self.patch(changed, {"spec": {"m": {"a": "by hand"}}})
        self.patch(removed, {"spec": {"m": {"b": None}}})
        for document in (changed, removed):
            self.wait_live(document, lambda found: found["spec"]["m"] == {"a": "1", "b": "2"}, "it is put back")
        self.assertEqual(manager_of(self.live(changed))["f:spec"]["f:m"], {"f:a": {}, "f:b": {}})
        self.wait_idle()
        # Now what others add to the map is theirs.
        writes = self.writes(changed)
        self.patch(changed, {"spec": {"m": {"c": "theirs"}}})
        self.patch(removed, {"spec": {"m": {"a": "by hand"}}})
        self.wait_live(removed, lambda found: found["spec"]["m"]["a"] == "1", "it is put back")
        self.assertEqual((self.writes(changed), self.live(changed)["spec"]["m"]["c"]), (writes, "theirs"))

    def test_atomic_list_becomes_map(self):
        """the same of a list whose items get keys"""
        self.redefine(list_type="atomic")
        document = self.thing("changed")
        self.sync(document)
        self.redefine()
        rows = [{"name": "x", "size": 7}, {"name": "y", "size": 2}]
        self.patch(document, {"spec": {"rows": rows}})
        self.wait_live(document, lambda found: found["spec"]["rows"][0]["size"] == 1, "it is put back")

    def test_field_is_dropped(self):
        """a field that the kind has no more is told, without an event of any object, and is well again when it comes back"""
        document = self.thing("dropped")
        self.sync(document)
        version = self.live(document)["metadata"]["resourceVersion"]
        self.redefine(without="color")
        self.daemon.program.wait_until(lambda: "color" in (self.daemon.status()["error"] or ""), "it is told")
        self.assertNotEqual(self.daemon.status()["status"], "synced")
        self.assertEqual(self.live(document)["metadata"]["resourceVersion"], version)
        self.redefine()
        self.daemon.program.wait_until(lambda: self.daemon.status()["status"] == "synced", "all is well again", 70)
        self.assertEqual(self.live(document)["spec"]["color"], "red")

    def test_kind_is_deleted(self):
        """when a kind is deleted its objects are not known any more; when it comes back they are made anew"""
        document = self.thing("a")
        self.sync(document)
        uid = self.live(document)["metadata"]["uid"]
        self.cluster.delete(self.crd)
        self.daemon.program.wait_until(lambda: self.daemon.status()["status"] != "synced", "it is told")
        wait.until(lambda: not self.cluster.exists(f"/apis/{self.group}/v1"), "the kind is gone", 60)
        before = len(self.requests())
        with self.assertRaises(wait.NeverHappened):
            wait.until(lambda: len(self.requests()) > before + 60, "it is busy", 3)
        self.cluster.plurals.clear()
        self.cluster.define(self.group, "Thing", self.schema())
        found = self.wait_live(document, lambda found: found["metadata"]["uid"] != uid, "it is made anew", 70)
        self.assertEqual(found["spec"]["color"], "red")
