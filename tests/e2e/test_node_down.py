"""A node that stops answering while a run is on it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.cluster.processes import Daemon
from tests.e2e.ark import Ark, config_maps, eventually, finish
from tests.e2e.node import Stepped
from tests.environment import Environment

pytestmark = [pytest.mark.node, pytest.mark.heavy]

NAMESPACE = "ark-e2e-node"
NODE_GRACE_SECONDS = 120
"""The controller manager takes a node for lost after less than that."""


@pytest.fixture
def silent_kubelet(cluster: Environment) -> Iterator[None]:
    """The kubelet stopped in its tracks, as on a node that has hung."""
    pid = Daemon(cluster.state, "kubelet").pid
    assert pid, "the test stops the kubelet of the test cluster itself, and of no other"
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)
    eventually(lambda: ready(cluster), "the node is ready again", timeout=60)


def ready(cluster: Environment) -> bool:
    """True while every node says so."""
    conditions = [each for node in cluster.get("nodes")["items"] for each in node["status"]["conditions"]]
    return all(each["status"] == "True" for each in conditions if each["type"] == "Ready")


def test_a_run_whose_node_is_lost_is_reported_with_the_nodes_name(
        ark: Ark, cluster: Environment, name: str, request: pytest.FixtureRequest) -> None:
    cluster.apply(*config_maps(NAMESPACE, 5))
    try:
        waiting = ark.start("backup", name, "--include-namespaces", NAMESPACE, "--wait", "--timeout",
                            f"{NODE_GRACE_SECONDS}s")
        with Stepped(ark, "backup", name) as runner:
            runner.until(lambda: ark.status("backup", name).get("phase") == "InProgress", "the run is in progress")
            request.getfixturevalue("silent_kubelet")
            answer = finish(waiting, timeout=NODE_GRACE_SECONDS + 30)
        assert answer.code == 4, answer.all
        assert "is not ready" in answer.err, answer.all
    finally:
        cluster.run("delete", "namespace", NAMESPACE, "--wait=false")
