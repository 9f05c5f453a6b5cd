"""Deletion: what a DeleteBackupRequest takes away, what it leaves alone, and how it goes on after a kill."""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from minio.versioningconfig import ENABLED, VersioningConfig

from kubectl_ark import errors
from kubectl_ark.model import times
from kubectl_ark.runner import removal
from kubectl_ark.runner.identity import from_environment
from kubectl_ark.runner.upkeep import deletions
from kubectl_ark.runner.upkeep.upkeep import Upkeep
from kubectl_ark.store.bucket import Bucket, Upload
from kubectl_ark.store.location import Location, parse
from tests.cluster.binaries import Binaries
from tests.cluster.storage import S3Server
from tests.harness import Ark, Object, Store, eventually, is_clear
from tests.runner.stored import ago, cluster_id, metadata, page, store

pytestmark = pytest.mark.api


@pytest.fixture(autouse=True)
def installed(ark: Ark) -> Iterator[None]:
    """The ConfigMap that install leaves."""
    ark.settings()
    ark.location(accessMode="ReadWrite")
    yield


def saved(ark: Ark, name: str, *, cluster: str = "", **fields: Any) -> Object:
    """A stored backup and its CR, as sync makes it."""
    store(ark, name, cluster=cluster or cluster_id(ark), **fields)
    page(ark, "sync")
    ark.adopt(ark.cr("Backup", name))
    return ark.got(ark.cr("Backup", name))


def request(ark: Ark, name: str, backup: str = "", **metadata: Any) -> Object:
    """A DeleteBackupRequest."""
    item = ark.cr("DeleteBackupRequest", name, backupName=backup or name)
    item["metadata"].update(metadata)
    return ark.make(item)


def outcome(ark: Ark, name: str) -> list[str]:
    """The errors of a request that is processed."""
    status = ark.status("DeleteBackupRequest", name)
    assert status["phase"] == "Processed" and status["completionTimestamp"]
    return list(status.get("errors") or [])


def restored(ark: Ark, name: str, backup: str, phase: str = "Completed") -> None:
    """A Restore that has ended, and what it left in the bucket."""
    item = ark.restore(name, backup)
    path = f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/restores/{name}"
    ark.api.patch_merge(path + "/status", {"status": {"phase": phase, "storageLocation": "default"}})
    ark.write(f"restores/{name}/restore-{name}-logs.gz", b"log")
    assert item


def test_data_restores_and_crs_go_and_the_request_stays_for_a_day(ark: Ark, name: str) -> None:
    saved(ark, name)
    saved(ark, f"{name}-other")
    restored(ark, f"{name}-r", name)
    restored(ark, f"{name}-s", f"{name}-other")
    request(ark, name)
    assert f"deletions: backup/{name} is deleted" in page(ark, "deletions")
    assert outcome(ark, name) == []
    assert ark.keys(f"backups/{name}/") == [] == ark.keys(f"restores/{name}-r/")
    assert ark.get(ark.cr("Backup", name)) is None is ark.get(ark.cr("Restore", f"{name}-r"))
    assert ark.get(ark.cr("Restore", f"{name}-s")) and ark.keys(f"restores/{name}-s/")
    assert len(ark.keys(f"backups/{name}-other/")) == 2
    path = f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/deletebackuprequests/{name}/status"
    for hours, stays in ((23, True), (25, False)):
        ark.api.patch_merge(path, {"status": {"completionTimestamp": ago(hours=hours)}})
        page(ark, "deletions")
        assert (ark.get(ark.cr("DeleteBackupRequest", name)) is not None) is stays


def test_the_backup_is_seen_as_deleting_while_it_goes(ark: Ark, name: str) -> None:
    backup = saved(ark, name)
    phases: list[str] = []
    ready = threading.Event()

    def watch() -> None:
        path = f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/backups"
        answer = ark.api._connection.pool.request(
            "GET", f"{ark.api._connection.host}{path}?watch=1&fieldSelector=metadata.name%3D{name}"
            f"&resourceVersion={backup['metadata']['resourceVersion']}&timeoutSeconds=20", preload_content=False,
            headers=ark.api._connection.headers())
        ready.set()
        for line in answer:
            event = json.loads(line)
            phases.append(event["type"] + " " + event["object"]["status"]["phase"])
            if event["type"] == "DELETED":
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    assert ready.wait(10)
    request(ark, name)
    page(ark, "deletions")
    thread.join(20)
    assert phases == ["MODIFIED Deleting", "DELETED Deleting"]


