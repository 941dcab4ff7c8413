"""A folder of objects in a bucket: gitopsd's BucketContent beside `git pull` and `aws s3 sync` of the same folder.

Both talk to one moto behind the tests' door, which checks signatures and counts calls. moto takes 2 ms for a PUT and some
100 ms for a list of 1,000, as the network to AWS would.
"""
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from lib import git, process
from lib.aws import ACCOUNT, KEY, KEY_SECRET, PROVIDER, REGION, Account, content, counted
from lib_bench.figure import Figure
from lib_bench.scene import Scene, median_ms, scaled

OBJECTS, BYTES, PUSHES = 1000, 3000, 10
OURS, THEIRS = "bench-ours", "bench-theirs"


def programs() -> Path:
    """The virtual environment with awscli and moto, kept in the tests' cache."""
    wanted = Path(__file__).with_name("requirements.txt")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gitopsd-tests" / "aws-bench"
    if not (cache / "whole").exists() or (cache / "whole").read_text() != wanted.read_text():
        shutil.rmtree(cache, ignore_errors=True)
        subprocess.run(["python3", "-m", "venv", cache], check=True)
        subprocess.run([cache / "bin" / "pip", "install", "--quiet", "-r", wanted], check=True)
        (cache / "whole").write_text(wanted.read_text())
    return cache / "bin"


def text_of(number: int, turn: int) -> str:
    return f"{number} in turn {turn}\n".ljust(BYTES, "x")


class Bench(Scene):
    def __init__(self, count: int):
        super().__init__()
        self.count = count
        self.programs = programs()
        os.environ["MOTO"] = str(self.programs / "python")
        self.account = Account(self.folder / "account").start()
        self.stack.callback(self.account.stop)
        for bucket in (OURS, THEIRS):
            self.account.put_by_hand(bucket)
        self.daemon.config["destinations"] = [{
            "name": "here", "provider": "aws", "command": str(PROVIDER),
            "settings": {"region": REGION, "account": ACCOUNT, "endpoint": self.account.url,
                         "credentialsFile": str(self.account.credentials())}}]
        self.daemon.application["policy"] = {"buckets": [OURS]}

    def declare(self) -> float:
        """Seconds of the first sync of all."""
        files = {f"site/f{number:04}": text_of(number, 0) for number in range(self.count)}
        self.account.calls()
        event = self.converge({"web/site.yaml": json.dumps(content("site", OURS, "/site")), **files})
        self.same()
        return self.stage(event, "applied") - self.stage(event, "rendered")

    def same(self) -> None:
        wanted = {path.name: path.read_text() for path in (self.origin.checkout.directory / "site").iterdir()}
        found = {key: one["text"] for key, one in self.account.objects(OURS).items()}
        if found != wanted:
            raise AssertionError(f"{len(wanted.items() - found.items())} objects are not as declared")

    @staticmethod
    def stage(event: dict, name: str) -> float:
        """Seconds from its receipt."""
        return event["elapsed_ms"][name] / 1000 if event["elapsed_ms"][name] is not None else 0.0

    def change(self, turn: int) -> dict:
        number = turn * 7 % self.count
        event = self.converge({f"site/f{number:04}": text_of(number, turn)})
        return self.daemon.event(event["id"])

    def aws(self, *arguments: str) -> float:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "AWS_ACCESS_KEY_ID": KEY,
                       "AWS_SECRET_ACCESS_KEY": KEY_SECRET, "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": self.account.url}
        begin = time.monotonic()
        process.run(str(self.programs / "aws"), *arguments, env=environment)
        return time.monotonic() - begin


class PullAndSync:
    """The peer, with a clone of its own."""

    def __init__(self, bench: Bench):
        self.bench, self.clone = bench, bench.folder / "clone"

    def fresh(self) -> None:
        shutil.rmtree(self.clone, ignore_errors=True)
        git.git(self.bench.folder, "clone", "-q", self.bench.url, self.clone)

    def pull(self) -> float:
        begin = time.monotonic()
        git.git(self.clone, "pull", "-q", "--ff-only")
        return time.monotonic() - begin

    def sync(self) -> float:
        return self.bench.aws("s3", "sync", "--only-show-errors", "--delete", f"{self.clone}/site", f"s3://{THEIRS}")


def told(bench: Bench, what: str) -> None:
    print(f"# {what}: {counted(bench.account.calls())}", flush=True)


def aws_s3(_) -> Iterator[Figure]:
    """1,000 objects of 3 kB: the first sync, one changed, a full check, after a fresh clone; beside `aws s3 sync`"""
    count = scaled(OBJECTS, 20)
    with Bench(count).start() as bench:
        peer = PullAndSync(bench)
        first = bench.declare()
        told(bench, "first, ours")
        peer.fresh()
        first_theirs = peer.sync()
        told(bench, "first, aws s3 sync")
        yield Figure(f"S3, {count:,} objects, first", first * 1000, "ms", first_theirs * 1000, "aws s3 sync")

        work, whole, pulls, syncs = [], [], [], []
        for turn in range(1, scaled(PUSHES) + 1):
            bench.account.calls()
            event = bench.change(turn)
            work.append(bench.stage(event, "applied") - bench.stage(event, "rendered"))
            whole.append(bench.stage(event, "applied"))
            if turn == 1:
                told(bench, "one changed, ours")
            bench.account.calls()
            pulls.append(peer.pull())
            syncs.append(peer.sync())
            if turn == 1:
                told(bench, "one changed, aws s3 sync")
        bench.same()
        yield Figure(f"S3, 1 of {count:,}, plan and apply, p50", median_ms(work), "ms", median_ms(syncs), "aws s3 sync", 1 / 50,
                     at_most=True)
        yield Figure(f"S3, 1 of {count:,}, push to applied, p50", median_ms(whole), "ms",
                     median_ms([a + b for a, b in zip(pulls, syncs)]), "pull+s3 sync")

        checks, nothing = [], []
        for _turn in range(scaled(PUSHES)):
            bench.account.calls()
            begin = time.monotonic()
            answer = bench.daemon.act("/v1/applications/web/sync")
            event = bench.ended(answer["event"])
            checks.append(time.monotonic() - begin)
            if not checks[1:]:
                told(bench, "full check, ours")
            nothing.append(peer.sync())
        yield Figure(f"S3, {count:,} compared by a list", median_ms(checks), "ms", median_ms(nothing), "aws s3 sync")

        bench.daemon.program.stop()
        for mirror in (bench.daemon.directory / "state").glob("mirrors/*"):
            shutil.rmtree(mirror)
        bench.daemon.start()
        bench.account.calls()
        event = bench.change(scaled(PUSHES) + 1)
        told(bench, "fresh clone, ours")
        bench.same()
        peer.fresh()
        after_clone = peer.sync()
        told(bench, "fresh clone, aws s3 sync")
        yield Figure(f"S3, 1 of {count:,} after a fresh clone",
                     (bench.stage(event, "applied") - bench.stage(event, "rendered")) * 1000, "ms", after_clone * 1000,
                     "aws s3 sync")


NAMES = {"aws-s3": aws_s3}
