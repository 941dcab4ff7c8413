"""The whole line on a real API server: a signed push, a commit, objects; drift and what leaves the repository."""
import time

from lib.cluster_case import ClusterScene, config_map


class Line(ClusterScene):
    def test_push_to_object(self):
        """a signed push makes the cluster match the commit; what leaves the commit leaves the cluster"""
        first, second = config_map("a", {"key": "1"}), config_map("b", {"key": "1"})
        self.sync(first, second)
        self.assertEqual(self.live(first)["data"], {"key": "1"})
        before = self.live(second)["metadata"]["resourceVersion"]
        self.sync(config_map("a", {"key": "2"}), second)
        self.assertEqual(self.live(first)["data"], {"key": "2"})
        self.assertEqual(self.live(second)["metadata"]["resourceVersion"], before, "what did not change is not written")
        self.sync(second)
        self.wait_gone(first)
        self.assertEqual(self.live(second)["metadata"]["resourceVersion"], before)

    def test_heal(self):
        """a manual change is put back at once, and a deleted object comes back"""
        first = config_map("a", {"key": "1"})
        self.sync(first)
        self.cluster.patch(self.placed(first), {"data": {"key": "by hand"}})
        began = time.monotonic()
        self.wait_live(first, lambda found: found["data"] == {"key": "1"}, "the change is put back")
        print(f"healed after {(time.monotonic() - began) * 1000:.0f} ms")
        self.cluster.delete(self.placed(first))
        self.wait_live(first, lambda found: found["data"] == {"key": "1"}, "it is back")

    def test_foreign_fields_stay(self):
        """what others add is no drift and stays"""
        first = config_map("a", {"key": "1"})
        self.sync(first)
        self.cluster.patch(self.placed(first), {"data": {"other": "theirs"}})
        self.sync(config_map("a", {"key": "2"}))
        self.assertEqual(self.live(first)["data"], {"key": "2", "other": "theirs"})
