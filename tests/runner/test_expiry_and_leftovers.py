"""Passes over backups that are not to be kept, over a bucket that locks its objects, and over what killed runs left."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from minio.commonconfig import GOVERNANCE
from minio.objectlockconfig import DAYS, ObjectLockConfig
from minio.retention import Retention

from tests.cluster.binaries import Binaries
from tests.cluster.storage import S3Server
from tests.harness import Ark, Object, Store, config_map, is_clear, namespace
from tests.runner.stored import ago, cluster_id, page, store

pytestmark = pytest.mark.api


@pytest.fixture(autouse=True)
def installed(ark: Ark) -> Iterator[None]:
    """The ConfigMap that install leaves, and a location that is known for long."""
    ark.settings()
    ark.location(accessMode="ReadWrite")
    known_since(ark, hours=100)
    yield
    for kind in ("backups", "schedules", "deletebackuprequests", "backupstoragelocations"):
        ark.api.raw("DELETE", path(ark, kind))
    for key in ark.keys():
        ark.store.client.remove_object(ark.store.bucket, f"{ark.prefix}/{key}")


def path(ark: Ark, kind: str, name: str = "") -> str:
    """Of a collection, or of one object."""
    return f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/{kind}" + (f"/{name}" if name else "")


def known_since(ark: Ark, **span: float) -> None:
    """When the location was first synced."""
    ark.api.patch_merge(path(ark, "backupstoragelocations", "default") + "/status",
                        {"status": {"firstSyncedTime": ago(**span)}})


def left(ark: Ark) -> set[str]:
    """Names of the Backups."""
    return {each["metadata"]["name"] for each in ark.api.get(path(ark, "backups"))["items"]}


def stored(ark: Ark, name: str, **fields: Any) -> None:
    """A backup of this cluster that expired an hour ago, unless said otherwise."""
    store(ark, name, **{"cluster": cluster_id(ark), "expires": ago(hours=1), **fields})


def of_schedule(name: str) -> dict[str, str]:
    """The label of a schedule's backups."""
    return {"ark.heptio.com/schedule-name": name}


def test_what_has_expired_goes_with_its_data_and_the_last_good_one_of_a_schedule_stays(ark: Ark) -> None:
    stored(ark, "expired")
    stored(ark, "young", expires=ago(hours=-1))
    stored(ark, "foreign", cluster="another")
    stored(ark, "s-1", labels=of_schedule("s"), startTimestamp=ago(hours=9))
    stored(ark, "s-2", labels=of_schedule("s"), startTimestamp=ago(hours=8))
    stored(ark, "s-3", labels=of_schedule("s"), startTimestamp=ago(hours=7), phase="PartiallyFailed")
    text = page(ark, "sync", "expiry", "deletions")
    assert left(ark) == {"young", "foreign", "s-2"}
    assert not ark.keys("backups/expired/") and not ark.keys("backups/s-1/") and ark.keys("backups/s-2/")
    assert f"expiry: backup/expired is to be deleted: it expired at {ago(hours=1)}" in text
    [request] = [each for each in ark.api.get(path(ark, "deletebackuprequests"))["items"]
                 if each["spec"]["backupName"] == "expired"]
    assert request["status"]["phase"] == "Processed"
    assert "it expired at" in request["metadata"]["annotations"]["ark.heptio.com/requested-by"]


def test_a_location_synced_for_the_first_time_lets_nothing_expire_for_a_day_and_says_so(ark: Ark) -> None:
    stored(ark, "expired")
    known_since(ark, hours=23)
    text = page(ark, "sync", "expiry", "deletions")
    assert left(ark) == {"expired"} and ark.keys("backups/expired/")
    assert 'expiry: 1 expired backup is kept: storage location "default" was synced for the first time at' in text
    known_since(ark, hours=25)
    page(ark, "expiry", "deletions")
    assert left(ark) == set()


def test_the_retention_of_a_schedule_is_kept(ark: Ark) -> None:
    for days in (1, 2, 3, 40):
        stored(ark, f"s-{days}", labels=of_schedule("s"), job=f"s-{days}/uid", startTimestamp=ago(days=days),
               expires=ago(days=-99))
    stored(ark, "by-hand", labels=of_schedule("s"), startTimestamp=ago(days=2.5), expires=ago(days=-99))
    ark.make(ark.cr("Schedule", "s", schedule="@daily", template={}, retention={"keepLast": 2, "keepMonthly": 1}))
    page(ark, "sync", "expiry", "deletions")
    assert left(ark) == {"s-1", "s-2", "by-hand"}