def test_a_deletion_that_was_killed_halfway_is_finished_by_the_next_pass(ark: Ark, name: str) -> None:
    """As it is with the metadata gone, the claim and a file still there, and the request begun."""
    backup = saved(ark, name)
    path = f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}"
    ark.store.client.remove_object(ark.store.bucket, f"{ark.prefix}/backups/{name}/velero-backup.json")
    ark.write(f"backups/{name}/ark-claim.json", json.dumps({
        "uid": backup["metadata"]["annotations"]["ark.heptio.com/stored-uid"], "clusterID": cluster_id(ark)}).encode())
    ark.api.patch_merge(f"{path}/backups/{name}/status", {"status": {"phase": "Deleting"}})
    page(ark, "sync")
    assert ark.get(ark.cr("Backup", name)), "one that is being deleted is not taken for one whose data has gone"
    request(ark, name)
    ark.api.patch_merge(f"{path}/deletebackuprequests/{name}/status", {"status": {
        "phase": "InProgress", "backupUID": backup["metadata"]["uid"]}})
    page(ark, "deletions")
    assert outcome(ark, name) == [] and ark.keys(f"backups/{name}/") == []
    assert ark.get(ark.cr("Backup", name)) is None
    # Killed after the very last step: the request alone is left to be closed.
    request(ark, f"{name}-2", name)
    ark.api.patch_merge(f"{path}/deletebackuprequests/{name}-2/status", {"status": {
        "phase": "InProgress", "backupUID": backup["metadata"]["uid"]}})
    page(ark, "deletions")
    assert outcome(ark, f"{name}-2") == []


def test_a_killed_pass_leaves_what_another_finishes(ark: Ark, name: str) -> None:
    for number in range(300):
        ark.write(f"backups/{name}/{number:03}", b"x")
    saved(ark, name)
    request(ark, name)
    runner = ark.start("reconcile", "--only", "deletions")
    eventually(lambda: ark.status("Backup", name).get("phase") == "Deleting", "the deletion has begun")
    runner.kill()
    page(ark, "deletions")
    assert outcome(ark, name) == [] and ark.keys(f"backups/{name}/") == []


def test_a_request_that_is_made_anew_meanwhile_is_not_answered_in_the_place_of_the_former(
        ark: Ark, name: str) -> None:
    for number in range(300):
        ark.write(f"backups/{name}/{number:03}", b"x")
    saved(ark, name)
    item = ark.cr("DeleteBackupRequest", name, backupName=name)
    request(ark, name)
    runner = ark.start("reconcile", "--only", "deletions")
    eventually(lambda: ark.status("Backup", name).get("phase") == "Deleting", "the deletion has begun")
    runner.stop()
    ark.remove(item)
    ark.make(ark.cr("DeleteBackupRequest", name, backupName="another"))
    runner.go_on()
    assert runner.wait() == 0, runner.text
    assert ark.status("DeleteBackupRequest", name) == {"phase": "New"}
    ark.remove(item)  # to others it would be trouble


def test_a_deletion_of_an_ark_0_9_backup_that_was_killed_halfway_is_finished_too(ark: Ark, name: str) -> None:
    old = metadata(name, version="ark.heptio.com/v1", cluster=cluster_id(ark))
    ark.write(f"{name}/ark-backup.json", json.dumps(old).encode())
    page(ark, "sync")
    ark.adopt(ark.cr("Backup", name))
    ark.store.client.remove_object(ark.store.bucket, f"{ark.prefix}/{name}/ark-backup.json")
    ark.write(f"{name}/{name}.tar.gz", b"tar")
    ark.write(f"{name}/ark-claim.json", json.dumps({"uid": old["metadata"]["uid"]}).encode())
    request(ark, name)
    page(ark, "deletions")
    assert outcome(ark, name) == [] and ark.keys(f"{name}/") == []


