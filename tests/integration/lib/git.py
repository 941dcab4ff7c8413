"""Repositories to push to and to fetch from."""
import os
import shlex
from pathlib import Path

from . import process

# Nothing of this machine's own Git settings changes what a test does.
ENVIRONMENT = {
    "PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.com",
}


def git(directory: Path, *arguments, env: dict | None = None, merge_errors: bool = False) -> str:
    return process.run("git", *arguments, cwd=directory, env={**ENVIRONMENT, **(env or {})},
                       merge_errors=merge_errors).strip()


class Checkout:
    """A working copy, with the remote `origin` that it pushes to."""

    def __init__(self, directory: Path, remote: str, env: dict | None = None):
        self.directory = directory
        self.env = env
        directory.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", remote)

    def git(self, *arguments) -> str:
        return git(self.directory, *arguments, env=self.env)

    def commit(self, files: dict[str, str | bytes | None], message: str = "Change") -> str:
        """Writes files (None deletes one), commits, and returns the commit's id."""
        for name, content in files.items():
            path = self.directory / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.head()

    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def push(self, *refs: str, force: bool = False) -> None:
        self.git("push", "-q", *(["--force"] if force else []), "origin", *(refs or ("main",)))


class Origin:
    """A bare repository, which a Checkout of its own fills."""

    def __init__(self, directory: Path, name: str = "infra"):
        self.directory = directory / f"{name}.git"
        self.directory.mkdir(parents=True)
        git(self.directory, "init", "-q", "--bare", "-b", "main")
        # As forges do: any commit may be asked for by its id.
        git(self.directory, "config", "uploadpack.allowAnySHA1InWant", "true")
        git(self.directory, "config", "http.receivepack", "true")
        self.checkout = Checkout(directory / f"{name}-checkout", str(self.directory))

    def hook(self, name: str, command: list) -> None:
        """Installs a hook that runs `command` with what git gives it."""
        path = self.directory / "hooks" / name
        path.write_text(f"#!/bin/sh\nexec {shlex.join(map(str, command))}\n")
        path.chmod(0o755)
