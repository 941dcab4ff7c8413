"""A store that is damaged or full."""
import subprocess

from lib import gitopsd
from lib.case import Scene


class Damaged(Scene):
    def test_corrupt_database(self):
        """a corrupt database is refused at start, with what to do"""
        self.converge({"one": "1\n"})
        self.assertEqual(self.daemon.program.stop(), 0)
        databases = [path for path in (self.daemon.directory / "state").iterdir()
                     if path.is_file() and path.read_bytes().startswith(b"SQLite format")]
        self.assertEqual(len(databases), 1)
        with open(databases[0], "r+b") as file:
            file.write(b"\xff" * 4096)
        done = subprocess.run([gitopsd.DAEMON, "--config", self.daemon.file], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=20)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(databases[0]), done.stderr)
        self.assert_files({"one": "1\n"})