def test_a_store_that_fails_once_the_metadata_is_gone_is_a_failure_and_no_whole_backup(ark: Ark, name: str) -> None:
    backup = saved(ark, name)
    bucket = Failing(place(ark))
    failures = removal.remove_backup(bucket, backup, cluster_id=cluster_id(ark),
                                     forget=lambda directory, still: [])
    assert failures == ["the store is gone"]
    assert ark.keys(f"backups/{name}/") == [f"backups/{name}/ark-claim.json", f"backups/{name}/{name}.tar.gz"]


def place(ark: Ark) -> Location:
    """The default location."""
    return parse("default", ark.got(ark.cr("BackupStorageLocation", "default"))["spec"],
                 secret=ark.store.credentials_file)


class Failing(Bucket):
    """One that cannot be listed any more."""

    def uploads(self, directory: str) -> Iterator[Upload]:
        raise errors.StoreError("the store is gone")


class Slow(Bucket):
    """One that deletes so slowly that meanwhile another pass has finished and the name is taken anew."""

    def __init__(self, ark: Ark, name: str, *, at: int) -> None:
        super().__init__(place(ark))
        self._ark, self._name, self._at, self._calls = ark, name, at, 0

    def delete(self, key: str) -> None:
        super().delete(key)
        self._calls += 1
        if self._calls == self._at:
            for each in self._ark.keys(f"backups/{self._name}/"):
                super().delete(each)
            for each, text in anew(self._name).items():
                self._ark.write(each, text)


def anew(name: str) -> dict[str, bytes]:
    """What another Backup that came to the name has stored."""
    return {f"backups/{name}/ark-claim.json": b'{"uid": "new"}', f"backups/{name}/{name}.tar.gz": b"new",
            f"backups/{name}/x": b"new", f"backups/{name}/y": b"new"}


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_pass_that_has_fallen_behind_deletes_nothing_of_whoever_took_the_name_since(
        ark: Ark, name: str, at: int) -> None:
    """at: so many things it has deleted when that happens; the first is the metadata."""
    for each in ("x", "y"):
        ark.write(f"backups/{name}/{each}", b"old")
    backup = saved(ark, name)
    assert removal.remove_backup(Slow(ark, name, at=at), backup, cluster_id=cluster_id(ark),
                                 forget=lambda directory, still: []) == []
    assert {key: ark.read(key) for key in ark.keys(f"backups/{name}/")} == anew(name)


def test_a_claim_of_somebody_who_came_to_nothing_does_not_keep_the_backup(ark: Ark, name: str) -> None:
    saved(ark, name)
    ark.write(f"backups/{name}/ark-claim.json", b'{"uid": "another"}')
    request(ark, name)
    page(ark, "deletions")
    assert outcome(ark, name) == [] and ark.keys(f"backups/{name}/") == []


def test_what_must_not_be_deleted_is_not_and_the_request_says_why(ark: Ark, name: str) -> None:
    saved(ark, name)
    for suffix, phase in (("-runs", "InProgress"), ("-new", "New")):
        ark.backup(name + suffix)
        if phase != "New":
            ark.api.patch_merge(
                f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/backups/{name}{suffix}/status",
                {"status": {"phase": phase, "storageLocation": "default"}})
    saved(ark, f"{name}-foreign", cluster="another")
    saved(ark, f"{name}-used")
    restored(ark, f"{name}-r", f"{name}-used", phase="InProgress")
    cases: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
        f"{name}-missing": ({}, ("does not exist",)),
        f"{name}-runs": ({}, ("is InProgress", "cancel it first")),
        f"{name}-new": ({}, ("is New",)),
        f"{name}-foreign": ({}, ("was not made by this cluster", "--any-cluster")),
        f"{name}-used": ({}, (f'restore "{name}-r" of it is InProgress',)),
        name: ({"labels": {"ark.heptio.com/backup-uid": "of-a-former-one"}}, ("a former backup", "of-a-former-one")),
    }
    for each, (fields, _) in cases.items():
        request(ark, each, **fields)
    before = ark.keys()
    text = page(ark, "deletions", code=1)
    for each, (_, words) in cases.items():
        [error] = outcome(ark, each)
        assert is_clear(error, *words) and f"backup/{each} is not deleted: {error}" in text
        if not each.endswith("-missing"):
            assert ark.status("Backup", each)["phase"] != "Deleting"
    assert ark.keys() == before