def test_a_bucket_with_object_lock_takes_backups_and_a_deletion_says_what_it_cannot(
        ark: Ark, name: str, binaries: Binaries, tmp_path: Path) -> None:
    with S3Server(tmp_path / "s3", data=tmp_path / "buckets", binaries=binaries) as s3:
        locked = Store(s3.url, s3.credentials.access_key, s3.credentials.secret_key, "locked")
        locked.client.make_bucket("locked", object_lock=True)
        locked.client.set_object_lock_config("locked", ObjectLockConfig(GOVERNANCE, 1, DAYS))
        ark.secret(locked.credentials_file, "locked")
        ark.location("locked", url=s3.url, bucket="locked", accessMode="ReadWrite",
                     credential={"name": "locked", "key": "cloud"})
        ark.make(namespace(name))
        ark.make(config_map(name, "c", a="b"))
        ark.backup(name, includedNamespaces=[name], storageLocation="locked", ttl="1s")
        runner = ark.start("backup", name)
        assert runner.wait() == 0, runner.text
        assert ark.status("Backup", name)["phase"] == "Completed"
        ark.remove(ark.cr("Backup", name))
        page(ark, "sync")
        assert ark.status("Backup", name)["phase"] == "Completed"
        ark.api.patch_merge(path(ark, "backupstoragelocations", "locked") + "/status",
                            {"status": {"firstSyncedTime": ago(hours=25)}})
        before = sorted(str(each.object_name) for each in locked.client.list_objects("locked", recursive=True))
        text = page(ark, "expiry", "deletions", code=1)
        [request] = ark.api.get(path(ark, "deletebackuprequests"))["items"]
        assert is_clear(request["status"]["errors"][0], "it is locked")
        assert f"backup/{name} is not deleted: " in text
        assert ark.status("Backup", name)["phase"] == "Completed"
        # This store says when a lock ends only where it was put onto the object itself.
        end = datetime.datetime(2099, 1, 2, tzinfo=datetime.timezone.utc)
        key = next(each for each in before if each.endswith("/velero-backup.json"))
        locked.client.set_object_retention("locked", key, Retention(GOVERNANCE, end))
        ark.make(ark.cr("DeleteBackupRequest", name, backupName=name))
        page(ark, "deletions", code=1)
        [error] = ark.status("DeleteBackupRequest", name)["errors"]
        assert is_clear(error, f'backup "{name}" is locked until 2099-01-02T00:00:00Z', "left whole")
        assert ark.status("Backup", name)["phase"] == "Completed"
        assert sorted(str(each.object_name) for each in locked.client.list_objects("locked", recursive=True)) == before
        # It is not asked for again while the request is there.
        assert "nothing to do" in page(ark, "expiry")


def upload(ark: Ark, name: str) -> None:
    """An unfinished multipart upload."""
    ark.store.client._create_multipart_upload(ark.store.bucket, f"{ark.prefix}/backups/{name}/{name}.tar.gz", {})


def claimed(ark: Ark, name: str, uid: str, **changed: str) -> None:
    """A claim, a file and an unfinished upload, as a killed run leaves them."""
    claim = {"uid": uid, "clusterID": cluster_id(ark), "namespace": ark.namespace, **changed}
    ark.write(f"backups/{name}/ark-claim.json", json.dumps(claim).encode())
    ark.write(f"backups/{name}/{name}-results.gz", b"x")
    ark.write(f"backups/{name}/{name}-logs.gz", b"log")
    upload(ark, name)


def in_phase(ark: Ark, name: str, phase: str) -> Object:
    """A Backup in this phase."""
    made = ark.backup(name)
    ark.api.patch_merge(path(ark, "backups", name) + "/status",
                        {"status": {"phase": phase, "storageLocation": "default"}})
    return made


def test_what_killed_runs_left_is_removed_and_what_others_write_is_not(ark: Ark) -> None:
    claimed(ark, "gone", "no-such-uid")
    failed = in_phase(ark, "failed", "Failed")
    claimed(ark, "failed", failed["metadata"]["uid"])
    runs = in_phase(ark, "runs", "InProgress")
    claimed(ark, "runs", runs["metadata"]["uid"])
    claimed(ark, "theirs", "no-such-uid", clusterID="another")
    claimed(ark, "neighbour", "no-such-uid", namespace="another")
    upload(ark, "veleros")
    stored(ark, "whole")
    in_phase(ark, "whole", "Completed")
    text = page(ark, "leftovers")
    assert ark.keys("backups/gone/") == []
    assert ark.keys("backups/failed/") == ["backups/failed/ark-claim.json", "backups/failed/failed-logs.gz"]
    for name in ("runs", "theirs", "neighbour"):
        assert len(ark.keys(f"backups/{name}/")) == 3 and ark.uploads(f"backups/{name}/") == 1, name
    assert ark.uploads("backups/veleros/") == 1 and len(ark.keys("backups/whole/")) == 2
    assert ark.uploads("backups/gone/") == ark.uploads("backups/failed/") == 0
    assert "backup/gone is over; 4 files and uploads that it left in default are removed" in text
    assert "leftovers: nothing to do" in page(ark, "leftovers")
