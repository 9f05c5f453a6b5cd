"""What every test may use, and the honest count of what did not run.

Without a cluster (plain ``pytest``) only the tests that need none run. With one but no node (containers cannot run
here), the ``node`` tests do not run. Either is said, with the reason, in the last line; nothing is skipped silently.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.environment import Environment

_NOT_RUN: dict[str, int] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot run, and count it."""
    environment = Environment.from_environ(os.environ)
    kept, left = [], []
    for item in items:
        reason = _reason_against(item, environment)
        if reason is None:
            kept.append(item)
        else:
            _NOT_RUN[reason] = _NOT_RUN.get(reason, 0) + 1
            left.append(item)
    items[:] = kept
    if left and config.option.verbose > 0:
        config.hook.pytest_deselected(items=left)


def _reason_against(item: pytest.Item, environment: Environment | None) -> str | None:
    needs_node = item.get_closest_marker("node") is not None
    if (needs_node or item.get_closest_marker("api")) and environment is None:
        return "no cluster; make test brings one up"
    if needs_node and environment is not None and not environment.has_node:
        return f"no node: {environment.no_node_reason}"
    return None


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The last line says what did not run."""
    for reason, count in _NOT_RUN.items():
        terminalreporter.write_line(f"not run: {count} tests ({reason})", yellow=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Environment]:
    """The cluster that the tests are pointed at."""
    environment = Environment.from_environ(os.environ)
    assert environment is not None, "tests that use this fixture are marked api or node"
    yield environment
