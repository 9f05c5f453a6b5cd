"""Which volume a restored claim gets (ark-format.md §9.1, §9.2)."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from kubectl_ark.engine.restore import volumeinfo
from kubectl_ark.engine.restore.volumes import Fate, comes_back, fate, is_left_behind, release_patch
from kubectl_ark.model import layout
from kubectl_ark.model.snapshots import Snapshot
from tests.engine.restore.stored import MemoryBucket, velero_backup, velero_bucket

CLAIM = ("shop", "data")
BACKUP = {"metadata": {"name": "b"}}


def volume(policy: str = "Retain", *, phase: str = "Bound", claim: tuple[str, str] = CLAIM, **metadata: Any) -> Any:
    return {"metadata": {"name": "pv", **metadata}, "status": {"phase": phase}, "spec": {
        "persistentVolumeReclaimPolicy": policy,
        "claimRef": {"namespace": claim[0], "name": claim[1], "uid": "old", "resourceVersion": "9"}}}


def data(**files: Any) -> volumeinfo.VolumeData:
    names = {"info": layout.volume_info("b"), "snapshots": layout.volume_snapshots("b"),
             "pvbs": layout.pod_volume_backups("b"), "csi": layout.csi_volume_snapshots("b"),
             "contents": layout.csi_volume_snapshot_contents("b")}
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
    found = decide(volume(), None, info=[{"pvName": "pv", "backupMethod": "NativeSnapshot", "skipped": False}])
    assert not found.keep_volume and "saved as NativeSnapshot" in found.error


TAKEN = {"pvName": "pv", "pvcNamespace": "shop", "pvcName": "data", "backupMethod": "CSISnapshot", "skipped": False,
         "snapshotDataMoved": False,
         "csiSnapshotInfo": {"snapshotHandle": "h", "size": 7, "driver": "d", "vscName": "c", "ReadyToUse": True}}


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
def test_a_claim_with_a_snapshot_gets_a_volume_made_from_it(policy: str) -> None:
    for stored, live in ((volume(policy), None), (None, None), (volume(policy), volume(claim=("other", "x")))):
        found = decide(stored, live, info=[TAKEN])
        assert found == Fate(keep_volume=False, snapshot=Snapshot("shop", "data", "d", "h", 7, volume="pv"))
    assert fate(CLAIM, "pv", stored=volume(), live=None, left_behind=False, data=data(info=[TAKEN]), wanted=False) == \
        Fate(keep_volume=False, warning="its volume is new and empty, as spec.restorePVs is false")


def test_a_retained_volume_that_is_still_there_goes_before_a_snapshot_and_says_so() -> None:
    found = decide(volume(), volume(phase="Released"), left=True, info=[TAKEN])
    assert found.keep_volume and "snapshot in the backup was passed over" in found.warning


@pytest.mark.parametrize(("changed", "words"), [
    ({"csiSnapshotInfo": {"driver": "d"}, "message": "the disk is on fire"}, ": the disk is on fire"),
    ({"snapshotDataMoved": True}, "Velero's data mover has its data"),
    ({"csiSnapshotInfo": None}, "does not say what its snapshot is called"),
])
def test_a_snapshot_that_nobody_can_find_is_an_error(changed: Any, words: str) -> None:
    found = decide(volume(), None, info=[{**TAKEN, **changed}])
    assert not found.keep_volume and found.snapshot is None and words in found.error


def test_snapshots_of_older_veleros_are_found_by_their_objects() -> None:
    found = data(csi=[{"metadata": {"namespace": "shop", "name": "vs"}, "spec": {"source": {
        "persistentVolumeClaimName": "data"}}}], contents=[{"spec": {
            "driver": "d", "volumeSnapshotClassName": "fast", "volumeSnapshotRef": {"namespace": "shop", "name": "vs"}},
            "status": {"snapshotHandle": "h", "restoreSize": 7}}])
    assert found.snapshot("pv", CLAIM) == Snapshot("shop", "data", "d", "h", 7, snapshot_class="fast")


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
