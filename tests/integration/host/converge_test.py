"""A signed push makes the host match the commit."""
import os
import stat

from lib import manifest, yaml
from lib.case import Scene


class Converge(Scene):
    def test_create_update_prune(self):
        """a push creates, updates and prunes files"""
        self.converge({"one": "1\n", "two": "2\n", "three": "3\n"})
        self.converge({"one": "1\n", "two": "changed\n", "three": "3\n"})
        self.converge({"one": "1\n", "two": "changed\n"})

    def test_every_kind(self):
        """File from text, base64 and the repository, Directory and Symlink come out as declared"""
        binary = bytes(range(256)) * 300
        commit = self.checkout.commit({
            "web/picture.bin": binary,
            "web/site.yaml": yaml.documents(
                manifest.document("Directory", "deep", path=f"{self.target}/deep", mode="0750"),
                manifest.document("File", "text", path=f"{self.target}/deep/text", content="text\n", mode="0600"),
                manifest.document("File", "bytes", path=f"{self.target}/bytes", contentBase64="AAEC/w=="),
                manifest.document("File", "picture", path=f"{self.target}/picture", source="picture.bin", mode="0444"),
                manifest.document("Symlink", "link", path=f"{self.target}/link", target="deep/text"))})
        self.checkout.push()
        self.daemon.push_and_wait(commit)
        self.assertEqual((self.target / "deep/text").read_text(), "text\n")
        self.assertEqual((self.target / "bytes").read_bytes(), b"\0\1\2\xff")
        self.assertEqual((self.target / "picture").read_bytes(), binary)
        self.assertEqual(os.readlink(self.target / "link"), "deep/text")
        modes = {name: stat.S_IMODE((self.target / name).lstat().st_mode) for name in ("deep", "deep/text", "picture")}
        self.assertEqual(modes, {"deep": 0o750, "deep/text": 0o600, "picture": 0o444})

    def test_only_what_changed(self):
        """a file that did not change is not written again"""
        self.converge({"same": "same\n", "other": "1\n"})
        before = (self.target / "same").stat()
        self.converge({"same": "same\n", "other": "2\n"})
        after = (self.target / "same").stat()
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))

    def test_policy(self):
        """a document outside the application's policy fails the event and touches nothing"""
        outside = self.folder / "outside"
        commit = self.commit({"one": "1\n"}, **{"web/more.yaml": manifest.file(outside, "no\n")})
        event = self.daemon.push_and_wait(commit, state="failed")
        self.assertIn(str(outside), event["error"])
        self.assertIn("more.yaml", event["error"])
        self.assertFalse(outside.exists())
        self.assert_files({})

    def test_bad_yaml_names_the_place(self):
        """promise 7: every bad document is reported with path and line, and the good state stays"""
        self.converge({"one": "1\n"})
        commit = self.commit({"one": "2\n"}, **{"web/bad.yaml": "apiVersion: host.gitopsd.io/v1\nkind: [File\n",
                                                "web/worse.yaml": "a: 1\na: 2\n"})
        event = self.daemon.push_and_wait(commit, state="failed")
        self.assertRegex(event["error"], r"web/bad\.yaml:\d+:\d+")
        self.assertRegex(event["error"], r"web/worse\.yaml:2:1")
        self.assertIn(commit[:7], event["error"])
        self.assert_files({"one": "1\n"})

    def test_push_elsewhere(self):
        """a push that touches no application's path changes nothing, and says so"""
        synced = self.converge({"one": "1\n"})
        commit = self.checkout.commit({"docs/readme.md": "words\n"})
        self.checkout.push()
        self.daemon.push_and_wait(commit)
        self.assertEqual(len(self.daemon.get("/v1/applications/web/syncs")["syncs"]), 1)
        said = self.daemon.status()
        self.assertEqual((said["revision"], said["synced_revision"]), (commit, synced))
        self.assertIn(commit[:10], self.daemon.ctl("status"))
