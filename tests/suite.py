"""python3 -m tests.suite [PYTEST_ARGUMENT …]: every test that is not heavy, as `make test` runs them.

Two passes: first in parallel workers, then one by one what changes the cluster for everybody else (mark ``alone``).
Both run whatever the other's outcome; the last lines count over both what passed, failed and was not run.

ARK_TEST_WORKERS  parallel workers (default 4: most of an end-to-end test is waiting for the cluster)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.report import Report

WORKERS = "4"
SLOWEST = 10


def main(arguments: Sequence[str]) -> int:
    """Run both passes; the exit code of the first that failed, in pytest's numbers."""
    workers = os.environ.get("ARK_TEST_WORKERS") or WORKERS
    passes = (("-n", workers, "--dist=loadgroup", "--no-loadscope-reorder", "-m", "not heavy and not alone"),
              ("-m", "alone and not heavy"))
    began, code, whole = time.monotonic(), 0, Report()
    for flags in passes:
        ended, report = _run([*flags, *arguments])
        whole = whole + report
        code = code or ended
        if ended == pytest.ExitCode.INTERRUPTED:
            break
    for line in summary(whole, seconds=time.monotonic() - began):
        print(line)
    return code


def _run(arguments: Sequence[str]) -> tuple[int, Report]:
    """One pass: its exit code, where finding no test is none, and what it reports."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "report.json"
        done = subprocess.run([sys.executable, "-m", "pytest", "--report", str(path), *arguments], check=False)
        report = Report(**json.loads(path.read_text())) if path.exists() else Report()
    return (0 if done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED else done.returncode), report


def summary(report: Report, *, seconds: float) -> list[str]:
    """The last lines: the slowest tests, what failed, and the counts."""
    slowest = sorted(report.seconds.items(), key=lambda each: -each[1])[:SLOWEST]
    counts = [f"{len(report.failed)} failed"] if report.failed else []
    counts.append(f"{report.passed} passed")
    return ["", f"the {len(slowest)} slowest tests:", *(f"{took:7.1f} s  {name}" for name, took in slowest), "",
            *(f"FAILED {name}" for name in report.failed),
            f"{', '.join(counts)} in {seconds:.0f} s", *report.lines_about_what_did_not_run()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
