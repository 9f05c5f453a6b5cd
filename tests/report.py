"""What a pytest run leaves for others to read: counts, times, and honestly what did not run, from all its workers."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest


@dataclasses.dataclass
class Report:
    """What became of the tests. seconds: by test, set-up and clean-up included; not_run: how many, by the reason."""

    passed: int = 0
    failed: list[str] = dataclasses.field(default_factory=list)
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    not_run: dict[str, int] = dataclasses.field(default_factory=dict)

    def __add__(self, other: Report) -> Report:
        """Both together."""
        return Report(self.passed + other.passed, self.failed + other.failed, {**self.seconds, **other.seconds},
                      dict(Counter(self.not_run) + Counter(other.not_run)))

    def lines_about_what_did_not_run(self) -> list[str]:
        """One line for each reason."""
        return [f"not run: {count} test{'s' if count > 1 else ''} ({reason})"
                for reason, count in self.not_run.items()]


class Reporter:
    """A plugin of pytest that fills a ``Report``; where there are workers, each fills its own and the main one all."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.report = Report()

    def leave_out(self, reason: str) -> None:
        """Count a collected test that is not going to run."""
        self.report.not_run[reason] = self.report.not_run.get(reason, 0) + 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Each phase of each test; workers' come through to the main process."""
        name = report.nodeid
        if self._config.getoption("dist", "no") == "loadgroup":
            name = name.rpartition("@")[0] or name
        self.report.seconds[name] = round(self.report.seconds.get(name, 0) + report.duration, 3)
        if report.failed and name not in self.report.failed:
            self.report.failed.append(name)
        elif report.skipped:
            said = report.longrepr[2] if isinstance(report.longrepr, tuple) else "skipped"
            self.leave_out(said.removeprefix("Skipped: "))
        elif report.when == "call":
            self.report.passed += 1

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker is done. All of them collect the same tests, and leave the same ones out."""
        for reason, count in getattr(node, "workeroutput", {}).get("left_out", {}).items():
            self.report.not_run[reason] = count

    def pytest_collection_finish(self) -> None:
        """A worker tells the main process what it left out."""
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput["left_out"] = dict(self.report.not_run)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The last lines say what did not run, or a file says everything."""
        path = self._config.getoption("--report")
        if path:
            Path(path).write_text(json.dumps(dataclasses.asdict(self.report)))
            return
        for line in self.report.lines_about_what_did_not_run():
            terminalreporter.write_line(line, yellow=True)
