"""The folder that an application may change vanishes from the host."""
import shutil

from lib.case import Scene


class Vanished(Scene):
    def vanish(self) -> None:
        self.converge({"one": "1\n", "two": "2\n"})
        gone = self.target.rename(self.target.with_name("gone"))  # at once: what goes piece by piece is put back meanwhile
        shutil.rmtree(gone)

    def refuse(self, commit: str) -> None:
        event = self.daemon.push_and_wait(commit, state="failed")
        self.assertIn(f"'{self.target}'", event["error"])
        self.assertIn("create it, mount it", event["error"])
        self.assertFalse(self.target.exists())

    def test_push(self):
        """a push fails and names the folder, whatever of the documents it changes; what is missing comes back with the folder"""
        self.vanish()
        declared = {"one": "1\n", "two": "2\n"}
        self.refuse(self.commit(declared, **{"web/notes.txt": "no document changed\n"}))
        self.refuse(self.commit({**declared, "two": "changed\n"}))
        self.refuse(self.commit({"one": "1\n"}))
        self.target.mkdir()
        self.daemon.push_and_wait(self.commit({**declared, "two": "changed\n"}))
        for name, content in (("one", "1\n"), ("two", "changed\n")):
            self.daemon.wait_file(self.target / name, content)
