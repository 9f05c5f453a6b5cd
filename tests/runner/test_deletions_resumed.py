"""Deletion that is interrupted, overtaken or kept from its store: how it goes on, and what it leaves to others."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

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
from tests.harness import Ark, Store, eventually, is_clear
from tests.runner.deletions import outcome, request, saved
from tests.runner.stored import cluster_id, metadata, page

pytestmark = pytest.mark.api


@pytest.fixture(autouse=True)
def installed(ark: Ark) -> Iterator[None]:
    """The ConfigMap that install leaves."""
    ark.settings()
    ark.location(accessMode="ReadWrite")
    yield


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
