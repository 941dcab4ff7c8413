"""What Python's own modules do not do with files."""
import ctypes
import json
import os
from pathlib import Path

AT_FDCWD, RENAME_EXCHANGE = -100, 2


def exchange(one: Path, other: Path) -> None:
    """Swaps two paths of one file system at once (renameat2(2)); a file for a directory, too."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), f"cannot swap {one} and {other}")


def json_lines(path: Path, since: int = 0) -> list[dict]:
    """What stands in a file of JSON Lines from that byte on. Another program may be writing it: a line without its end is still
    to come, which a reader can see though it was written at once."""
    with open(path, "rb") as file:
        file.seek(since)
        return [json.loads(line) for line in file.read().split(b"\n")[:-1]]


def end_of_lines(path: Path) -> int:
    """From where on `json_lines` tells what is written from now on, and perhaps a line that is just being written."""
    with open(path, "rb") as file:
        begin = max(0, file.seek(0, os.SEEK_END) - (1 << 20))  # no line is longer
        file.seek(begin)
        return begin + file.read().rfind(b"\n") + 1
