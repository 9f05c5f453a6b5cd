"""Every kind of target has a key, Velero's names and those of Heptio Ark, and the CRD admits just these."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_ark.model import downloads, kinds
from kubectl_ark.render.jobspecs import render

OF_VELERO = {
    "BackupLog": "backups/n/n-logs.gz", "BackupContents": "backups/n/n.tar.gz",
    "BackupVolumeSnapshots": "backups/n/n-volumesnapshots.json.gz",
    "BackupItemOperations": "backups/n/n-itemoperations.json.gz",
    "BackupResourceList": "backups/n/n-resource-list.json.gz", "BackupResults": "backups/n/n-results.gz",
    "BackupVolumeInfos": "backups/n/n-volumeinfo.json.gz", "RestoreLog": "restores/n/restore-n-logs.gz",
    "RestoreResults": "restores/n/restore-n-results.gz",
    "RestoreResourceList": "restores/n/restore-n-resource-list.json.gz",
    "RestoreItemOperations": "restores/n/restore-n-itemoperations.json.gz",
    "RestoreVolumeInfo": "restores/n/n-volumeinfo.json.gz",
    "CSIBackupVolumeSnapshots": "backups/n/n-csi-volumesnapshots.json.gz",
    "CSIBackupVolumeSnapshotContents": "backups/n/n-csi-volumesnapshotcontents.json.gz",
}
OF_ARK = {"BackupLogs": "backups/n/n-logs.gz", "RestoreLogs": "restores/n/restore-n-logs.gz"}


def test_every_target_of_velero_and_of_ark_lies_where_velero_has_it() -> None:
    assert {target: downloads.key(target, "n") for target in (*downloads.OF_BACKUPS, *downloads.OF_RESTORES)} == {
        **OF_VELERO, **OF_ARK}


def test_the_crd_admits_these_targets_and_no_other() -> None:
    [crd] = [each for each in render("crds", {}) if each["metadata"]["name"] == kinds.DOWNLOAD_REQUEST.full_name]
    spec: Any = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert set(spec["properties"]["target"]["properties"]["kind"]["enum"]) == {*OF_VELERO, *OF_ARK}


def test_a_target_belongs_to_backups_or_to_restores() -> None:
    assert downloads.subject("BackupLogs") is kinds.BACKUP and downloads.subject("RestoreLog") is kinds.RESTORE
    assert downloads.subject("Nonsense") is None


@pytest.mark.parametrize(("target", "phase", "words"), [
    ("BackupContents", "InProgress", "is still InProgress"), ("BackupLog", None, "is still New"),
    ("BackupContents", "Failed", "has saved nothing"), ("BackupLog", "Failed", None),
    ("BackupContents", "FailedValidation", "has saved nothing"), ("BackupContents", "PartiallyFailed", None),
    ("BackupContents", "Completed", None)])
def test_what_a_run_cannot_have_is_refused_with_the_reason(target: str, phase: str | None, words: str | None) -> None:
    run = {"kind": "Backup", "metadata": {"name": "b"}, "status": {"phase": phase} if phase else {}}
    said = downloads.refusal(target, run)
    assert said is None if words is None else said is not None and words in said and 'backup "b"' in said


@pytest.mark.parametrize("phase", ["Completed", "PartiallyFailed", "Failed"])
def test_a_restore_from_a_location_that_is_only_read_has_no_files(phase: str) -> None:
    run = {"kind": "Restore", "metadata": {"name": "r"}, "status": {"phase": phase, "resultsStored": False}}
    for target in ("RestoreLog", "RestoreResults"):
        assert downloads.refusal(target, run) == 'restore "r" read from a ReadOnly location: it has stored no files'
    assert downloads.refusal("RestoreLog", {**run, "status": {"phase": phase, "resultsStored": True}}) is None
