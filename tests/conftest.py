"""What every test may use, and the honest count of what did not run.

Without a cluster (plain ``pytest``) only the tests that need none run. With one but no node (containers cannot run
here), the ``node`` tests do not run. Either is said, with the reason, in the last line; nothing is skipped silently.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.environment import Environment
from tests.report import Reporter

REPORTER = "what-ran"
KEEPER: dict[str, Any] = {
    "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
    "metadata": {"name": "ark-tests", "labels": {"app.kubernetes.io/managed-by": "kubectl-ark"}},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "ark-tests"},
    "subjects": [{"kind": "ServiceAccount", "name": "nobody", "namespace": "ark-tests"}]}
"""To ``uninstall`` it says that there is one more Ark. It binds a role that is not there."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """--report FILE, for tests.suite."""
    parser.addoption("--report", metavar="FILE", help="write what ran, failed and did not run there, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Count what runs. Ctrl-C works, also in what the tests start: a shell's background job is born deaf to it. The
    restic that is meant for the tests comes first."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if restic := os.environ.get("ARK_TEST_RESTIC"):
        os.environ["PATH"] = f"{os.path.dirname(restic)}{os.pathsep}{os.environ['PATH']}"
    config.pluginmanager.register(Reporter(config), REPORTER)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where tests run in parallel workers, no uninstall may find that it is the last and take the CRDs away."""
    environment = Environment.from_environ(os.environ)
    if environment is not None and _leads_workers(session.config):
        environment.apply(KEEPER)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """The workers are gone, and nobody needs the CRDs any more."""
    environment = Environment.from_environ(os.environ)
    if environment is not None and _leads_workers(session.config):
        environment.run("delete", "clusterrolebinding", KEEPER["metadata"]["name"], "--ignore-not-found")


def _leads_workers(config: pytest.Config) -> bool:
    return bool(config.getoption("numprocesses", None)) and not hasattr(config, "workerinput")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot run, and count it; tests of one module stay in one worker.

    Modules that share something in the cluster, of which there is only one, name it by a mark ``xdist_group``.
    Theirs come first: they take longest.
    """
    environment = Environment.from_environ(os.environ)
    reporter = config.pluginmanager.get_plugin(REPORTER)
    assert isinstance(reporter, Reporter)
    kept, left = [], []
    for item in items:
        reason = _reason_against(item, environment)
        if reason is None:
            kept.append(item)
        else:
            reporter.leave_out(reason)
            left.append(item)
    waits: dict[str, int] = {}
    for item in kept:
        waits[_module(item)] = min(_order(item), waits.get(_module(item), 9))
    kept.sort(key=lambda item: waits[_module(item)])
    for item in kept:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(_module(item)))
    items[:] = kept
    if left and config.option.verbose > 0:
        config.hook.pytest_deselected(items=left)


def _reason_against(item: pytest.Item, environment: Environment | None) -> str | None:
    needs_node = item.get_closest_marker("node") is not None
    if (needs_node or item.get_closest_marker("api")) and environment is None:
        return "no cluster; make test brings one up"
    if needs_node and environment is not None and not environment.has_node:
        return f"no node: {environment.no_node_reason}"
    if item.get_closest_marker("restic") and environment is not None and not environment.restic:
        return "no restic of version 0.18 or newer"
    return None


def _module(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _order(item: pytest.Item) -> int:
    """What waits longest first, so that no worker is left alone with it."""
    if item.get_closest_marker("node"):
        return 0 if item.get_closest_marker("xdist_group") else 1
    return 2 if item.get_closest_marker("api") else 3


@pytest.fixture(scope="session")
def cluster() -> Iterator[Environment]:
    """The cluster that the tests are pointed at."""
    environment = Environment.from_environ(os.environ)
    assert environment is not None, "tests that use this fixture are marked api or node"
    yield environment
