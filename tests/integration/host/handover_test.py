"""A file that moves from one application to another in the repository stays the file that it is."""
from lib import kill, manifest, wait
from lib.case import Scene

APPLICATIONS = ("web", "shop")


class Handover(Scene):
    def configure(self):
        self.daemon.config["applications"] = [{**self.daemon.application, "name": name, "path": name}
                                              for name in APPLICATIONS]

    def put(self, owner: str, content: str = "kept\n") -> str:
        files: dict = {f"{name}/own.yaml": manifest.files(self.target, {name: f"{name}\n"}) for name in APPLICATIONS}
        for name in APPLICATIONS:
            moves = manifest.files(self.target, {"moves": content}) if name == owner else None
            if moves or self.place == name:
                files[f"{name}/moves.yaml"] = moves
        self.place = owner
        commit = self.checkout.commit(files)
        self.checkout.push()
        return commit

    def setUp(self):
        super().setUp()
        self.place = ""
        self.daemon.push_and_wait(self.put("web"))
        self.inode = (self.target / "moves").stat().st_ino

    def is_of(self, name: str) -> bool:
        entries = self.daemon.get(f"/v1/applications/{name}/inventory")["entries"]
        marks = [line for path in self.folder.rglob("owned.log") for line in path.read_text().splitlines() if "moves" in line]
        return len(entries) == 2 and f'"application":"{name}"' in marks[-1]

    def assert_moved(self, name: str) -> None:
        wait.until(lambda: self.is_of(name), f"{name} has it")
        self.assertEqual((self.target / "moves").stat().st_ino, self.inode)

    def test_both_ways(self):
        """a file that moves to another application in one commit is its own then, and was not written anew"""
        for name in ("shop", "web"):
            self.daemon.push_and_wait(self.put(name))
            self.assert_moved(name)
        (self.target / "moves").write_text("by hand\n")
        self.daemon.wait_file(self.target / "moves", "kept\n")

    def test_kill(self):
        """a daemon that is killed at any moment of it finishes it after its next start"""
        kill.at_each_instant(self.daemon, ("shop", "web") * 6, self.put, self.assert_moved)
