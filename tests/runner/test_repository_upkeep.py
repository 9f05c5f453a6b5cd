"""The upkeep of restic repositories: when it is due, one Job at a time, what it does and what it writes down."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubectl_ark.engine.volumes import snapshots
from kubectl_ark.model.settings import Settings
from kubectl_ark.runner import repositories
from tests.harness import Ark, Object, is_clear
from tests.runner.stored import ago, page
from tests.runner.volumes import around, host, lock_of, pod, restored, save, secret

pytestmark = [pytest.mark.api, pytest.mark.restic, pytest.mark.usefixtures("restic_first")]


@pytest.fixture(autouse=True)
def installed(ark: Ark) -> Iterator[None]:
    """What install leaves."""
    ark.settings(Settings(repository_check_subset="100%"))
    ark.location(accessMode="ReadWrite")
    secret(ark)
    yield


@pytest.fixture
def record(ark: Ark, name: str, tmp_path: Path) -> Iterator[str]:
    """A ResticRepository with its repository, for the namespace called ``name``; its own name."""
    repositories.ready(around(ark, tmp_path), name)
    found = repositories.find(ark.api, ark.namespace, name, "default")
    assert found is not None
    yield str(found["metadata"]["name"])
    ark.remove(ark.cr("ResticRepository", str(found["metadata"]["name"])))


def status(ark: Ark, record: str) -> Object:
    return ark.status("ResticRepository", record)


def write(ark: Ark, record: str, **fields: Any) -> None:
    """Fields of its status."""
    path = f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/resticrepositories/{record}/status"
    ark.api.patch_merge(path, {"status": fields})


def jobs(ark: Ark, record: str) -> list[Object]:
    """Its Jobs."""
    uid = ark.got(ark.cr("ResticRepository", record))["metadata"]["uid"]
    found = ark.api.get(f"/apis/batch/v1/namespaces/{ark.namespace}/jobs",
                        params={"labelSelector": f"ark.heptio.com/run-uid={uid}"})
    return list(found["items"])


def test_data_that_no_snapshot_needs_goes_the_rest_is_checked_and_it_is_written_down(
        ark: Ark, name: str, record: str, tmp_path: Path) -> None:
    stays, goes = (save(ark, name, tmp_path, **{each: each.encode() * 300_000}) for each in ("stays", "goes"))
    packs = len(ark.keys(f"restic/{name}/data/"))
    assert snapshots.forget(around(ark, tmp_path).bucket, name, [goes]) == []
    with lock_of(ark, name, tmp_path, host(ark)):
        pass
    assert ark.run("repository", record) == 0
    found = status(ark, record)
    assert found["phase"] == "Ready" and found["lastMaintenanceTime"]
    (entry,) = found["recentMaintenance"]
    assert entry["result"] == "Succeeded" and entry["completeTimestamp"] >= entry["startTimestamp"]
    assert is_clear(entry["message"], "the lock of ark-", "no errors, 100% of the data was read", " left")
    assert len(ark.keys(f"restic/{name}/data/")) < packs and ark.keys(f"restic/{name}/locks/") == []
    assert restored(ark, name, stays, tmp_path) == {"stays": b"stays" * 300_000}


def test_who_works_on_the_repository_is_waited_for(ark: Ark, name: str, record: str, tmp_path: Path) -> None:
    its = host(ark)
    item = pod(ark, f"{name}-runs", its, "Running")
    with lock_of(ark, name, tmp_path, its) as key:
        runner = ark.start("repository", record)
        time.sleep(15)
        assert runner.process.poll() is None, runner.text
        assert key in ark.keys(f"restic/{name}/locks/") and "recentMaintenance" not in status(ark, record)
        ark.remove(item)
        assert runner.wait() == 0, runner.text
    assert "is removed: it is that of a pod that runs no more" in status(ark, record)["recentMaintenance"][0]["message"]


def test_a_pod_that_is_stopped_leaves_neither_a_lock_nor_a_record(
        ark: Ark, name: str, record: str, tmp_path: Path) -> None:
    its = host(ark)
    item = pod(ark, f"{name}-runs", its, "Running")
    with lock_of(ark, name, tmp_path, its) as key:
        runner = ark.start("repository", record)
        time.sleep(5)
        runner.terminate()
        assert runner.wait(20) == 1 and "the pod is being stopped" in runner.text
    assert ark.keys(f"restic/{name}/locks/") == [key] and "recentMaintenance" not in status(ark, record)
    ark.remove(item)


def test_a_wrong_password_makes_it_not_ready_and_it_is_due_as_before(ark: Ark, record: str) -> None:
    secret(ark, "another")
    assert ark.run("repository", record) == 12
    found = status(ark, record)
    assert found["phase"] == "NotReady" and "lastMaintenanceTime" not in found
    assert is_clear(found["message"], "another password than Secret")
    (entry,) = found["recentMaintenance"]
    assert (entry["result"], entry["message"]) == ("Failed", found["message"])


def test_a_repository_that_is_not_there_is_told_and_not_made(ark: Ark, name: str) -> None:
    item = ark.make(ark.cr("ResticRepository", name, volumeNamespace=name, backupStorageLocation="default"))
    assert ark.run("repository", name) == 12 and ark.keys(f"restic/{name}/") == []
    found = status(ark, name)
    assert found["phase"] == "NotReady" and is_clear(found["message"], f"namespace {name}", "does not exist", "backup")
    ark.remove(item)


def test_damage_makes_it_not_ready_and_says_what_restic_found(
        ark: Ark, name: str, record: str, tmp_path: Path) -> None:
    save(ark, name, tmp_path, a=b"a" * 300_000)
    for key in ark.keys(f"restic/{name}/data/"):
        content = bytearray(ark.read(key))
        content[20] ^= 1
        ark.write(key, bytes(content))
    assert ark.run("repository", record) == 10
    found = status(ark, record)
    assert found["phase"] == "NotReady"
    assert is_clear(found["message"], "is damaged", "error", "repair it with restic")


def test_a_pass_starts_one_job_for_what_is_due_and_none_for_the_rest(ark: Ark, record: str) -> None:
    page(ark, "repositories")
    assert jobs(ark, record) == [], "a new one waits for its time"
    for frequency, hours, due in (("24h", 23, False), ("0", 10_000, False), ("24h", 25, True)):
        ark.api.patch_merge(f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/resticrepositories/{record}",
                            {"spec": {"maintenanceFrequency": frequency}})
        write(ark, record, lastMaintenanceTime=ago(hours=hours))
        said = page(ark, "repositories")
        assert (f"resticrepository/{record}: started Job ark-repository-" in said) is due
        assert len(jobs(ark, record)) == due
    (job,) = jobs(ark, record)
    assert job["spec"]["template"]["spec"]["serviceAccountName"] == "ark-backup"
    assert job["metadata"]["ownerReferences"][0]["kind"] == "ResticRepository"
    page(ark, "repositories")
    threads = [threading.Thread(target=page, args=(ark, "repositories")) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each["metadata"]["uid"] for each in jobs(ark, record)] == [job["metadata"]["uid"]]


def test_a_job_that_died_without_a_word_is_written_down_once(ark: Ark, record: str) -> None:
    write(ark, record, lastMaintenanceTime=ago(hours=200))
    page(ark, "repositories")
    (job,) = jobs(ark, record)
    moment = job["metadata"]["creationTimestamp"]
    condition = {"status": "True", "reason": "BackoffLimitExceeded", "message": "it was killed",
                 "lastTransitionTime": moment}
    ark.api.patch_merge(f"/apis/batch/v1/namespaces/{ark.namespace}/jobs/{job['metadata']['name']}/status", {
        "status": {"startTime": moment, "conditions": [
            {"type": "FailureTarget", **condition}, {"type": "Failed", **condition}]}})
    assert "was not tidied: its Job failed: it was killed" in page(ark, "repositories", code=1)
    page(ark, "repositories")
    (entry,) = status(ark, record)["recentMaintenance"]
    assert entry["result"] == "Failed" and "it was killed" in entry["message"]


@pytest.mark.parametrize(("spec", "words"), [
    ({"accessMode": "ReadOnly"}, "ReadOnly"), ({}, "does not exist")])
def test_a_location_that_cannot_be_written_to_is_left_alone(
        ark: Ark, record: str, spec: dict[str, str], words: str) -> None:
    write(ark, record, lastMaintenanceTime=ago(hours=200))
    if spec:
        ark.location(**spec)
    else:
        ark.remove(ark.cr("BackupStorageLocation", "default"))
    assert words in page(ark, "repositories") and jobs(ark, record) == []


def test_while_volumes_are_brought_back_nothing_is_pruned(ark: Ark, name: str, record: str) -> None:
    write(ark, record, lastMaintenanceTime=ago(hours=200))
    restore = ark.cr("PodVolumeRestore", name, pod={"namespace": name, "name": "p"}, volume="v", snapshotID="12345678",
                     backupStorageLocation="default", repoIdentifier="s3:x")
    ark.make(restore)
    assert "waits: volumes are being brought back" in page(ark, "repositories") and jobs(ark, record) == []
    ark.api.patch_merge(f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/podvolumerestores/{name}/status",
                        {"status": {"phase": "Completed"}})
    page(ark, "repositories")
    assert len(jobs(ark, record)) == 1


def test_a_frequency_that_is_no_duration_is_told(ark: Ark, record: str) -> None:
    ark.api.patch_merge(f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/resticrepositories/{record}",
                        {"spec": {"maintenanceFrequency": "weekly"}})
    assert f'resticrepository/{record}: spec.maintenanceFrequency: "weekly"' in page(ark, "repositories", code=1)
