"""A backup of the whole cluster, brought back into it: what orders deletions or is ours does not come back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.ark import Ark, config_maps
from tests.environment import Environment

pytestmark = [pytest.mark.node, pytest.mark.alone]

NAMESPACE = "ark-e2e-lost"


@pytest.fixture
def lost(cluster: Environment) -> Iterator[str]:
    """A namespace to be lost."""
    cluster.apply(*config_maps(NAMESPACE, 3))
    yield NAMESPACE
    cluster.run("delete", "namespace", NAMESPACE, "--wait=false", "--ignore-not-found")


def test_a_pending_delete_request_and_our_runs_are_not_made_again(ark: Ark, lost: str, name: str) -> None:
    request = {"apiVersion": "ark.heptio.com/v1", "kind": "DeleteBackupRequest",
               "metadata": {"name": f"{name}-request", "namespace": ark.namespace}, "spec": {"backupName": name}}
    ark("backup", f"{name}-early", "--include-namespaces", "kube-public", "--wait")
    ark.cluster.apply(request)
    ark("backup", name, "--wait")
    job = ark.of_run("jobs", "backup", f"{name}-early")[0]["metadata"]["name"]
    ark.cluster.run("delete", "backups.ark.heptio.com", f"{name}-early", "-n", ark.namespace)
    ark.cluster.run("delete", "deletebackuprequests.ark.heptio.com", f"{name}-request", "-n", ark.namespace)
    ark.cluster.run("delete", "namespace", lost)

    answer = ark("restore", name, "--from-backup", name, "--wait", code=None)
    assert answer.code == 0, answer.all + ark.details("restore", name)

    assert len(ark.cluster.get("configmaps", "-n", lost)["items"]) >= 3, "the lost namespace is back"
    for resource, item in (("deletebackuprequests.ark.heptio.com", f"{name}-request"),
                           ("backups.ark.heptio.com", f"{name}-early"), ("jobs", job)):
        assert not ark.exists(resource, item), f"{resource} {item} came back"
