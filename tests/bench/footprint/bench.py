"""What the daemon takes when nothing happens, and how long it takes to be ready."""
import contextlib
import http.client
import os
import re
import select
import socket
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lib import github, gitopsd, wait
from lib_bench.figure import Figure
from lib_bench.scene import Scene, scaled

EVENTS = 100_000
SENDERS = 16


# ---- memory

def family(pid: int) -> dict[int, str]:
    """The process and its children: id -> name."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            text = status.read_text()
            own, parent = (int(re.search(rf"^{key}:\s+(\d+)", text, re.MULTILINE).group(1)) for key in ("Pid", "PPid"))
            if pid in (own, parent):
                found[own] = Path(f"/proc/{own}/exe").resolve().name
    return found


def megabytes(pid: int, key: str) -> float:
    """Rss or Pss (a page that n processes share counts a n-th); root's to read, as the daemon hides its memory."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(rf"^{key}:\s+(\d+) kB", text, re.MULTILINE).group(1)) * 1024 / 1e6


def memory(options) -> Iterator[Figure]:
    """RSS and PSS of the daemon and the host provider, idle after a first push of 10 files, and of 1,000"""
    for count, goal in ((10, 25), (1000, None)):
        with Scene().start() as scene:
            scene.declare(count)
            time.sleep(options.seconds)
            processes = family(scene.daemon.program.pid)
            if sorted(processes.values()) != ["gitopsd", "gitopsd-provider-host"]:
                raise AssertionError(f"there should be the daemon and its provider, not {processes}")
            for key in ("Rss", "Pss"):
                sizes = {name: megabytes(pid, key) for pid, name in processes.items()}
                yield Figure(f"{key.upper()} idle, {count:,} files", sum(sizes.values()), "MB", goal=goal, at_most=True)
                for name, size in sorted(sizes.items()):
                    yield Figure(f"{key.upper()} of {name.removeprefix('gitopsd-')}, {count:,} files", size, "MB")


# ---- start

def send(scene: Scene, commit: str, count: int) -> None:
    """So many signed pushes one after the other on one connection, all of the commit that is applied already: a ref that
    no application follows would be answered 200 and not be stored."""
    link = http.client.HTTPSConnection("127.0.0.1", scene.daemon.port, timeout=60, context=scene.context)
    with contextlib.closing(link):
        for _ in range(count):
            body = github.push_body("example/infra", commit, before=os.urandom(20).hex())
            link.request("POST", "/hooks/forge", body, github.headers(gitopsd.SECRET, body))
            answer = link.getresponse()
            text = answer.read()
            if answer.status != 202:
                raise AssertionError(f"a delivery was answered {answer.status}: {text}")


def fill(scene: Scene, count: int) -> None:
    """Real deliveries over HTTPS, until every one of their events has ended."""
    before, commit = scene.metric("gitopsd_events"), scene.origin.checkout.head()
    with ThreadPoolExecutor(SENDERS) as senders:
        shares = [count // SENDERS + (number < count % SENDERS) for number in range(SENDERS)]
        list(senders.map(lambda share: send(scene, commit, share), shares))
    waiting = r'gitopsd_events{state="(?:queued|running|held)"}'
    wait.until(lambda: scene.metric(waiting) == 0, f"all of {count} events end", 600, 0.5)
    stored = scene.metric("gitopsd_events") - before
    if stored != count:
        raise AssertionError(f"{count} deliveries were accepted, and {stored:g} events are stored")


def start(scene: Scene) -> tuple[float, float]:
    """Seconds from exec (by way of setpriv, under 2 ms) to what it tells systemd (READY=1), and to /readyz's 200."""
    path = scene.folder / "notify"
    path.unlink(missing_ok=True)
    program = scene.daemon.program
    told = readyz = None
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        program.env = {**os.environ, "NOTIFY_SOCKET": str(path)}
        begin = time.monotonic()
        program.start()
        while told is None or readyz is None:
            if told is None and select.select([notify], [], [], 0.001)[0] and b"READY=1" in notify.recv(4096):
                told = time.monotonic()
            with contextlib.suppress(OSError):
                if readyz is None and scene.daemon.get_health("/readyz") == 200:
                    readyz = time.monotonic()
            if time.monotonic() - begin > 60 or not program.running():
                raise AssertionError(f"it did not become ready\n{program.tail()}")
    return told - begin, readyz - begin


def start_ready(options) -> Iterator[Figure]:
    """start to ready with 100,000 events stored by real deliveries, and with none"""
    count = scaled(EVENTS)
    with Scene().start() as scene:
        scene.declare(10)
        for stored in (0, count):
            if stored:
                fill(scene, stored)
            took = []
            for _ in range(max(options.rounds, 3)):
                if (status := scene.daemon.program.stop(60)) != 0:
                    raise AssertionError(f"gitopsd ended with {status}")
                took.append(start(scene))
            goal = 300 if stored else None
            for number, what in enumerate(("READY=1", "/readyz 200")):
                times = [one[number] * 1000 for one in took]
                yield Figure(f"start to {what}, {stored:,} events", statistics.median(times), "ms", goal=goal, at_most=True)
            yield Figure(f"start, worst of all, {stored:,} events", max(max(one) for one in took) * 1000, "ms")


NAMES = {"memory": memory, "start": start_ready}
