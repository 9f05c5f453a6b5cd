"""From a velero-backup.json, whoever wrote it, to the Backup that stands for it in this cluster; and whose it is.

Kubectl-ark's, Velero's and Ark 0.9's and 0.10's metadata are the same object in another API group
(ark-format §2.1, §4); fields that this version does not know are kept.
"""

from __future__ import annotations

import datetime
from typing import Any

from kubectl_ark.model import kinds, labels, phases, shapes, times

_GROUPS = ("velero.io/v1", "ark.heptio.com/v1")
_UNFINISHED = ("WaitingForPluginOperations", "WaitingForPluginOperationsPartiallyFailed", "Finalizing",
               "FinalizingPartiallyFailed")
"""Velero stores these first and overwrites them; it shows them only once they have expired."""

_NOT_STORED = ("", "New", "Queued", "ReadyToStart", "InProgress", "Deleting")
_SHAPE: dict[str, Any] = {
    "metadata": {"labels": {"*": str}, "annotations": {"*": str}}, "spec": dict, "status": {"phase": str}}
_NOT_COPIED = ("kubectl.kubernetes.io/last-applied-configuration", labels.CANCEL)


def problem(stored: Any, name: str) -> str | None:
    """Why a stored document cannot be the metadata of backup ``name``; None if it can."""
    if not isinstance(stored, dict) or not isinstance(stored.get("metadata"), dict):
        return "is not a Kubernetes object"
    if stored.get("apiVersion") not in _GROUPS or stored.get("kind") != kinds.BACKUP.kind:
        given = " ".join(str(stored[field]) for field in ("apiVersion", "kind") if stored.get(field))
        return f"is not a Backup but {f'a {given}' if given else 'has neither apiVersion nor kind'}"
    if stored["metadata"].get("name") != name:
        return f'is the metadata of another backup, "{stored["metadata"].get("name")}"'
    misshapen = shapes.problems(stored, _SHAPE, "")
    return f"is not sound: {misshapen[0].removeprefix('.')}" if misshapen else None


def is_unended(stored: dict[str, Any]) -> bool:
    """True for metadata in a phase that no finished backup has."""
    return ((stored.get("status") or {}).get("phase") or "") in _NOT_STORED


def is_awaited(stored: dict[str, Any], now: datetime.datetime) -> bool:
    """True for one that Velero has not finished and that has not expired: its metadata will be written again."""
    status = stored.get("status") or {}
    return status.get("phase") in _UNFINISHED and not is_expired(stored, now)


def is_expired(backup: dict[str, Any], now: datetime.datetime) -> bool:
    """True once status.expiration is over; a backup without one never expires."""
    try:
        return times.parse_time((backup.get("status") or {})["expiration"]) < now
    except (KeyError, ValueError, AttributeError):
        return False


def resource(stored: dict[str, Any], *, namespace: str, location: str) -> dict[str, Any]:
    """The Backup to create, without its status: marked from birth as one that is not to be run.

    Owners are left out: they are objects of another cluster or life. location: its BackupStorageLocation's name here.
    """
    metadata = stored["metadata"]
    kept = dict(metadata.get("labels") or {})
    if schedule := labels.schedule_of(kept):
        kept[labels.SCHEDULE_NAME] = schedule
    kept[labels.STORAGE_LOCATION] = kept[labels.VELERO_STORAGE_LOCATION] = labels.label_value(location)
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key not in _NOT_COPIED}
    annotations |= {labels.SYNCED: "true", labels.STORED_UID: str(metadata.get("uid") or "")}
    return {
        "apiVersion": kinds.API_VERSION, "kind": kinds.BACKUP.kind,
        "metadata": {"name": metadata["name"], "namespace": namespace, "labels": kept, "annotations": annotations},
        "spec": {**(stored.get("spec") or {}), "storageLocation": location},
    }


def status(stored: dict[str, Any], *, location: str, now: datetime.datetime) -> dict[str, Any]:
    """The status of that Backup: as stored, with conditions where whoever wrote it knew of none."""
    found = {**(stored.get("status") or {}), "storageLocation": location}
    phase = next((each for each in phases.FINISHED if each.value == found["phase"]), None)
    if phase is not None and not found.get("conditions"):
        moment = found.get("completionTimestamp") or times.format_time(now)
        found["conditions"] = phases.conditions(phase, message="found in the bucket", moment=moment, generation=1)
    return found


def is_synced(backup: dict[str, Any]) -> bool:
    """True for a Backup that only mirrors what was found in the bucket."""
    return labels.SYNCED in (backup["metadata"].get("annotations") or {})


def is_own(backup: dict[str, Any], cluster_id: str) -> bool:
    """True if this cluster made the backup. One of unknown origin (Velero's, Ark's) is another's."""
    made_by = (backup["metadata"].get("annotations") or {}).get(labels.CLUSTER_ID)
    return made_by == cluster_id or not (made_by or is_synced(backup))


def stored_uid(backup: dict[str, Any]) -> str:
    """The uid that the backup has in the bucket; that of the CR, unless it mirrors another's."""
    annotations = backup["metadata"].get("annotations") or {}
    return str(annotations.get(labels.STORED_UID) or backup["metadata"]["uid"])


def location_of(backup: dict[str, Any]) -> str | None:
    """Name of the BackupStorageLocation that it was stored in; None for one that came to nothing before."""
    found = (backup.get("status") or {}).get("storageLocation")
    return str(found) if found else None
