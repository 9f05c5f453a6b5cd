"""What the deletion of an object means beyond the object; said before it is asked for, or after. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubectl_ark.model import kinds, labels, phases

GRAVE = frozenset({kinds.BACKUP, kinds.RESTORE, kinds.STORAGE_LOCATION, kinds.SNAPSHOT_LOCATION,
                   kinds.RESTIC_REPOSITORY})
"""Kinds of which even one object is not deleted without a question."""

_OF_KIND = {
    kinds.BACKUP: "its data goes from the bucket for good, and the restores made from it go with it",
    kinds.RESTORE: "its log and results go from the bucket; what it restored stays",
    kinds.SNAPSHOT_LOCATION: "its snapshots stay where they are, but a backup that names it cannot be made any more",
    kinds.RESTIC_REPOSITORY: "the repository and its data stay in the bucket, but are tidied no more; the next backup "
                             "of its volumes makes a record anew, without the password's Secret that this one names",
    kinds.POD_VOLUME_BACKUP: "only this record goes: the data and the record in the bucket stay",
    kinds.POD_VOLUME_RESTORE: "only this record goes: what was restored stays",
    kinds.DOWNLOAD_REQUEST: "a pod that holds its file ready goes with it",
}


def of(kind: kinds.Kind, resource: Mapping[str, Any], backups: Iterable[Mapping[str, Any]]) -> str:
    """The meaning for one object, as half a sentence. backups: every Backup of the namespace."""
    spec = resource.get("spec") or {}
    if kind == kinds.SCHEDULE:
        return _of_schedule(resource, backups)
    if kind == kinds.STORAGE_LOCATION:
        return _of_location(resource, backups)
    if kind == kinds.DELETE_REQUEST:
        if ((resource.get("status") or {}).get("phase") or "New") == "Processed":
            return "only the record of a deletion that was carried out goes"
        return f"backup {spec.get('backupName')} is not deleted then, unless that has begun"
    return _OF_KIND[kind]


def concerns(kind: kinds.Kind, name: str, backup: Mapping[str, Any]) -> bool:
    """Whether the Schedule of this name made the backup, or the storage location of this name holds it."""
    if kind == kinds.SCHEDULE:
        found = backup["metadata"].get("labels") or {}
        return labels.label_value(name) in (found.get(labels.SCHEDULE_NAME), found.get(labels.VELERO_SCHEDULE_NAME))
    return name in ((backup.get(part) or {}).get("storageLocation") for part in ("status", "spec"))


def is_grave(kind: kinds.Kind, resource: Mapping[str, Any]) -> bool:
    """Whether even this one alone is worth a question."""
    return kind in GRAVE or kind == kinds.SCHEDULE and _takes_backups_along(resource)


def _of_schedule(schedule: Mapping[str, Any], backups: Iterable[Mapping[str, Any]]) -> str:
    made = [each for each in backups if concerns(kinds.SCHEDULE, schedule["metadata"]["name"], each)]
    ended = "".join(f"; backup/{each['metadata']['name']}, which runs in its Job now, ends with it"
                    for each in made if _runs_in_its_job(each))
    if _takes_backups_along(schedule):
        return (f"the {_count(len(made))} that it made go from the cluster with it (useOwnerReferencesInBackup); their "
                f"data stays in the bucket, and the next pass that syncs brings them back{ended}")
    return f"the {_count(len(made))} that it made stay, and expire in their time{ended}"


def _runs_in_its_job(backup: Mapping[str, Any]) -> bool:
    """Whether it runs in a pod that the Schedule's CronJob made; one that was made by hand has a Job of its own."""
    return labels.JOB in (backup["metadata"].get("annotations") or {}) and phases.phase_of(dict(backup)) in (
        phases.Phase.NEW, phases.Phase.IN_PROGRESS)


def _takes_backups_along(schedule: Mapping[str, Any]) -> bool:
    return bool((schedule.get("spec") or {}).get("useOwnerReferencesInBackup"))


def _of_location(location: Mapping[str, Any], backups: Iterable[Mapping[str, Any]]) -> str:
    name = location["metadata"]["name"]
    held = sum(concerns(kinds.STORAGE_LOCATION, name, each) for each in backups)
    text = (f"the {_count(held)} in it stay in the bucket, but are neither restored nor deleted nor expire until there "
            "is a location again that leads there")
    if (location.get("spec") or {}).get("default"):
        text += "; it is the default one: a backup that names no location will have none"
    return text


def _count(number: int) -> str:
    return f"{number} backup" + ("" if number == 1 else "s")
