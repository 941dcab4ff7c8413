"""Waiting for a condition that no event tells, with a deadline."""
import time
from typing import Callable, TypeVar

T = TypeVar("T")


class NeverHappened(AssertionError):
    pass


def until(condition: Callable[[], T], what: str, seconds: float = 60, every: float = 0.01) -> T:
    """The first true value of `condition`; NeverHappened with its last value or exception after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            last = condition()
            if last:
                return last
        except OSError as error:  # a server that is not there yet, a file that is being replaced
            last = error
        if time.monotonic() > deadline:
            raise NeverHappened(f"not within {seconds:g} s: {what} (last seen: {last!r})")
        time.sleep(every)