def test_a_backup_made_after_the_request_is_not_meant_by_it(ark: Ark, name: str) -> None:
    saved(ark, name, startTimestamp=ago(hours=-1))
    request(ark, name)
    page(ark, "deletions", code=1)
    assert is_clear(outcome(ark, name)[0], "begun after the request")


def test_another_clusters_backup_is_deleted_when_that_is_asked_for(ark: Ark, name: str) -> None:
    saved(ark, name, cluster="another")
    request(ark, name, annotations={"ark.heptio.com/any-cluster": "true"})
    page(ark, "deletions")
    assert outcome(ark, name) == [] and ark.keys(f"backups/{name}/") == []


def test_nothing_is_deleted_from_a_location_that_is_only_read(ark: Ark, name: str) -> None:
    saved(ark, name)
    ark.location(accessMode="ReadOnly")
    request(ark, name)
    page(ark, "deletions", code=1)
    assert is_clear(outcome(ark, name)[0], 'location "default" is ReadOnly')
    assert ark.status("Backup", name)["phase"] == "Completed" and len(ark.keys(f"backups/{name}/")) == 2
    ark.location(accessMode="ReadWrite")
    request(ark, f"{name}-again", name)
    page(ark, "deletions")
    assert outcome(ark, f"{name}-again") == [] and ark.keys(f"backups/{name}/") == []


def test_a_request_whose_store_does_not_answer_waits_for_the_pass_that_finds_it_again(ark: Ark, name: str) -> None:
    saved(ark, name)
    ark.location(accessMode="ReadWrite", url="http://127.0.0.1:9")
    request(ark, name)
    text = page(ark, "deletions", code=1)
    status = ark.status("DeleteBackupRequest", name)
    assert status["phase"] == "New" and is_clear(status["errors"][0], "Connection refused")
    assert f"backup/{name} is not deleted: {status['errors'][0]}; every pass until " in text
    assert ark.status("Backup", name)["phase"] == "Completed"
    ark.location(accessMode="ReadWrite")
    page(ark, "deletions")
    assert outcome(ark, name) == [] and ark.keys(f"backups/{name}/") == []


def test_a_deletion_that_is_begun_is_carried_on_by_every_pass_until_the_request_is_a_day_old(
        ark: Ark, name: str, binaries: Binaries, tmp_path: Path) -> None:
    with S3Server(tmp_path / "s3", data=tmp_path / "buckets", binaries=binaries) as s3:
        held = Store(s3.url, s3.credentials.access_key, s3.credentials.secret_key, "held")
        held.client.make_bucket("held", object_lock=True)
        ark.secret(held.credentials_file, "held")
        ark.location("held", url=s3.url, bucket="held", accessMode="ReadWrite",
                     credential={"name": "held", "key": "cloud"})
        ark.backup(name, includedNamespaces=["kube-public"], storageLocation="held")
        assert ark.run("backup", name) == 0
        tar = f"{ark.prefix}/backups/{name}/{name}.tar.gz"
        held.client.enable_object_legal_hold("held", tar)
        request(ark, name)
        assert "tries again" in page(ark, "deletions", code=1)
        status = ark.status("DeleteBackupRequest", name)
        assert status["phase"] == "InProgress" and is_clear(status["errors"][0], f"{name}.tar.gz", "it is locked")
        assert ark.status("Backup", name)["phase"] == "Deleting" and "completionTimestamp" not in status
        page(ark, "deletions", code=1)
        assert ark.status("DeleteBackupRequest", name)["phase"] == "InProgress"
        tomorrow = times.now() + datetime.timedelta(hours=25)
        upkeep = Upkeep(ark.api, from_environment({}), ark.namespace, tomorrow, tmp_path)
        deletions.attend(upkeep)
        assert is_clear(outcome(ark, name)[0], "it is locked") and "tries again" not in upkeep.problems[0]
        # Another request takes it up all the same.
        held.client.disable_object_legal_hold("held", tar)
        request(ark, f"{name}-again", name)
        page(ark, "deletions")
        assert outcome(ark, f"{name}-again") == [] and ark.get(ark.cr("Backup", name)) is None
        assert not list(held.client.list_objects("held", prefix=f"{ark.prefix}/", recursive=True))
        ark.remove(ark.cr("BackupStorageLocation", "held"))


