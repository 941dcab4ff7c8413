#!/usr/bin/env python3
"""Runs the tests of one folder beside this file and reports each.

usage: run.py FOLDER [PATTERN...]      only tests whose name holds one of the patterns
"""
import os
import sys
import time
import traceback
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
REPORT = os.fdopen(3, "w", closefd=False) if os.environ.get("GITOPSD_REPORT") else sys.stdout


class Reporter(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()
        print(f"==== {test.id()}", flush=True)

    def tell(self, word: str, test, more: str = "") -> None:
        name = test.shortDescription() or test.id()
        if getattr(test, "params", None):  # of a subTest
            name += f" {dict(test.params)}"
        print(f"{word} {name} ({time.monotonic() - self.started:.1f} s){more}", file=REPORT, flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.tell("ok", test)

    def wrong(self, test, error):
        if not hasattr(self, "started"):
            self.started = time.monotonic()
        traceback.print_exception(*error)
        self.tell("FAILED", test, f": {(str(error[1]) or error[0].__name__).splitlines()[0][:200]}")

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.wrong(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self.wrong(test, error)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self.wrong(subtest, error)

    def addSkip(self, test, reason):
        """A test that cannot run here has proven nothing."""
        self.addError(test, (AssertionError, AssertionError(f"not run: {reason}"), None))


def tests_in(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_in(item)
        else:
            yield item


def main(folder: str, patterns: list[str]) -> int:
    found = unittest.defaultTestLoader.discover(str(HERE / folder), "*_test.py", str(HERE))
    chosen = unittest.TestSuite(test for test in tests_in(found)
                                if not patterns or any(pattern in test.id() for pattern in patterns))
    result = Reporter()
    chosen.run(result)
    print(f"{result.testsRun} run, {len(result.failures) + len(result.errors)} failed", flush=True)
    return 0 if result.testsRun and result.wasSuccessful() else 1


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
