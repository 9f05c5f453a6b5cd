"""Which volume a restored claim gets (ark-format.md §9.1, §9.2)."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from kubectl_ark.engine.restore import volumeinfo
from kubectl_ark.engine.restore.volumes import Fate, comes_back, fate, is_left_behind, release_patch
from kubectl_ark.model import layout
from tests.engine.restore.stored import MemoryBucket, velero_backup, velero_bucket

CLAIM = ("shop", "data")
BACKUP = {"metadata": {"name": "b"}}


def volume(policy: str = "Retain", *, phase: str = "Bound", claim: tuple[str, str] = CLAIM, **metadata: Any) -> Any:
    return {"metadata": {"name": "pv", **metadata}, "status": {"phase": phase}, "spec": {
        "persistentVolumeReclaimPolicy": policy,
        "claimRef": {"namespace": claim[0], "name": claim[1], "uid": "old", "resourceVersion": "9"}}}


def data(**files: Any) -> volumeinfo.VolumeData:
    names = {"info": layout.volume_info("b"), "snapshots": layout.volume_snapshots("b"),
             "pvbs": layout.pod_volume_backups("b"), "csi": "backups/b/b-csi-volumesnapshots.json.gz"}
    return volumeinfo.fetch(MemoryBucket({names[key]: gzip.compress(json.dumps(value).encode())
                                          for key, value in files.items()}), BACKUP, None)


def test_velero_s_own_volumeinfo_says_that_the_volume_was_skipped() -> None:
    found = volumeinfo.fetch(velero_bucket(), velero_backup(), None)
    assert found.method("shop-data-pv", CLAIM) is None


@pytest.mark.parametrize(("files", "method"), [
    ({"info": [{"pvName": "pv", "backupMethod": "PodVolumeBackup", "skipped": False}]}, "PodVolumeBackup"),
    ({"info": [{"pvName": "pv", "backupMethod": "CSISnapshot", "skipped": True}]}, None),
    ({"info": None, "snapshots": [{"spec": {"persistentVolumeName": "pv"}}]}, None),
    ({"snapshots": [{"spec": {"persistentVolumeName": "pv"}}]}, "NativeSnapshot"),
    ({"snapshots": None, "pvbs": [{"metadata": {"annotations": {"velero.io/pvc-name": "data"}},
                                   "spec": {"pod": {"namespace": "shop"}}, "status": {"snapshotID": "s"}}]},
     "PodVolumeBackup"),
    ({"pvbs": [{"metadata": {"annotations": {"velero.io/pvc-name": "data"}},
                "spec": {"pod": {"namespace": "shop"}}, "status": {}}]}, None),
    ({"csi": [{"metadata": {"namespace": "shop"}, "spec": {"source": {"persistentVolumeClaimName": "data"}}}]},
     "CSISnapshot"),
    ({}, None),
])
def test_the_method_comes_from_volumeinfo_or_else_from_the_older_files(files: Any, method: str | None) -> None:
    assert data(**files).method("pv", CLAIM) == method


def test_heptio_ark_0_9_kept_its_snapshots_in_the_backup_itself() -> None:
    backup = {"metadata": {"name": "b"}, "status": {"volumeBackups": {"pv": {"snapshotID": "s"}}}}
    assert volumeinfo.fetch(MemoryBucket({}), backup, None).method("pv", CLAIM) == "NativeSnapshot"


def test_only_a_retained_volume_without_data_in_the_backup_comes_back_as_it_was() -> None:
    saved = data(info=[{"pvName": "pv", "backupMethod": "PodVolumeBackup", "skipped": False}])
    assert comes_back(volume("Retain"), data())
    assert not comes_back(volume("Delete"), data())
    assert not comes_back(volume("Retain"), saved)


def decide(stored: Any, live: Any, *, left: bool = False, **files: Any) -> Fate:
    return fate(CLAIM, "pv", stored=stored, live=live, left_behind=left, data=data(**files))


def test_a_claim_keeps_the_volume_that_holds_its_data() -> None:
    assert decide(volume("Retain"), None) == Fate()
    assert decide(volume("Delete"), volume("Retain", phase="Released"), left=True) == Fate()
    assert decide(None, volume()) == Fate()


def test_a_claim_whose_disk_is_gone_gets_a_new_volume_and_says_so() -> None:
    found = decide(volume("Delete"), None)
    assert not found.keep_volume and "new and empty" in found.warning
    found = decide(volume(), None, info=[{"pvName": "pv", "backupMethod": "CSISnapshot", "skipped": False}])
    assert not found.keep_volume and "saved as CSISnapshot" in found.error


def test_a_claim_whose_volume_another_claim_has_is_refused() -> None:
    found = decide(volume(), volume(claim=("other", "x")))
    assert found.refused == 'its volume "pv" is bound to the claim "other/x"'


def test_a_claim_whose_volume_is_nowhere_says_that_it_waits() -> None:
    found = decide(None, None)
    assert found.keep_volume and "it waits for its volume" in found.warning


@pytest.mark.parametrize(("live", "uid", "expected"), [
    (volume(phase="Released"), None, True),
    (volume(phase="Bound"), None, True),
    (volume(phase="Bound"), "old", False),
    (volume(phase="Released"), "new", True),
    (volume("Delete", phase="Released"), None, False),
    (volume(phase="Released", claim=("other", "x")), None, False),
    (volume(phase="Released", deletionTimestamp="2024-05-01T10:00:00Z"), None, False),
    (volume(phase="Failed"), None, False),
])
def test_a_volume_is_left_behind_when_its_claim_is_gone(live: Any, uid: str | None, expected: bool) -> None:
    assert is_left_behind(live, CLAIM, claim_uid=uid) is expected


def test_the_patch_tests_what_it_removes() -> None:
    assert release_patch(volume()) == [
        {"op": "test", "path": "/spec/claimRef/uid", "value": "old"}, {"op": "remove", "path": "/spec/claimRef/uid"},
        {"op": "test", "path": "/spec/claimRef/resourceVersion", "value": "9"},
        {"op": "remove", "path": "/spec/claimRef/resourceVersion"}]
