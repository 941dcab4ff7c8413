#!/usr/bin/env python3
"""Runs doctest executables, as many at once as there are processors, and reports each test case.

usage: run_units.py [--label TEXT] [--timeout SECONDS] EXECUTABLE...
"""
import argparse
import concurrent.futures
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from pathlib import Path

REPORT = os.fdopen(3, "w") if os.environ.get("GITOPSD_REPORT") else sys.stdout


def cases(report: Path) -> list[tuple[str, float, list[str]]]:
    """Name, seconds and failures of each test case; empty when the program died before it could write."""
    try:
        suite = xml.parse(report).getroot().iter("testcase")
    except (xml.ParseError, OSError):
        return []
    return [
        (case.get("name"), float(case.get("time", 0)),
         [part.get("message", part.tag) + (part.text or "") for part in case if part.tag in ("failure", "error")])
        for case in suite
    ]


def run(executable: str, timeout: float) -> tuple[str, list, str, str]:
    """Short name, cases, what is wrong with the run as a whole ("" if nothing), output."""
    short = Path(executable).name.removeprefix("unit-")
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = [executable, "--reporters=junit", f"--out={report.name}", "--no-skip"]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=timeout, text=True, errors="replace")
        except subprocess.TimeoutExpired as expired:
            output = (expired.stdout or b"").decode(errors="replace")
            return short, [], f"did not end within {timeout:.0f} s", output
        found = cases(Path(report.name))
    wrong = ""
    if not found:
        wrong = f"ran no test case (status {done.returncode})"
    elif done.returncode != 0 and not any(failures for _, _, failures in found):
        wrong = f"ended with status {done.returncode} though its test cases passed"
    return short, found, wrong, done.stdout


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--label", default="")
    parser.add_argument("--timeout", type=float, default=300)
    parser.add_argument("executables", nargs="+")
    options = parser.parse_args()
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [pool.submit(run, executable, options.timeout) for executable in options.executables]
        for ended in concurrent.futures.as_completed(runs):
            short, found, wrong, output = ended.result()
            bad += bool(wrong)
            for name, seconds, failures in found:
                bad += bool(failures)
                line = f"FAILED {options.label}{short}: {name}" if failures else \
                    f"ok {options.label}{short}: {name} ({seconds:.2f} s)"
                print(line, file=REPORT, flush=True)
            if wrong:
                print(f"FAILED {options.label}{short}: {wrong}", file=REPORT, flush=True)
            if wrong or any(failures for _, _, failures in found):
                print(f"==== {short}\n{output}", flush=True)
                for name, _, failures in found:
                    for failure in failures:
                        print(f"{name}: {failure.strip()}", flush=True)
    return 1 if bad else 0


sys.exit(main())
