"""A repository behind a real `git http-backend`, a gitopsd that follows it, and pushes that are timed."""
import contextlib
import http.client
import json
import math
import os
import re
import shutil
import ssl
import statistics
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from lib import git, git_server, github, gitopsd, manifest
from lib_bench.arrival import Arrival

PER_FOLDER = 100
# To try a benchmark out: GITOPSD_BENCH_SHARE=0.1 makes every count a tenth. What it then prints is no result.
SHARE = float(os.environ.get("GITOPSD_BENCH_SHARE", 1))


def scaled(count: int, least: int = 3) -> int:
    return min(count, max(least, round(count * SHARE)))


def median_ms(seconds: list[float]) -> float:
    return statistics.median(seconds) * 1000


def percentile_ms(seconds: list[float], share: float) -> float:
    ordered = sorted(seconds)
    return ordered[math.ceil(share * len(ordered)) - 1] * 1000


@dataclass
class Pushed:
    """Seconds: the connection with its handshake, from the POST to its answer, from the POST to the file's rename."""
    connected: float
    answered: float
    applied: float
    event: int


class Scene:
    """`declare` gives N File documents, each a YAML file of its own, in folders of 100: web/d012/f1234.yaml declares
    target/d012/f1234."""

    def __init__(self):
        self.stack = contextlib.ExitStack()
        # /var/tmp is a disk where /tmp may be memory.
        self.folder = Path(tempfile.mkdtemp(prefix="gitopsd-bench-", dir="/var/tmp"))
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.origin = git.Origin(self.folder / "git")
        # Git must not begin to tidy up in the middle of a measurement.
        for repository in (self.origin.directory, self.origin.checkout.directory):
            git.git(repository, "config", "gc.auto", "0")
            git.git(repository, "config", "receive.autogc", "false")
        self.server = git_server.HttpServer(self.folder / "git")
        self.stack.callback(self.server.stop)
        self.url = f"{self.server.url}/infra.git"
        self.daemon = gitopsd.Gitopsd(self.folder / "daemon", self.url)
        self.target = self.daemon.target

    def __enter__(self) -> "Scene":
        return self

    def __exit__(self, kind, *_) -> None:
        if kind is not None:
            print(f"---- end of {self.daemon.program.log}\n{self.daemon.program.tail(40)}")
        self.stack.close()

    def start(self) -> "Scene":
        self.stack.callback(self.daemon.program.stop)
        self.daemon.start()
        self.context = ssl.create_default_context(cafile=str(self.daemon.certificate.certificate))
        return self

    # ---- what is declared

    def place(self, number: int) -> Path:
        return self.target / f"d{number // PER_FOLDER:03}" / f"f{number:04}"

    def document(self, number: int, content: str) -> dict[str, str]:
        place = self.place(number)
        return {f"web/{place.parent.name}/{place.name}.yaml": manifest.file(place, content)}

    def declare(self, count: int) -> None:
        """Commits so many documents, delivers the push and waits until they are all there."""
        files = {}
        for number in range(count):
            self.place(number).parent.mkdir(parents=True, exist_ok=True)
            files |= self.document(number, f"{number} at first\n")
        self.converge(files)
        found = sum(1 for path in self.target.rglob("*") if path.is_file())
        if found != count:
            raise AssertionError(f"{found} of {count} files were created")

    def converge(self, files: dict[str, str]) -> dict:
        """Commits files, delivers the push, not timed; returns its event."""
        commit = self.origin.checkout.commit(files)
        self.origin.checkout.push()
        number = self.daemon.accept(commit)
        return self.ended(number, 600)

    def ended(self, number: int, seconds: float = 60) -> dict:
        event = self.daemon.wait_ended(number, seconds)
        if event["state"] != "succeeded":
            raise AssertionError(f"event {number} ended {event['state']}: {event}")
        return event

    # ---- what is timed

    def push(self, files: dict[str, str], path: Path, content: str) -> Pushed:
        """Commits and pushes `files`, then delivers as a forge does, on a new TLS connection, made before the clock of
        the POST starts; `path` must come to hold `content`. Returns when its event has ended."""
        commit = self.origin.checkout.commit(files)
        self.origin.checkout.push()
        body = github.push_body("example/infra", commit)
        headers = github.headers(gitopsd.SECRET, body)
        link = http.client.HTTPSConnection("127.0.0.1", self.daemon.port, timeout=30, context=self.context)
        with contextlib.closing(link), Arrival(path) as arrival:
            begin = time.monotonic()
            link.connect()
            sent = time.monotonic()
            link.request("POST", "/hooks/forge", body, headers)
            answer = link.getresponse()
            text = answer.read()
            answered = time.monotonic()
            if answer.status != 202:
                raise AssertionError(f"the delivery was answered {answer.status}: {text}")
            arrived = arrival.wait(self.daemon.program.running)
        event = json.loads(text)["event"]
        if path.read_text() != content:
            raise AssertionError(f"{path} does not hold {content!r}")
        self.ended(event)
        return Pushed(sent - begin, answered - sent, arrived - sent, event)

    def git_answer(self) -> float:
        """Seconds that `git http-backend` takes for one question, the least of a fetch: what no client can be below."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.server.server.server_port, timeout=30)) as link:
            begin = time.monotonic()
            link.request("GET", "/infra.git/info/refs?service=git-upload-pack", headers={"Git-Protocol": "version=2"})
            answer = link.getresponse()
            answer.read()
            if answer.status != 200:
                raise AssertionError(f"git http-backend answered {answer.status}")
            return time.monotonic() - begin

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.daemon.metrics_port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))
