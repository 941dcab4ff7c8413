#!/usr/bin/env python3
"""Runs clang-tidy over the tree within a time budget, changed files first; a clean file is not looked at twice.

usage: tidy.py BUILD_DIRECTORY CACHE_DIRECTORY [SECONDS]
"""
import concurrent.futures
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

REPORT = os.fdopen(3, "w", closefd=False) if os.environ.get("GITOPSD_REPORT") else sys.stdout
ROOT = Path.cwd()


def tell(line: str) -> None:
    print(line, file=REPORT, flush=True)


def sources(build: Path) -> dict[str, str]:
    """Source file of the tree -> its object file, as ninja names it."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = (Path(entry["directory"]) / entry["file"]).resolve()
        if path.is_relative_to(ROOT) and not path.is_relative_to(build.resolve()):
            found.setdefault(str(path.relative_to(ROOT)), entry["output"])
    return found


def dependencies(build: Path) -> dict[str, list[Path]]:
    """Object file -> the files of the tree that it was made of."""
    known, current = {}, []
    for line in subprocess.run(["ninja", "-C", str(build), "-t", "deps"], capture_output=True, text=True).stdout.splitlines():
        if line and not line.startswith((" ", "ninja:")):
            current = known.setdefault(line.split(":")[0], [])
        elif line.startswith(" "):
            path = (build / line.strip()).resolve()
            if path.is_relative_to(ROOT):
                current.append(path)
    return known


def key(source: str, made_of: list[Path]) -> str:
    digest = hashlib.sha256(Path(".clang-tidy").read_bytes())
    for path in sorted({Path(source).resolve(), *made_of}):
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()


def changed() -> set[str]:
    """Files that differ from the commit before the last, or are not committed."""
    said = subprocess.run(["git", "diff", "--name-only", "HEAD~1"], capture_output=True, text=True).stdout
    return set(said.splitlines())


def tidy(source: str, build: Path, deadline: float) -> tuple[str, str]:
    """"ok", "not reached" or "FAILED", and the findings."""
    if time.monotonic() > deadline:
        return "not reached", ""
    done = subprocess.run(["clang-tidy", "-p", str(build), "--quiet", "--extra-arg=-Wno-unknown-warning-option", source],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return ("ok", "") if done.returncode == 0 else ("FAILED", done.stdout)


def main(build: Path, cache: Path, seconds: float) -> int:
    cache.mkdir(parents=True, exist_ok=True)
    made_of = dependencies(build)
    objects = sources(build)
    keys = {source: key(source, made_of.get(output, [])) for source, output in objects.items()}
    todo = [source for source in objects if not (cache / keys[source]).exists()]
    recent = changed()
    todo.sort(key=lambda source: (source not in recent, source))
    clean = len(objects) - len(todo)
    if clean:
        tell(f"ok clang-tidy: {clean} files that were clean before and have not changed")
    deadline = time.monotonic() + seconds
    failed = late = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for source, (word, findings) in zip(todo, pool.map(lambda one: tidy(one, build, deadline), todo)):
            if word == "not reached":
                late += 1
                continue
            if word == "ok":
                (cache / keys[source]).touch()
            else:
                failed += 1
                print(findings, flush=True)
            tell(f"{word} clang-tidy: {source}")
    if late:
        tell(f"-- clang-tidy: {late} of {len(objects)} files were not reached in {seconds:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 300))
