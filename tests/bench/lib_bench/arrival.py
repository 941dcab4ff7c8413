"""When a file arrives: the moment of a rename to its name, told by inotify."""
import ctypes
import os
import select
import struct
import time
from pathlib import Path

IN_MOVED_TO = 0x80
EVENT = struct.Struct("iIII")
libc = ctypes.CDLL(None, use_errno=True)


class Arrival:
    """Watches one folder from now on; `wait` gives time.monotonic() of the first rename to `path`."""

    def __init__(self, path: Path):
        self.path = path
        self.fd = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self.fd < 0 or libc.inotify_add_watch(self.fd, os.fsencode(path.parent), IN_MOVED_TO) < 0:
            raise OSError(ctypes.get_errno(), f"inotify cannot watch {path.parent}")

    def __enter__(self) -> "Arrival":
        return self

    def __exit__(self, *_) -> None:
        os.close(self.fd)

    def wait(self, alive=lambda: True, seconds: float = 60) -> float:
        """Gives up when `alive`, asked each second, is false."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.fd], [], [], min(left, 1))[0]:
                if not alive():
                    raise AssertionError(f"the program ended before anything was renamed to {self.path}")
                continue
            told = os.read(self.fd, 1 << 16)
            now = time.monotonic()
            while told:
                size = EVENT.unpack_from(told)[3]
                if told[EVENT.size:EVENT.size + size].rstrip(b"\0") == os.fsencode(self.path.name):
                    return now
                told = told[EVENT.size + size:]
        raise AssertionError(f"nothing was renamed to {self.path} within {seconds:g} s")
