"""From a push's POST to the file's rename on the host, beside `git pull` and `rsync -a --checksum` of the same tree.

The repository is fetched over smart HTTP from `git http-backend`. N File documents are N YAML files in folders of 100
(lib_bench/scene.py); each push changes one of them, another one each time.
"""
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from lib import git, process
from lib_bench.arrival import Arrival
from lib_bench.figure import Figure
from lib_bench.scene import Scene, median_ms, percentile_ms, scaled

PUSHES = 20
APPLICATIONS = 1500


class PullAndRsync:
    """The peer: a clone by the same URL, and a copy of its tree that rsync keeps."""

    def __init__(self, scene: Scene):
        self.clone, self.copy = scene.folder / "clone", scene.folder / "copy"
        git.git(scene.folder, "clone", "-q", scene.url, self.clone)
        git.git(self.clone, "config", "gc.auto", "0")
        self.rsync()

    def rsync(self) -> None:
        process.run("rsync", "-a", "--checksum", "--exclude", ".git", f"{self.clone}/", f"{self.copy}/")

    def follow(self, name: str, text: str) -> float:
        """Seconds from the start of `git pull` to the rename of the changed file in the copy."""
        with Arrival(self.copy / name) as arrival:
            begin = time.monotonic()
            git.git(self.clone, "pull", "-q", "--ff-only")
            self.rsync()
            arrived = arrival.wait()
        if (self.copy / name).read_text() != text:
            raise AssertionError(f"rsync did not bring {name}")
        return arrived - begin


def change(scene: Scene, count: int, turn: int) -> tuple[float, str, str]:
    """One push that changes one of `count` documents: seconds to applied, the YAML file's name and text."""
    number = turn * 7 % count
    content = f"{number} in turn {turn}\n"
    [(name, text)] = scene.document(number, content).items()
    return scene.push({name: text}, scene.place(number), content).applied, name, text


@dataclass
class Measured:
    """Seconds of each push: ours, the peer's, one answer of the Git server; and its requests for each of our pushes."""
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)

    def figures(self, name: str) -> Iterator[Figure]:
        yield Figure(f"{name}, p50", median_ms(self.ours), "ms", median_ms(self.theirs), "pull+rsync", 30, at_most=True,
                     absolute=True)
        yield Figure(f"{name}, worst", max(self.ours) * 1000, "ms", max(self.theirs) * 1000, "pull+rsync")
        yield Figure(f"{name}, one Git answer", median_ms(self.server), "ms")
        yield Figure(f"{name}, Git requests", statistics.median(self.requests), "")


def measure(count: int, before: int = 0) -> Measured:
    """With `count` documents, after `before` pushes more."""
    with Scene().start() as scene:
        scene.declare(count)
        for turn in range(before):
            change(scene, count, turn)
        peer = PullAndRsync(scene)
        measured = Measured()
        for turn in range(before, before + scaled(PUSHES)):
            asked = len(scene.server.requests)
            applied, name, text = change(scene, count, turn)
            measured.requests.append(len(scene.server.requests) - asked)
            measured.ours.append(applied)
            measured.theirs.append(peer.follow(name, text))
            measured.server.append(scene.git_answer())
        return measured


def push(_) -> Iterator[Figure]:
    """push to applied, 1 changed file among 10, 1,000 and 10,000, p50 of 20 pushes, beside git pull + rsync"""
    medians = {}
    for count in (10, scaled(1000, 20), scaled(10_000, 40)):
        measured = measure(count)
        medians[count] = median_ms(measured.ours)
        yield from measured.figures(f"push, 1 of {count:,}")
    least, most = min(medians), max(medians)
    yield Figure(f"push, 1 of {most:,}, flat", medians[most], "ms", medians[least], f"1 of {least}", 1.5, at_most=True)


def push_thousand(_) -> Iterator[Figure]:
    """the same among 1,000 files, after 1,000 pushes to one mirror"""
    count, before = scaled(1000, 20), scaled(1000)
    yield from measure(count, before).figures(f"push after {before:,} pushes")


def applications(_) -> Iterator[Figure]:
    """1,500 applications in one repository, one changed: the answer, the syncs, push to applied; 100 pushes"""
    count, pushes = scaled(APPLICATIONS), scaled(100)
    with Scene() as scene:
        shape = scene.daemon.config["applications"].pop()
        files = {}

        def document(number: int, content: str) -> dict[str, str]:
            [text] = scene.document(number, content).values()
            return {f"apps/a{number:04}/file.yaml": text}

        for number in range(count):
            scene.place(number).parent.mkdir(parents=True, exist_ok=True)
            scene.daemon.config["applications"].append(
                {**shape, "name": f"a{number:04}", "path": f"apps/a{number:04}",
                 "policy": {"paths": [str(scene.place(number))]}})
            files |= document(number, f"{number} at first\n")
        scene.start()
        begin = time.monotonic()
        scene.converge(files)
        first = time.monotonic() - begin
        if (missing := sum(not scene.place(number).exists() for number in range(count))):
            raise AssertionError(f"{missing} of {count} applications did not converge")
        results, syncs = [], []
        for turn in range(pushes):
            number = turn * 7 % count
            content = f"{number} in turn {turn}\n"
            ended = scene.metric("gitopsd_syncs_total")
            results.append(scene.push(document(number, content), scene.place(number), content))
            syncs.append(scene.metric("gitopsd_syncs_total") - ended)
            told = [sync["application"] for sync in scene.daemon.get(f"/v1/events/{results[-1].event}")["syncs"]]
            if told != [f"a{number:04}"]:
                raise AssertionError(f"a push to a{number:04} brought syncs of {told}")
    among = f"1 of {count:,} apps"
    answered = percentile_ms([one.answered for one in results], 0.99)
    handshake_too = percentile_ms([one.connected + one.answered for one in results], 0.99)
    yield Figure(f"{among}, answer p99", answered, "ms", goal=10, at_most=True)
    yield Figure(f"{among}, + TLS handshake", handshake_too, "ms")
    most = max(syncs, key=lambda one: abs(one - 1))
    yield Figure(f"{among}, syncs a push", most, "", 1, "exactly", 1.0, at_most=True)
    yield Figure(f"{among}, applied p50", median_ms([one.applied for one in results]), "ms", goal=50, at_most=True)
    yield Figure(f"{among}, applied worst", max(one.applied for one in results) * 1000, "ms")
    yield Figure(f"{among}, first push", first, "s")


NAMES = {"push": push, "push-thousand": push_thousand, "applications": applications}
LONG = {"push-thousand"}
