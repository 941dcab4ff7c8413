#!/usr/bin/env python3
"""The demonstration: a real push makes this host match a commit, and keeps it so. Started by ./run.

usage: play.py [--once]
"""
import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TREE / "tests" / "integration"))
from lib import git, gitopsd, manifest, wait, yaml  # noqa: E402

MARK = "made by ./run; removed by the next one"
COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def paint(code: str, text: str) -> str:
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def heading(text: str) -> None:
    print(f"\n{paint('1', text)}", flush=True)


def command(text: str) -> None:
    print(f"   {paint('2', '$')} {text}", flush=True)


def proven(text: str) -> None:
    print(f"   {paint('32', 'ok')} {text}", flush=True)


def show(text: str) -> None:
    for line in text.rstrip().splitlines():
        print(f"      {line}", flush=True)


def fresh_folder(once: bool) -> Path:
    """A folder of the demonstration's own: throw-away with --once, else the same at every run."""
    if once:
        return Path(tempfile.mkdtemp(prefix="gitopsd-demo-"))
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    folder = state / "gitopsd-demo"
    mark = folder / "README"
    if folder.exists():
        if not mark.exists() or mark.read_text().strip() != MARK:
            raise SystemExit(f"{folder} was not made by ./run; move it away first")
        try:
            gitopsd.Gitopsd.connect(folder / "api.sock")
        except OSError:
            pass
        else:
            raise SystemExit(f"a demonstration is running in {folder}; stop it first")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    mark.write_text(MARK + "\n")
    return folder


class Play:
    def __init__(self, folder: Path):
        self.folder = folder
        self.host = folder / "host"
        self.origin = git.Origin(folder, "infra")
        self.checkout = self.origin.checkout
        self.daemon = gitopsd.Gitopsd(folder, f"file://{self.origin.directory}", target=self.host)
        self.page = self.host / "index.html"
        self.settings = self.host / "conf" / "site.conf"

    def set_up(self) -> None:
        url = f"https://127.0.0.1:{self.daemon.port}/hooks/forge"
        self.origin.hook("post-receive", [
            sys.executable, TREE / "tests/integration/lib/github.py", "--url", url, "--secret-file",
            self.folder / "hook-secret", "--certificate", self.daemon.certificate.certificate,
            "--repository", "example/infra"])
        # For whoever goes on by hand, with no settings of their own.
        for key, value in (("user.name", "Ada"), ("user.email", "ada@example.com"), ("push.autoSetupRemote", "true")):
            self.checkout.git("config", key, value)
        self.daemon.start()
        rows = (
                ("gitopsd", url, "HTTPS, certificate made just now; events in SQLite"),
                ("origin", self.origin.directory, "its post-receive hook sends what GitHub would"),
                ("host", self.host, "the only folder that the repository may touch"),
                ("log", self.daemon.program.log, "one line for each event and stage"))
        for name, value, why in rows:
            print(f"   {name:<8} {value}\n            {paint('2', why)}")

    def manifests(self) -> str:
        return yaml.documents(
            manifest.document("Directory", "conf", path=str(self.settings.parent), mode="0755"),
            manifest.document("File", "site.conf", path=str(self.settings), content="listen 8080\nroot /srv/www\n", mode="0640"),
            manifest.document("File", "index.html", path=str(self.page), source="index.html"),
            manifest.document("Symlink", "latest", path=str(self.host / "latest"), target="index.html"),
        )

    def push(self, message: str, files: dict) -> dict:
        """Commits, pushes, waits for the event's end; returns the event."""
        commit = self.checkout.commit(files, message)
        command(f"git push origin main    {paint('2', f'# {commit[:7]} {message}')}")
        said = git.git(self.checkout.directory, "push", "origin", "main", merge_errors=True)
        show("\n".join(line for line in said.splitlines() if line.startswith("remote: webhook")))
        event = next(event for event in self.daemon.events(limit=20) if event["after"] == commit)
        event = self.daemon.wait_ended(event["id"])
        if event["state"] != "succeeded":
            raise AssertionError(f"event {event['id']} ended {event['state']}: {event['error'] or event['reason']}")
        return event

    def converge(self) -> None:
        event = self.push("Add the site", {"web/site.yaml": self.manifests(), "web/index.html": "<h1>Hello</h1>\n"})
        for path, content in ((self.page, "<h1>Hello</h1>\n"), (self.settings, "listen 8080\nroot /srv/www\n")):
            if path.read_text() != content:
                raise AssertionError(f"{path} does not hold what the commit declares")
        if not (self.host / "latest").is_symlink():
            raise AssertionError("the symbolic link is missing")
        proven(f"2 files, a folder and a link are there, {self.took(event)}")
        event = self.push("Greet the world", {"web/index.html": "<h1>Hello, world</h1>\n"})
        if self.page.read_text() != "<h1>Hello, world</h1>\n":
            raise AssertionError(f"{self.page} does not hold the new commit's content")
        proven(f"the one changed file is replaced, {self.took(event)}")

    @staticmethod
    def took(event: dict) -> str:
        return f"{event['elapsed_ms']['applied']:.0f} ms after the push arrived"

    def heal(self) -> None:
        command(f"echo oops > {self.page}")
        started = time.monotonic()
        self.page.write_text("oops\n")
        self.daemon.wait_file(self.page, "<h1>Hello, world</h1>\n")
        proven(f"put back after {1000 * (time.monotonic() - started):.0f} ms")
        command(f"rm {self.settings}")
        started = time.monotonic()
        self.settings.unlink()
        self.daemon.wait_file(self.settings, "listen 8080\nroot /srv/www\n")
        proven(f"back after {1000 * (time.monotonic() - started):.0f} ms")

    def history(self) -> None:
        wait.until(lambda: self.daemon.status()["phase"] == "idle", "the application is idle")
        for what in ("events", "status"):
            command(f"gitopsctl {what}")
            show(self.daemon.ctl(what))

    def invite(self) -> None:
        ctl = f"{os.path.relpath(gitopsd.CTL)} --socket {self.daemon.socket}"
        heading("Try next, in another terminal (this one stops with Ctrl-C)")
        for line in (
                f"cd {self.checkout.directory} && echo '<h1>Mine</h1>' > web/index.html && git commit -qam Mine && git push",
                f"echo oops > {self.page}; sleep 1; cat {self.page}",
                f"{ctl} rollback web"):
            print(f"   {line}")


def stay(play: Play) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    play.daemon.program.child.wait()
    raise AssertionError(f"gitopsd ended by itself:\n{play.daemon.program.tail()}")


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--once", action="store_true", help="show the same and exit: 0 if all of it came true")
    once = options.parse_args().once
    folder = fresh_folder(once)
    play = Play(folder)
    try:
        heading("A daemon, a repository, a host")
        play.set_up()
        heading("A push arrives: the host converges")
        play.converge()
        heading("Somebody changes the host by hand: it heals")
        play.heal()
        heading("What happened, and why")
        play.history()
        if not once:
            play.invite()
            stay(play)
    except (AssertionError, RuntimeError, OSError) as problem:
        print(f"\n{paint('31', 'failed')}: {problem}\n\nthe end of {play.daemon.program.log}:\n{play.daemon.program.tail()}",
              file=sys.stderr)
        return 1
    finally:
        play.daemon.program.stop()
    shutil.rmtree(folder)
    print(f"\n{paint('32', 'All of it came true.')}")
    return 0


sys.exit(main())
