"""What a DownloadRequest can ask for: the kinds of targets, and where each lies in the bucket.

The names are Velero's (ark-format.md §12.6); those of Heptio Ark's own words, BackupLogs and RestoreLogs, mean the same
files.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from kubectl_ark.model import kinds, layout, phases

LIFETIME = datetime.timedelta(minutes=10)
"""How long an address is good for, and how long a fetched file waits for its reader; Velero's ten minutes."""

OF_BACKUPS: Mapping[str, Callable[[str], str]] = {
    "BackupContents": layout.contents,
    "BackupLog": layout.backup_log,
    "BackupLogs": layout.backup_log,
    "BackupResults": layout.backup_results,
    "BackupResourceList": layout.resource_list,
    "BackupVolumeInfos": layout.volume_info,
    "BackupVolumeSnapshots": layout.volume_snapshots,
    "BackupItemOperations": layout.item_operations,
    "CSIBackupVolumeSnapshots": layout.csi_volume_snapshots,
    "CSIBackupVolumeSnapshotContents": layout.csi_volume_snapshot_contents,
}

OF_RESTORES: Mapping[str, Callable[[str], str]] = {
    "RestoreLog": layout.restore_log,
    "RestoreLogs": layout.restore_log,
    "RestoreResults": layout.restore_results,
    "RestoreResourceList": layout.restore_resource_list,
    "RestoreItemOperations": layout.restore_item_operations,
    "RestoreVolumeInfo": layout.restore_volume_info,
}

ONLY_OF_USABLE = frozenset({"BackupContents"})
"""What a run that failed never stores."""


def subject(target: str) -> kinds.Kind | None:
    """The kind of run that a target's file belongs to, None for a target that does not exist."""
    if target in OF_BACKUPS:
        return kinds.BACKUP
    return kinds.RESTORE if target in OF_RESTORES else None


def key(target: str, name: str) -> str:
    """Where the file of the Backup or Restore called ``name`` lies. Raises KeyError for an unknown target."""
    return {**OF_BACKUPS, **OF_RESTORES}[target](name)


def refusal(target: str, run: Mapping[str, Any]) -> str | None:
    """Why this run has no such file now, None if it should have it. run: the Backup or Restore CR."""
    phase, name = phases.phase_of(dict(run)), f'{str(run["kind"]).lower()} "{run["metadata"]["name"]}"'
    if phase in (phases.Phase.NEW, phases.Phase.IN_PROGRESS):
        return f"{name} is still {phase}: its files are there when it has ended"
    if target in ONLY_OF_USABLE and phase in (phases.Phase.FAILED, phases.Phase.FAILED_VALIDATION):
        return f"{name} is {phase}: it has saved nothing"
    if (run.get("status") or {}).get("resultsStored") is False:
        return f"{name} read from a ReadOnly location: it has stored no files"
    return None
