#!/usr/bin/env python3
"""Runs doctest executables, as many at once as there are processors, and reports each test case.

A test case fails by its assertions, by what a sanitizer says while it runs, or by ending the program; the log gets
the words of each.

usage: run_units.py [--label TEXT] [--timeout SECONDS] EXECUTABLE...
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from pathlib import Path

REPORT = os.fdopen(3, "w") if os.environ.get("GITOPSD_REPORT") else sys.stdout
# tests/unit/main.cpp writes this line when a test case begins, and one without a name after the last.
BEGIN = re.compile(r"^==== test case: (.*)$", re.M)
FINDING = re.compile(r"(?:ERROR|WARNING): (?:Address|Leak|Thread)Sanitizer: .*|runtime error: .*")
OUTSIDE = "before or after its test cases"


def cases(report: Path) -> list[tuple[str, float, list[str]]]:
    """Name, seconds and failures of each test case, a subcase being one ("test/subcase"); empty when the program
    died before it could write."""
    try:
        suite = xml.parse(report).getroot().iter("testcase")
    except (xml.ParseError, OSError):
        return []
    return [
        (case.get("name"), float(case.get("time", 0)),
         [part.get("message", part.tag) + (part.text or "") for part in case if part.tag in ("failure", "error")])
        for case in suite
    ]


def in_a_line(failure: str) -> str:
    """What an assertion said, short enough for the line that names its test: of a log often the last lines alone
    are kept."""
    words = " ".join(failure.split())
    return words if len(words) <= 400 else words[:400] + "..."


def sections(output: str) -> list[tuple[str, str]]:
    """What was written during each test case, in order, and outside of them."""
    parts = BEGIN.split(output)
    return [(OUTSIDE, parts[0])] + [(name or OUTSIDE, text) for name, text in zip(parts[1::2], parts[2::2])]


def run(executable: str, timeout: float) -> tuple[str, float, list[tuple[str, str]], list[tuple[str, str, str]]]:
    """Short name; seconds; passed: name and seconds; failed: name, reason in a line, log."""
    short = Path(executable).name.removeprefix("unit-")
    started = time.monotonic()
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = [executable, "--reporters=junit", f"--out={report.name}", "--no-skip"]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=timeout, env={**os.environ, "GITOPSD_NAME_TESTS": "1"})
            output, end, status = done.stdout, f"ended the program with status {done.returncode}", done.returncode
        except subprocess.TimeoutExpired as expired:
            output, end, status = expired.stdout or b"", f"did not end within {timeout:.0f} s of the program's start", 1
        found = cases(Path(report.name))
    told = sections(output.decode(errors="replace"))
    failed = {name: (in_a_line(failures[0]), failures) for name, _, failures in found if failures}
    for name, text in told:
        finding = FINDING.search(text)
        if finding:
            failed[name] = (finding[0], [*failed.get(name, ("", []))[1], text])
    if not found:
        name, text = told[-1]
        failed[name] = (failed[name][0] if name in failed else end, [text])
    elif status != 0 and not failed:
        failed[OUTSIDE] = (end, [output.decode(errors="replace")])
    passed = [(name, f"{seconds:.2f}") for name, seconds, _ in found
              if name not in failed and name.split("/")[0] not in failed]
    failures = [(name, reason, "\n".join(log)) for name, (reason, log) in failed.items()]
    return short, time.monotonic() - started, passed, failures


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--label", default="")
    parser.add_argument("--timeout", type=float, default=1800)
    parser.add_argument("executables", nargs="+")
    options = parser.parse_args()
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [pool.submit(run, executable, options.timeout) for executable in options.executables]
        for ended in concurrent.futures.as_completed(runs):
            short, seconds, passed, failed = ended.result()
            bad += len(failed)
            for name, took in passed:
                print(f"ok {options.label}{short}: {name} ({took} s)", file=REPORT, flush=True)
            for name, reason, log in failed:
                print(f"FAILED {options.label}{short}: {name}{reason and ': ' + reason}", file=REPORT, flush=True)
                print(f"==== {options.label}{short}: {name}\n{log.strip()}\n", flush=True)
            print(f"{options.label}{short}: {len(passed)} passed, {len(failed)} failed, {seconds:.0f} s", flush=True)
    return 1 if bad else 0


sys.exit(main())
