"""When a DeleteBackupRequest may act, and when it has."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from kubectl_ark.model import labels, phases, stored_backup, times
from kubectl_ark.model.phases import Phase

IN_PROGRESS, PROCESSED = "InProgress", "Processed"

TRIED_FOR = datetime.timedelta(days=1)
"""How long after it was made a request that fails half-way is taken up again by every pass."""

_RUNS = {Phase.NEW.value, Phase.IN_PROGRESS.value, "Queued", "ReadyToStart"}


def is_processed(request: dict[str, Any]) -> bool:
    """True once nothing more will be done about it."""
    return phases.phase_of(request) == PROCESSED


def is_begun(request: dict[str, Any]) -> bool:
    """True once it is bound to one backup, of which something may be gone already."""
    return bool((request.get("status") or {}).get("backupUID"))


def tried_until(request: dict[str, Any]) -> datetime.datetime:
    """When passes cease to take it up again, UTC."""
    return times.parse_time(request["metadata"]["creationTimestamp"]) + TRIED_FOR


def was_done(request: dict[str, Any], backup: dict[str, Any] | None) -> bool:
    """True if a pass began the request and died after the very last step. backup: the one of its name, None if none."""
    return is_begun(request) and (backup is None or backup["metadata"]["uid"] != request["status"]["backupUID"])


def refusals(request: dict[str, Any], backup: dict[str, Any], restores: Iterable[dict[str, Any]], *,
             cluster_id: str) -> list[str]:
    """Every reason against deleting ``backup``. restores: those made from it."""
    name = backup["metadata"]["name"]
    if reason := _means_another(request, backup):
        return [reason]
    found = []
    if phases.phase_of(backup) in _RUNS:
        found.append(f'backup "{name}" is {phases.phase_of(backup)}; wait for its end, or cancel it first')
    for restore in restores:
        if not phases.is_finished(restore):
            found.append(f'restore "{restore["metadata"]["name"]}" of it is {phases.phase_of(restore)}')
    told = (request["metadata"].get("annotations") or {}).get(labels.ANY_CLUSTER) == "true"
    if not told and not stored_backup.is_own(backup, cluster_id):
        found.append(f'backup "{name}" was not made by this cluster; if it is to go all the same, use '
                     f'"kubectl ark delete backup {name} --any-cluster"')
    return found


def _means_another(request: dict[str, Any], backup: dict[str, Any]) -> str | None:
    """A request acts on the backup that it was made for, and on none that has come to its name since."""
    metadata, name = request["metadata"], backup["metadata"]["name"]
    given = metadata.get("labels") or {}
    wanted = given.get(labels.BACKUP_UID) or given.get(f"{labels.VELERO_GROUP}/backup-uid")
    if wanted and wanted != backup["metadata"]["uid"]:
        return f'the request is for a former backup "{name}" (uid {wanted})'
    begun = (backup.get("status") or {}).get("startTimestamp")
    if not wanted and begun and times.parse_time(begun) > times.parse_time(metadata["creationTimestamp"]):
        return f'backup "{name}" was begun after the request was made'
    return None