def test_what_is_damaged_is_not_deleted_and_hinders_no_other_deletion(ark: Ark, name: str) -> None:
    for each in (name, f"{name}-sound"):
        saved(ark, each)
        request(ark, each)
    ark.write(f"backups/{name}/velero-backup.json", b"{")
    page(ark, "deletions", code=1)
    assert is_clear(outcome(ark, name)[0], f"backups/{name}/velero-backup.json is not JSON")
    assert outcome(ark, f"{name}-sound") == []


def test_a_failed_backup_goes_and_what_another_has_under_its_name_stays(ark: Ark, name: str) -> None:
    ark.backup(name)
    ark.write(f"backups/{name}/velero-backup.json", json.dumps(metadata(name, cluster="another")).encode())
    ark.api.patch_merge(f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/backups/{name}/status",
                        {"status": {"phase": "Failed", "storageLocation": "default"}})
    request(ark, name)
    page(ark, "deletions")
    assert outcome(ark, name) == [] and ark.get(ark.cr("Backup", name)) is None
    assert ark.keys(f"backups/{name}/") == [f"backups/{name}/velero-backup.json"]


def test_a_backup_of_ark_0_9_goes_from_the_buckets_root(ark: Ark, name: str) -> None:
    old = metadata(name, version="ark.heptio.com/v1", cluster=cluster_id(ark))
    ark.write(f"{name}/ark-backup.json", json.dumps(old).encode())
    ark.write(f"{name}/{name}.tar.gz", b"tar")
    page(ark, "sync")
    request(ark, name)
    page(ark, "deletions")
    assert outcome(ark, name) == [] and ark.keys(f"{name}/") == []


def test_of_a_bucket_that_keeps_versions_the_request_says_so(
        ark: Ark, name: str, binaries: Binaries, tmp_path: Path) -> None:
    (tmp_path / "versions").mkdir()
    with S3Server(tmp_path / "s3", data=tmp_path / "buckets", binaries=binaries, versions=tmp_path / "versions") as s3:
        versioned = Store(s3.url, s3.credentials.access_key, s3.credentials.secret_key, "versioned")
        versioned.client.make_bucket("versioned")
        versioned.client.set_bucket_versioning("versioned", VersioningConfig(ENABLED))
        ark.secret(versioned.credentials_file, "versioned")
        ark.location("versioned", url=s3.url, bucket="versioned", accessMode="ReadWrite",
                     credential={"name": "versioned", "key": "cloud"})
        ark.backup(name, includedNamespaces=["kube-public"], storageLocation="versioned")
        assert ark.run("backup", name) == 0
        request(ark, name)
        page(ark, "deletions")
        assert outcome(ark, name) == []
        assert is_clear(ark.status("DeleteBackupRequest", name)["message"], "the bucket keeps versions")
        assert not list(versioned.client.list_objects("versioned", recursive=True))
        assert [path for path in (tmp_path / "versions").rglob("*") if path.is_file()]
        ark.remove(ark.cr("BackupStorageLocation", "versioned"))


def test_a_restore_that_a_user_wants_to_go_goes_with_what_it_left_in_the_bucket(ark: Ark, name: str) -> None:
    restored(ark, name, "whatever")
    ark.api.patch_merge(f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/restores/{name}", {
        "metadata": {"annotations": {"ark.heptio.com/delete-requested": "now me"}}})
    assert f"restore/{name} is deleted" in page(ark, "deletions")
    assert ark.get(ark.cr("Restore", name)) is None and ark.keys(f"restores/{name}/") == []
