"""Deletion: what a DeleteBackupRequest takes away, and what it leaves alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from minio.versioningconfig import ENABLED, VersioningConfig

from tests.cluster.binaries import Binaries
from tests.cluster.storage import S3Server
from tests.harness import Ark, Store, is_clear
from tests.runner.deletions import outcome, request, restored, saved
from tests.runner.stored import ago, cluster_id, metadata, page

pytestmark = pytest.mark.api


@pytest.fixture(autouse=True)
def installed(ark: Ark) -> Iterator[None]:
    """The ConfigMap that install leaves."""
    ark.settings()
    ark.location(accessMode="ReadWrite")
    yield


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
