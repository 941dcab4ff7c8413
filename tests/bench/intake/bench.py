"""Accepted deliveries over HTTPS, every one on disk before its 202, beside nginx's `return 200` for the same requests."""
import contextlib
import shutil
import socket
import ssl
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from intake import payloads, programs
from intake.programs import Load
from lib import certificate, gitopsd
from lib_bench.figure import Figure

IDLE = 2000


class Bench:
    """One door and one nginx, asked in turn."""

    def __init__(self, options, rows: int = 0):
        self.options = options
        self.stack = contextlib.ExitStack()
        folder = Path(tempfile.mkdtemp(prefix="gitopsd-bench-", dir="/var/tmp"))
        self.stack.callback(shutil.rmtree, folder, ignore_errors=True)
        self.folder = folder
        self.bodies = folder / "bodies"
        payloads.write(self.bodies, gitopsd.SECRET)
        self.door = programs.Door(folder / "door")
        if rows:
            self.door.fill(rows)
        self.filled = rows
        self.certificate = self.door.daemon.certificate
        self.nginx = programs.nginx(folder / "nginx", self.certificate)
        self.accepted = 0
        for server in (self.door, self.nginx):
            self.stack.callback(server.stop)
            server.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def ask(self, server, load: Load, seconds: float | None = None) -> programs.Result:
        result = programs.wrk(server.port, load, self.bodies, seconds or self.options.seconds)
        if result.errors:
            raise RuntimeError(f"wrk met errors: {result.errors}")
        if server is self.door:
            self.accepted += result.requests - result.not_2xx
            expected = result.requests * load.forged
            if abs(result.not_2xx - expected) > load.connections + 1:
                raise RuntimeError(f"{result.not_2xx} of {result.requests} were not accepted, {expected} were forged")
        return result

    def compare(self, load: Load, peer_load: Load | None = None) -> tuple[float, float, float]:
        """Medians: our rate, nginx's, our p99 in ms."""
        ours, peers = [], []
        for _ in range(self.options.rounds):
            peers.append(self.ask(self.nginx, peer_load or load))
            ours.append(self.ask(self.door, load))
        return (statistics.median(one.rate for one in ours), statistics.median(one.rate for one in peers),
                statistics.median(one.p99_ms for one in ours))

    def check_rows(self) -> None:
        """Every 202 is a row; wrk ends without waiting for the last answers, so there may be a few more."""
        self.door.stop()
        rows = self.door.count() - self.filled
        if rows < self.accepted:
            raise RuntimeError(f"{self.accepted} deliveries were answered 2xx, and {rows} are stored")


def versus(name: str, compared: tuple[float, float, float], goal: float) -> Figure:
    return Figure(name, compared[0], "req/s", compared[1], "nginx", goal)


def intake(options) -> Iterator[Figure]:
    """deliveries a second at 64 and 256 connections, a lone one, forged ones, new connections"""
    with Bench(options) as bench:
        bench.ask(bench.door, Load(), 1)
        plain = bench.compare(Load())
        yield versus("intake, 64 connections", plain, 0.55)
        yield Figure("intake, 64 connections, p99", plain[2], "ms", goal=5, at_most=True)
        yield Figure("memory of the door, after it", bench.door.memory_mib(), "MiB", goal=60, at_most=True)
        yield versus("intake, 256 connections", bench.compare(Load(connections=256)), 0.70)
        lone = bench.ask(bench.door, Load(connections=1))
        yield Figure("intake, one connection, p50", lone.p50_ms, "ms", goal=0.4, at_most=True)
        yield versus("all forged", bench.compare(Load(forged=1), Load()), 0.9)
        half = bench.compare(Load(forged=0.5), Load())
        yield Figure("every second one forged", half[0], "req/s", plain[0], "none forged", 1.0)
        yield versus("new connection each", bench.compare(Load(close=True)), 0.9)
        bench.check_rows()


def intake_idle(options) -> Iterator[Figure]:
    """2,000 idle TLS connections: what they cost and what they slow down"""
    with Bench(options) as bench:
        bench.ask(bench.door, Load(), 1)
        before = [bench.ask(bench.door, Load()) for _ in range(options.rounds)]
        memory = bench.door.memory_mib()
        with contextlib.ExitStack() as idle:
            context = ssl.create_default_context(cafile=str(bench.certificate.certificate))
            for _ in range(IDLE):
                link = socket.create_connection(("127.0.0.1", bench.door.port))
                idle.enter_context(context.wrap_socket(link, server_hostname="127.0.0.1"))
            each = (bench.door.memory_mib() - memory) * 1024 / IDLE
            during = [bench.ask(bench.door, Load()) for _ in range(options.rounds)]
        yield Figure("an idle TLS connection", each, "KiB", goal=16, at_most=True)
        yield Figure(f"intake beside {IDLE:,} idle ones", statistics.median(one.rate for one in during), "req/s",
                     statistics.median(one.rate for one in before), "without", 0.95)


def filled(rows: int, name: str, goal: float):
    def run(options) -> Iterator[Figure]:
        with Bench(options, rows) as bench:
            bench.ask(bench.door, Load(), 2)
            yield versus(f"intake on {name} rows", bench.compare(Load()), goal)
            bench.check_rows()
    run.__doc__ = f"64 connections with {name} deliveries stored before"
    return run


def intake_peers(options) -> Iterator[Figure]:
    """Debian's webhook, which stores nothing, for the same requests"""
    with Bench(options) as bench:
        peer = programs.webhook(bench.folder / "webhook", bench.certificate, gitopsd.SECRET).start()
        bench.stack.callback(peer.stop)
        theirs = [bench.ask(peer, Load()) for _ in range(options.rounds)]
        ours = [bench.ask(bench.door, Load()) for _ in range(options.rounds)]
        yield Figure("intake, 64 connections", statistics.median(one.rate for one in ours), "req/s",
                     statistics.median(one.rate for one in theirs), "webhook")


NAMES = {
    "intake": intake,
    "intake-idle": intake_idle,
    "intake-million": filled(1_000_000, "one million", 0.50),
    "intake-ten-million": filled(10_000_000, "ten million", 0.50),
    "intake-peers": intake_peers,
}
LONG = {"intake-ten-million"}
