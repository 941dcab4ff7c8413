"""A mount namespace of the test's own: small and read-only file systems that only what is started in it sees."""
import os
import subprocess
from pathlib import Path

from . import process

ROOT = os.geteuid() == 0


class Namespace:
    """Held open by a sleeping process; its mounts go with it."""

    def __init__(self):
        user = [] if ROOT else ["--user", "--map-root-user"]
        self.keeper = subprocess.Popen(
            ["unshare", *user, "--mount", "setpriv", "--pdeathsig", "KILL", "--", "sh", "-c", "echo made; exec sleep infinity"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if self.keeper.stdout.readline() != "made\n":
            raise RuntimeError("no mount namespace could be made")

    def command(self, *command) -> list[str]:
        """The command that runs `command` inside; it keeps the process id."""
        user = [] if ROOT else ["--user", "--preserve-credentials"]
        return ["nsenter", f"--target={self.keeper.pid}", "--mount", *user, "--", *map(str, command)]

    def run(self, *command) -> str:
        return process.run(*self.command(*command))

    def see(self, path: Path) -> Path:
        """Where this process finds what is at `path` inside."""
        return Path(f"/proc/{self.keeper.pid}/root{path}")

    def mount_small(self, path: Path, size: str) -> None:
        """A file system of that size, such as 8m, in place of a folder."""
        self.run("mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", path)

    def make_read_only(self, path: Path) -> None:
        self.run("mount", "--bind", path, path)
        self.run("mount", "-o", "remount,bind,ro", path)

    def make_writable(self, path: Path) -> None:
        self.run("umount", path)

    def stop(self) -> None:
        self.keeper.kill()
        self.keeper.wait()
        self.keeper.stdout.close()
