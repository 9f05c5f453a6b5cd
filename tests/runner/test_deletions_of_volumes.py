"""The snapshots of volumes that a backup has made go with it, and no others."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubectl_ark.engine import spool
from kubectl_ark.model import layout
from kubectl_ark.runner import repositories
from tests.harness import Ark, Object, eventually
from tests.runner.stored import ago, cluster_id, metadata, page
from tests.runner.volumes import around, restored, save, secret

pytestmark = [pytest.mark.api, pytest.mark.restic, pytest.mark.usefixtures("restic_first")]


@pytest.fixture(autouse=True)
def installed(ark: Ark) -> Iterator[None]:
    """What install leaves."""
    ark.settings()
    ark.location(accessMode="ReadWrite")
    secret(ark)
    yield


def volume(namespace: str, snapshot: str, *, uploader: str | None = "restic", identifier: str | None = None) -> Object:
    """A PodVolumeBackup as the bucket has it."""
    spec = {"pod": {"namespace": namespace, "name": "p"}, "volume": "v",
            "repoIdentifier": f"s3:http://s/b/restic/{namespace}" if identifier is None else identifier}
    return {"apiVersion": "velero.io/v1", "kind": "PodVolumeBackup", "metadata": {"name": f"v{secrets.token_hex(6)}"},
            "spec": {**spec, **({} if uploader is None else {"uploaderType": uploader})},
            "status": {"phase": "Completed", **({"snapshotID": snapshot} if snapshot else {})}}


def saved(ark: Ark, name: str, volumes: Any, **fields: Any) -> None:
    """A stored backup with these volumes, and its CR."""
    content = volumes if isinstance(volumes, bytes) else spool.document(volumes)
    ark.store_backup(metadata(name, cluster=cluster_id(ark), **fields), {
        layout.contents(name): b"tar", layout.pod_volume_backups(name): content})
    page(ark, "sync")
    ark.adopt(ark.cr("Backup", name))


def deleted(ark: Ark, name: str, *, code: int = 0) -> Object:
    """The status of a request for its deletion after a pass."""
    ark.make(ark.cr("DeleteBackupRequest", name, backupName=name))
    page(ark, "deletions", code=code)
    return ark.status("DeleteBackupRequest", name)


def present(ark: Ark, namespace: str) -> set[str]:
    """Ids of the snapshots in a repository."""
    return {key.rpartition("/")[2] for key in ark.keys(f"restic/{namespace}/snapshots/")}


@pytest.fixture
def repository(ark: Ark, name: str, tmp_path: Path) -> str:
    """A namespace with a repository."""
    repositories.ready(around(ark, tmp_path), name)
    found = repositories.find(ark.api, ark.namespace, name, "default")
    assert found is not None
    ark.adopt(ark.cr("ResticRepository", str(found["metadata"]["name"])))
    return name


def test_just_its_own_snapshots_go_and_those_of_others_still_come_back(
        ark: Ark, name: str, repository: str, tmp_path: Path) -> None:
    mine, short, other = (save(ark, repository, tmp_path, f=each) for each in (b"1", b"2", b"3"))
    saved(ark, name, [volume(repository, mine), volume(repository, short[:8], uploader=None, identifier=""),
                      volume(repository, "0" * 64), volume(repository, ""), volume("elsewhere", mine)])
    saved(ark, f"{name}-other", [volume(repository, other)])
    status = deleted(ark, name)
    assert status["phase"] == "Processed" and not status.get("errors") and "message" not in status
    assert ark.keys(f"backups/{name}/") == [] and present(ark, repository) == {other}
    assert restored(ark, repository, other, tmp_path) == {"f": b"3"}


def test_an_expired_backup_takes_its_snapshots_along(ark: Ark, name: str, repository: str, tmp_path: Path) -> None:
    mine = save(ark, repository, tmp_path, f=b"1")
    saved(ark, name, [volume(repository, mine)], expires=ago(hours=1))
    ark.api.patch_merge(f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/backupstoragelocations/default/status",
                        {"status": {"firstSyncedTime": ago(hours=48)}})
    page(ark, "expiry", "deletions")
    assert present(ark, repository) == set() and ark.keys(f"backups/{name}/") == []


def test_a_deletion_that_was_killed_before_the_snapshots_went_is_finished(
        ark: Ark, name: str, repository: str, tmp_path: Path) -> None:
    """As it is with the metadata gone, and all else there."""
    mine = save(ark, repository, tmp_path, f=b"1")
    saved(ark, name, [volume(repository, mine)])
    backup = ark.got(ark.cr("Backup", name))
    ark.store.client.remove_object(ark.store.bucket, f"{ark.prefix}/{layout.metadata(name)}")
    ark.write(layout.claim(name), json.dumps({
        "uid": backup["metadata"]["annotations"]["ark.heptio.com/stored-uid"], "clusterID": cluster_id(ark),
        "namespace": ark.namespace}).encode())
    assert deleted(ark, name)["phase"] == "Processed"
    assert present(ark, repository) == set() and ark.keys(f"backups/{name}/") == []


def test_a_pass_that_is_killed_amid_the_snapshots_is_followed_by_one_that_finishes(ark: Ark, name: str) -> None:
    ids = [f"{number:064x}" for number in range(1, 300)]
    for each in ids:
        ark.write(f"restic/{name}/snapshots/{each}", b"x")
    saved(ark, name, [volume(name, each) for each in ids[:-1]])
    ark.make(ark.cr("DeleteBackupRequest", name, backupName=name))
    runner = ark.start("reconcile", "--only", "deletions")
    eventually(lambda: len(present(ark, name)) < len(ids), "snapshots go")
    runner.kill()
    assert ark.keys(f"backups/{name}/") and present(ark, name), "it was killed too late"
    page(ark, "deletions")
    assert ark.keys(f"backups/{name}/") == [] and present(ark, name) == {ids[-1]}


def test_what_restic_did_not_save_stays_and_the_request_says_so(ark: Ark, name: str) -> None:
    saved(ark, name, [volume(name, "k" * 32, uploader="kopia"), volume("..", "0" * 64, identifier="")])
    status = deleted(ark, name)
    assert status["phase"] == "Processed" and not status.get("errors") and ark.keys(f"backups/{name}/") == []
    assert "1 of its volumes were saved by kopia, not by restic" in status["message"]
    assert "1 of its volumes name no repository" in status["message"]


@pytest.mark.parametrize("content", [b"no gzip", spool.document({"a": 1}), spool.document(["x", None, {"spec": 1}])])
def test_a_list_of_volumes_that_is_damaged_hinders_nothing(ark: Ark, name: str, content: bytes) -> None:
    saved(ark, name, content)
    status = deleted(ark, name)
    assert status["phase"] == "Processed" and not status.get("errors") and ark.keys(f"backups/{name}/") == []


def test_an_id_that_may_mean_two_snapshots_is_no_reason_to_take_either(ark: Ark, name: str) -> None:
    for tail in "ab":
        ark.write(f"restic/{name}/snapshots/{'0' * 63}{tail}", b"x")
    saved(ark, name, [volume(name, "0" * 8)])
    status = deleted(ark, name, code=1)
    assert len(present(ark, name)) == 2 and f"snapshot {'0' * 8}" in status["errors"][0]
    assert layout.pod_volume_backups(name) in ark.keys(f"backups/{name}/"), "it tells what is still to go"
    ark.remove(ark.cr("DeleteBackupRequest", name))


def test_a_backup_that_failed_has_its_snapshots_in_the_cluster_s_records(ark: Ark, name: str) -> None:
    ark.write(f"restic/{name}/snapshots/{'0' * 64}", b"x")
    saved(ark, name, [])
    made = ark.cr("PodVolumeBackup", name, **{**volume(name, "")["spec"], "backupStorageLocation": "default"})
    made["metadata"]["labels"] = {
        "ark.heptio.com/backup-uid": ark.got(ark.cr("Backup", name))["metadata"]["uid"]}
    ark.make(made)
    ark.api.patch_merge(f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/podvolumebackups/{name}/status",
                        {"status": {"phase": "Completed", "snapshotID": "0" * 64}})
    deleted(ark, name)
    assert present(ark, name) == set()
