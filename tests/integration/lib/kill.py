"""kill -9 of the daemon at one instant after another of what a push has it do."""
import time
from typing import Callable, Iterable, TypeVar

from .gitopsd import Gitopsd

T = TypeVar("T")
STEP = 0.01  # s, by which each turn's instant is later


def at_each_instant(daemon: Gitopsd, turns: Iterable[T], push: Callable[[T], str], check: Callable[[T], None]) -> None:
    """In each turn delivers the commit that `push` made, kills the daemon after its answer, and checks when it runs again."""
    for number, turn in enumerate(turns):
        daemon.accept(push(turn))
        time.sleep(STEP * number)  # the instant is the experiment, not a wait for something
        daemon.program.kill()
        daemon.start()
        check(turn)
