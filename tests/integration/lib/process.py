"""Child processes: logged, ended by their own id, and never outliving the test."""
import contextlib
import os
import random
import signal
import socket
import subprocess
from pathlib import Path

from . import wait

ROOT = Path(__file__).resolve().parents[3]


_given: set[int] = set()


def free_port() -> int:
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Different ones, below those that the kernel gives to whoever asks for any: nobody gets them before they are used."""
    given_from = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(10_000, max(given_from, 20_000))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                found.append(port)
    return found


def listens(port: int, address: str = "127.0.0.1") -> bool:
    with socket.create_connection((address, port), timeout=1):
        return True


def run(*command, cwd=None, env=None, text_input: str | None = None, seconds: float = 120,
        merge_errors: bool = False) -> str:
    """Standard output of a command that must succeed, with its standard error among it if asked for."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=env, input=text_input, text=True,
                          stdout=subprocess.PIPE, timeout=seconds,
                          stderr=subprocess.STDOUT if merge_errors else subprocess.PIPE,
                          stdin=subprocess.DEVNULL if text_input is None else None)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr or ''}")
    return done.stdout


class Program:
    """A started program. Its output goes to a log file; it dies with the thread that started it."""

    def __init__(self, command: list, log: Path, env: dict | None = None, cwd: Path | None = None):
        self.command = [str(part) for part in command]
        self.log = Path(log)
        self.env = env
        self.cwd = cwd
        self.child: subprocess.Popen | None = None

    def start(self) -> "Program":
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *self.command], stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, env=self.env, cwd=self.cwd, start_new_session=True)
        return self

    @property
    def pid(self) -> int:
        return self.child.pid

    def running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def stop(self, seconds: float = 60) -> int:
        """Asks it to end; kills it, and fails, when it does not. Returns its exit status."""
        if self.child is None:
            return 0
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.command[0]} did not end within {seconds:g} s of SIGTERM\n{self.tail()}")
        return self.child.returncode

    def kill(self) -> None:
        if self.child is not None:
            self.child.kill()
            self.child.wait()

    def tail(self, lines: int = 30) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def wait_until(self, condition, what: str, seconds: float = 60):
        """As wait.until, but at once an error when the program has ended."""

        def alive_and_met():
            if not self.running():
                raise AssertionError(f"{self.command[0]} ended with {self.child.returncode} before {what}\n{self.tail()}")
            return condition()

        try:
            return wait.until(alive_and_met, what, seconds)
        except wait.NeverHappened as never:
            raise AssertionError(f"{never}\n{self.tail()}") from None
