"""A backup whose pod dies: the Job's next pod, here a second process under the same Job uid, makes it whole."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from kubectl_ark import errors
from tests.harness import Ark, config_map, eventually
from tests.runner.proxy import Proxy

pytestmark = pytest.mark.api

SOURCE = "ark-t-killed-backup-data"
OBJECTS = 24
HALFWAY = 12_000_000
"""Bytes towards the store after which one part of several is through."""


@pytest.fixture(scope="module", autouse=True)
def source(ark: Ark) -> None:
    """A namespace of which a backup is several parts long."""
    ark.make_namespace(SOURCE)
    ark.make_all([config_map(SOURCE, f"big-{number}", size=800_000) for number in range(OBJECTS)])


@pytest.fixture
def stalling(ark: Ark) -> Iterator[Proxy]:
    """The way to the store stalls in the middle of the upload."""
    with Proxy(ark.store.url, hold_after=HALFWAY) as proxy:
        ark.location(url=proxy.url)
        yield proxy
    ark.location()


def test_a_backup_killed_in_the_middle_of_its_upload_is_finished_by_the_next_pod(
        ark: Ark, stalling: Proxy, name: str) -> None:
    ark.backup(name, includedNamespaces=[SOURCE])
    first = ark.start("backup", name, ARK_JOB_UID="job", ARK_POD_UID="first")
    assert stalling.held.wait(60), first.text
    eventually(lambda: ark.uploads() == 1, "the upload is open")
    first.kill()
    stalling.release()
    assert ark.status("Backup", name)["phase"] == "InProgress"
    assert ark.run("backup", name, ARK_JOB_UID="job", ARK_POD_UID="second") == 0
    status = ark.status("Backup", name)
    assert (status["phase"], status["claim"]["attempt"]) == ("Completed", 2)
    assert ark.uploads() == 0
    whole = f"{name}-whole"
    ark.backup(whole, includedNamespaces=[SOURCE])
    assert ark.run("backup", whole) == 0
    assert ark.items(name) == ark.items(whole)
    assert len([path for path in ark.items(name) if "/big-" in path]) == OBJECTS
    assert [key.replace(whole, name) for key in ark.keys(f"backups/{whole}/")] == ark.keys(f"backups/{name}/")


def test_a_backup_that_was_stored_whole_before_the_kill_is_completed_and_nothing_is_written_again(
        ark: Ark, name: str) -> None:
    ark.backup(name, includedNamespaces=["default"])
    with Proxy(ark.store.url, answer_delay=0.4) as late:
        ark.location(url=late.url)
        first = ark.start("backup", name, ARK_JOB_UID="job", ARK_POD_UID="first")
        eventually(lambda: f"backups/{name}/velero-backup.json" in ark.keys(f"backups/{name}/"), "the backup is stored")
        first.kill()
    ark.location()
    assert ark.status("Backup", name)["phase"] == "InProgress", "the test killed too late"
    before = written(ark, name)
    second = ark.start("backup", name, ARK_JOB_UID="job", ARK_POD_UID="second")
    assert second.wait() == 0
    assert written(ark, name) == before
    status, stored = ark.status("Backup", name), json.loads(ark.read(f"backups/{name}/velero-backup.json"))["status"]
    assert status["phase"] == stored["phase"] == "Completed"
    assert status["progress"] == stored["progress"] and status["progress"]["itemsBackedUp"] > 0
    assert status["completionTimestamp"] == stored["completionTimestamp"]


def test_sigterm_aborts_the_upload_keeps_the_claim_and_leaves_the_rest_to_the_next_pod(
        ark: Ark, stalling: Proxy, name: str) -> None:
    ark.backup(name, includedNamespaces=[SOURCE])
    first = ark.start("backup", name, ARK_JOB_UID="job", ARK_POD_UID="first")
    assert stalling.held.wait(60), first.text
    first.terminate()
    stalling.release()
    assert first.wait(20) == errors.RUNNER_RETRY
    status = ark.status("Backup", name)
    assert (status["phase"], status["claim"]["podUID"]) == ("InProgress", "first")
    assert ark.uploads() == 0
    assert ark.keys(f"backups/{name}/") == [f"backups/{name}/ark-claim.json"]
    assert ark.run("backup", name, ARK_JOB_UID="job", ARK_POD_UID="second") == 0
    assert ark.status("Backup", name)["phase"] == "Completed"
    assert len([path for path in ark.items(name) if "/big-" in path]) == OBJECTS


def test_a_pod_that_was_taken_for_dead_leaves_the_work_of_its_successor_alone(
        ark: Ark, stalling: Proxy, name: str) -> None:
    ark.backup(name, includedNamespaces=[SOURCE])
    first = ark.start("backup", name, ARK_JOB_UID="job", ARK_POD_UID="first")
    assert stalling.held.wait(60), first.text
    with Proxy(ark.store.url, hold_after=HALFWAY) as second_stalls:
        ark.location(url=second_stalls.url)
        second = ark.start("backup", name, ARK_JOB_UID="job", ARK_POD_UID="second")
        assert second_stalls.held.wait(60), second.text
        stalling.release()
        assert first.wait(30) == 0, first.text
        assert f"backups/{name}/ark-claim.json" in ark.keys(f"backups/{name}/")
        second_stalls.release()
        assert second.wait() == 0, second.text
    status = ark.status("Backup", name)
    assert (status["phase"], status["claim"]["podUID"]) == ("Completed", "second"), second.text
    assert len([path for path in ark.items(name) if "/big-" in path]) == OBJECTS


def written(ark: Ark, name: str) -> list[tuple[str, object, object]]:
    """What is stored of a backup, and when it was."""
    return [(str(each.object_name), each.etag, each.last_modified) for each in ark.store.client.list_objects(
        ark.store.bucket, prefix=f"{ark.prefix}/backups/{name}/", recursive=True)]
