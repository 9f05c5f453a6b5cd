"""A restore whose pod dies: the Job's next pod, here a second process under the same Job uid, makes it whole."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from kubectl_ark import errors
from kubectl_ark.model import layout
from tests.engine.restore import stored
from tests.harness import Ark, kubeconfig_through, namespace
from tests.runner.process import Runner
from tests.runner.proxy import Proxy

pytestmark = pytest.mark.api

OBJECTS = 400
HALFWAY = 200_000
"""Bytes towards the API server after which some objects are made and others are not."""


def lay(ark: Ark, name: str) -> None:
    """A backup of a namespace that has never been, in the bucket."""
    maps = [stored.config_map(name, f"c-{number}", text="x" * 500) for number in range(OBJECTS)]
    bucket, backup = stored.backup_of(stored.files_of({"namespaces": [namespace(name)], "configmaps": maps}), name=name)
    ark.store_backup(backup, bucket.objects)
    ark.adopt(namespace(name))


def made(ark: Ark, name: str) -> dict[str, str]:
    """Name and uid of each ConfigMap that was restored."""
    found = ark.api.get(f"/api/v1/namespaces/{name}/configmaps")["items"]
    return {each["metadata"]["name"]: each["metadata"]["uid"] for each in found
            if each["metadata"]["name"].startswith("c-")}


def outcome(ark: Ark, name: str) -> tuple[Any, ...]:
    """Everything about a finished restore that must not depend on how often it was tried."""
    status = ark.status("Restore", name)
    listed = json.loads(gzip.decompress(ark.read(layout.restore_resource_list(name))))
    return (status["phase"], status.get("warnings"), status.get("errors"), status["progress"],
            json.loads(json.dumps(listed).replace(name, "N")))


@pytest.fixture
def halfway(ark: Ark, name: str) -> Iterator[tuple[Runner, Proxy]]:
    """The first pod of restore ``name``, held halfway, and what holds it."""
    lay(ark, name)
    ark.restore(name, name)
    with Proxy(ark.api._connection.host, hold_after=HALFWAY) as proxy:
        first = ark.start("restore", name, ARK_JOB_UID="job", ARK_POD_UID="first",
                          kubeconfig=kubeconfig_through(ark.kubeconfig, proxy.url, ark.directory))
        assert proxy.held.wait(60), first.text
        yield first, proxy


def test_a_restore_killed_in_the_middle_is_finished_by_the_next_pod_with_the_same_result(
        ark: Ark, name: str, halfway: tuple[Runner, Proxy]) -> None:
    halfway[0].kill()
    before = made(ark, name)
    assert 0 < len(before) < OBJECTS
    second = ark.start("restore", name, ARK_JOB_UID="job", ARK_POD_UID="second")
    assert second.wait() == 0, second.text
    after = made(ark, name)
    assert len(after) == OBJECTS
    assert {key: after[key] for key in before} == before, "an object was made twice"
    assert ark.status("Restore", name)["claim"]["attempt"] == 2
    whole = f"{name}-whole"
    lay(ark, whole)
    ark.restore(whole, whole)
    assert ark.run("restore", whole) == 0
    assert outcome(ark, name) == outcome(ark, whole)


def test_sigterm_stops_a_restore_and_the_next_pod_goes_on(
        ark: Ark, name: str, halfway: tuple[Runner, Proxy]) -> None:
    first, proxy = halfway
    first.terminate()
    proxy.release()
    assert first.wait(20) == errors.RUNNER_RETRY, first.text
    status = ark.status("Restore", name)
    assert (status["phase"], status["claim"]["podUID"]) == ("InProgress", "first")
    assert ark.run("restore", name, ARK_JOB_UID="job", ARK_POD_UID="second") == 0
    assert (ark.status("Restore", name)["phase"], len(made(ark, name))) == ("Completed", OBJECTS)
