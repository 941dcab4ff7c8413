"""A commit that is invalid in part, where the application applies the rest."""
from lib import manifest, yaml
from lib.case import Scene


class Skip(Scene):
    def configure(self):
        self.daemon.application["invalid"] = "skip"

    def refused(self, **files: str | None) -> str:
        return self.daemon.push_and_wait(self.commit({"a": "2\n"}, **{f"web/{name}.yaml": text for name, text in files.items()}), "failed")["error"]

    def test_nothing_goes(self):
        """what is valid is written; nothing is deleted, nor replaced by something else, before all is valid"""
        self.commit({"a": "1\n"}, **{f"web/{name}.yaml": manifest.file(self.target / name, "precious\n") for name in ("k", "gone")})
        self.daemon.push_and_wait(self.checkout.head())
        folder = yaml.dump(manifest.document("Directory", "k", path=str(self.target / "k")))
        inside = manifest.file(self.target / "k" / "conf", "precious\n")
        error = self.refused(k=folder, gone=None, inside=inside.replace("content", "contnet"))
        for part in ("web/inside.yaml:", "contnet", "web/k.yaml:1:1: ", "would be replaced", "not deleted before all is valid: "):
            self.assertIn(part, error)
        self.assert_files({"a": "2\n", "k": "precious\n", "gone": "precious\n"})
        self.assertIn("would be replaced", self.daemon.ctl("plan", "web", expect=1))
        event = self.daemon.accept(self.commit({"a": "2\n"}, **{"web/inside.yaml": inside}))
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assertEqual((self.target / "k" / "conf").read_text(), "precious\n")
        self.assertFalse((self.target / "gone").exists())

    def test_only_invalid(self):
        """where nothing is valid nothing is applied, and that is what is said"""
        self.converge({"a": "2\n"})
        self.assertIn("nothing else of it was to be done", self.refused(b="a: [\n"))
        self.assert_files({"a": "2\n"})

    def test_twins(self):
        """of two that declare one path neither is written where one of them is invalid, whatever is wrong with it"""
        path = self.target / "t"
        valid = manifest.file(path, "1\n")
        for invalid in (valid.replace("content", "contnet"),
                        yaml.dump(manifest.document("File", "t", path=str(path), source="none.txt")),
                        manifest.file(path, "2\n") + "---\n[\n"):
            error = self.refused(t=valid, u=invalid)
            self.assertIn("declared elsewhere, too", error)
            self.assertIn("correct the other at web/u.yaml:1", error)
            self.assert_files({"a": "2\n"})

    def test_twice(self):
        """what is declared twice is told with both places"""
        path = self.target / "t"
        error = self.refused(t=manifest.file(path, "1\n"), u="# a comment\n" + manifest.file(path, "2\n"))
        self.assertIn("is declared twice", error)
        self.assertIn("the other is at web/t.yaml:1", error)
        self.assertIn("correct the other at web/u.yaml:2", error)
        self.assert_files({"a": "2\n"})

    def test_told(self):
        """gitopsctl shows lines as lines; status tells what is in force in part, also after a restart"""
        self.converge({"a": "1\n"})
        self.refused(b="a: [\n")
        said = self.daemon.ctl("sync", "web", expect=1)
        self.assertIn("\n    left out:\n    ", said)
        self.assertNotIn("\\n", said)
        commit = self.checkout.head()
        for _ in range(2):
            self.assertIn(f"{commit[:10]} partly, 1 left out", self.daemon.ctl("status"))
            self.daemon.program.stop()
            self.daemon.start()
