#!/usr/bin/env python3
"""Runs clang-tidy over the tree within a time budget, changed folders first; what was clean is not looked at twice.

Expects a build directory whose targets are one source each (meson's unity builds): a folder that is parsed once costs a
tenth of its files parsed one by one.

usage: tidy.py BUILD_DIRECTORY CACHE_DIRECTORY [SECONDS]
"""
import collections
import concurrent.futures
import hashlib
import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

REPORT = os.fdopen(3, "w", closefd=False) if os.environ.get("GITOPSD_REPORT") else sys.stdout
ROOT = Path.cwd()
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<(/[^>]+)>)', re.M)
FINDING = re.compile(r"^([^:\s]+):\d+:\d+: (?:error|warning): ", re.M)
# The unity sources do nothing but that.
CHECKS = "-bugprone-suspicious-include"
# A test may copy.
TEST_CHECKS = CHECKS + ",-performance-*"


def tell(line: str) -> None:
    print(line, file=REPORT, flush=True)


def short(path: str | Path) -> str:
    return os.path.relpath(path, ROOT)


def closure(source: Path) -> list[Path]:
    """The source and every file of the tree that it includes, directly or not."""
    found, todo = set(), [source]
    while todo:
        path = todo.pop()
        if path in found or not path.is_relative_to(ROOT):
            continue
        found.add(path)
        for beside, absolute in INCLUDE.findall(path.read_text()):
            places = [Path(absolute)] if absolute else [path.parent / beside, ROOT / beside]
            todo += [place.resolve() for place in places if place.is_file()][:1]
    return sorted(found)


class Target:
    """One source of the build directory, and the files of the tree that it stands for."""

    def __init__(self, entry: dict, salt: bytes, recent: set[str]):
        self.source = (Path(entry["directory"]) / entry["file"]).resolve()
        made_of = closure(self.source)
        made = Path(entry["directory"])
        files = [path for path in made_of if path.suffix == ".cpp" and not path.is_relative_to(made)]
        folders = collections.Counter(short(path.parent) for path in files)
        self.name = short(files[0]) if len(files) == 1 else ", ".join(f"{n} files of {folder}" for folder, n in folders.items())
        self.checks = TEST_CHECKS if all(path.is_relative_to(ROOT / "tests") for path in files) else CHECKS
        self.size = sum(path.stat().st_size for path in made_of)
        self.changed = any(short(path) in recent for path in made_of)
        digest = hashlib.sha256(salt + self.checks.encode() + entry["command"].encode())
        for path in made_of:
            digest.update(path.read_bytes() + b"\0")
        self.key = digest.hexdigest()

    def tidy(self, build: Path, deadline: float) -> tuple[str, str]:
        """"ok", "late" or "FAILED", and the findings."""
        left = None if deadline == math.inf else deadline - time.monotonic()
        if left is not None and left <= 0:
            return "late", ""
        command = ["clang-tidy", "-p", str(build), "--quiet", f"--checks={self.checks}", "--extra-arg=-Wno-unknown-warning-option",
                   str(self.source)]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  timeout=left)
        except subprocess.TimeoutExpired:
            return "late", ""
        if done.returncode == 0:
            return "ok", ""
        return "FAILED", done.stdout or done.stderr


def recent_changes() -> set[str]:
    """Files that differ from the commit before the last, or are not committed."""
    said = subprocess.run(["git", "diff", "--name-only", "HEAD~1"], capture_output=True, text=True).stdout
    return set(said.splitlines())


def main(build: Path, cache: Path, seconds: float) -> int:
    deadline = time.monotonic() + seconds
    cache.mkdir(parents=True, exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    salt = version + Path(".clang-tidy").read_bytes()
    recent = recent_changes()
    targets = [Target(entry, salt, recent) for entry in json.loads((build / "compile_commands.json").read_text())]
    todo = [target for target in targets if not (cache / target.key).exists()]
    if len(todo) < len(targets):
        tell(f"ok clang-tidy: {len(targets) - len(todo)} folders that were clean before and have not changed")
    # The largest first, so that none is left for one processor at the end.
    todo.sort(key=lambda target: (not target.changed, -target.size))
    failed = late = 0

    def look(target: Target) -> tuple[Target, str, str, float]:
        started = time.monotonic()
        # One at least, however slow the machine is.
        return target, *target.tidy(build, math.inf if target is todo[0] else deadline), time.monotonic() - started

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for ended in concurrent.futures.as_completed([pool.submit(look, target) for target in todo]):
            target, word, findings, took = ended.result()
            if word == "ok":
                (cache / target.key).touch()
                tell(f"ok clang-tidy: {target.name} ({took:.0f} s)")
            elif word == "late":
                late += 1
            else:
                failed += 1
                print(findings, flush=True)
                files = ", ".join(sorted({short((build / path).resolve()) for path in FINDING.findall(findings)}))
                tell(f"FAILED clang-tidy: {target.name}: {files or 'clang-tidy itself'} ({took:.0f} s)")
    if late:
        tell(f"-- clang-tidy: {late} of {len(targets)} folders were not reached in {seconds:.0f} s; the next run begins with them")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 300))
