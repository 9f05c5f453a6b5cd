"""The Backups of this cluster and the backups in the buckets, brought together; the bucket is the truth.

The CRs are listed first and the bucket afterwards, so that a backup that completes meanwhile is in both or only in the
bucket; and before a CR is removed its metadata is looked for once more.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.pages import items
from kubectl_ark.model import kinds, phases, stored_backup, times
from kubectl_ark.model.phases import Phase
from kubectl_ark.model.resources import custom
from kubectl_ark.runner import locations, statuses, stored
from kubectl_ark.runner.upkeep import volumes
from kubectl_ark.runner.upkeep.locations import is_due
from kubectl_ark.runner.upkeep.upkeep import Upkeep
from kubectl_ark.runner.validate import UNAVAILABLE
from kubectl_ark.store.bucket import Bucket

BACKUPS = custom(kinds.BACKUP)
AT_ONCE = 8
NAMED = 5
"""So many are named one by one on the page."""

_GONE_WITH_DATA = {*(phase.value for phase in phases.USABLE), "WaitingForPluginOperations", "Finalizing",
                   "WaitingForPluginOperationsPartiallyFailed", "FinalizingPartiallyFailed"}
"""Phases of Backups that mean nothing without their data. What runs, failed or is being deleted is another's."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """What of a Backup CR matters here; of thousands no more is held."""

    uid: str
    version: str
    phase: str
    location: str | None
    synced: bool

    @property
    def is_half(self) -> bool:
        """Made by a pass that died before it could write the status."""
        return self.synced and self.phase == Phase.NEW


def attend(upkeep: Upkeep) -> None:
    """Sync every location that is due. Raises ApiError."""
    due = [each for each in locations.everyone(upkeep.api, upkeep.namespace)
           if (each.get("status") or {}).get("phase") != UNAVAILABLE
           and is_due(each, "backupSyncPeriod", "lastSyncedTime", upkeep.now)]
    if not due:
        return
    seen = {item["metadata"]["name"]: _seen(item) for item in items(upkeep.api, BACKUPS, upkeep.namespace)}
    for location in due:
        name = location["metadata"]["name"]
        try:
            bucket = locations.opened(upkeep.api, location)
            present = stored.names(bucket)
            _show(upkeep, bucket, sorted(each for each in present if each not in seen
                                         or seen[each].is_half and seen[each].location == name))
            _remove_orphans(upkeep, bucket, {each: seen[each] for each in seen if each not in present})
        except errors.StoreError as failure:
            upkeep.trouble(f"{name} was not synced: {failure.sentence}")
            continue
        _record(upkeep, location, bucket.location.url)


def _seen(backup: dict[str, Any]) -> Seen:
    metadata, synced = backup["metadata"], stored_backup.is_synced(backup)
    location = stored_backup.location_of(backup) or (backup["spec"].get("storageLocation") if synced else None)
    return Seen(metadata["uid"], metadata["resourceVersion"], phases.phase_of(backup), location, synced)


def _show(upkeep: Upkeep, bucket: Bucket, names: list[str]) -> None:
    """Make a Backup of each stored backup that has none."""
    def one(name: str) -> tuple[str, bool, errors.ArkError | None]:
        try:
            return name, _show_one(upkeep, bucket, name), None
        except errors.ArkError as failure:
            return name, False, failure
    shown: list[str] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for name, was_shown, trouble in pool.map(one, names):
            if was_shown:
                shown.append(name)
            elif isinstance(trouble, errors.Damaged):  # no pass can mend what lies in the bucket
                upkeep.warn(f"backup/{name} of {bucket.location.name} cannot be shown: {trouble.message}; repair or "
                            "delete that file")
            elif trouble:
                upkeep.trouble(f"backup/{name} of {bucket.location.name} cannot be shown: {trouble.sentence}")
    if shown:
        upkeep.say(f"found in {bucket.location.name}: {_listed(shown)}")


def _show_one(upkeep: Upkeep, bucket: Bucket, name: str) -> bool:
    """True if a Backup was made, or one that was made by half completed. Raises Damaged, StoreError, ApiError."""
    found = stored.find(bucket, name)
    if found is None:
        return False
    if problem := stored_backup.problem(found.backup, name):
        raise errors.Damaged(f"{found.url} {problem}")
    if stored_backup.is_unended(found.backup):
        raise errors.Damaged(f"{found.url} is in phase {phases.phase_of(found.backup)}")
    if stored_backup.is_awaited(found.backup, upkeep.now):
        return False
    wanted = stored_backup.resource(found.backup, namespace=upkeep.namespace, location=bucket.location.name)
    path = BACKUPS.path(upkeep.namespace, name)
    try:
        made = upkeep.api.create(path.rpartition("/")[0], wanted)
    except errors.Conflict:
        made = upkeep.api.get(path)
        if not _seen(made).is_half:
            return False  # another pass was faster, or somebody has just made one of that name
    except errors.Rejected as refusal:
        raise errors.Damaged(f"{found.url} is not taken by the API server: {refusal.message}") from refusal
    # Before the status, which says that all is there.
    if trouble := volumes.show(upkeep.api, made, found, location=bucket.location.name):
        upkeep.warn(f"backup/{name}: what was saved of its volumes cannot be shown: {trouble}")
    try:
        upkeep.api.patch_json(path + "/status", [
            {"op": "test", "path": "/metadata/uid", "value": made["metadata"]["uid"]},
            {"op": "test", "path": "/status/phase", "value": Phase.NEW.value},
            {"op": "add", "path": "/status", "value": stored_backup.status(
                found.backup, location=bucket.location.name, now=upkeep.now)}])
    except errors.Rejected as refusal:
        if not _seen(upkeep.api.get(path)).is_half:
            return False
        upkeep.api.delete(path, uid=made["metadata"]["uid"])  # a Backup without its status would say nothing
        raise errors.Damaged(f"{found.url} is not taken by the API server: {refusal.message}") from refusal
    return True


def _remove_orphans(upkeep: Upkeep, bucket: Bucket, absent: dict[str, Seen]) -> None:
    """Remove Backups whose data has gone from the bucket."""
    removed = []
    for name, backup in absent.items():
        if backup.location != bucket.location.name or not (backup.is_half or backup.phase in _GONE_WITH_DATA) \
                or stored.exists(bucket, name):
            continue
        try:
            if upkeep.api.delete(BACKUPS.path(upkeep.namespace, name), uid=backup.uid,
                                 resource_version=backup.version):
                removed.append(name)
        except errors.Conflict:
            continue  # somebody has changed it: the next pass looks again
    if removed:
        upkeep.say(f"gone from {bucket.location.name}, so removed here: {_listed(removed)}")


def _record(upkeep: Upkeep, location: dict[str, Any], url: str) -> None:
    """url: where the location leads to. One that leads elsewhere by now was synced for the first time."""
    moment, status = times.format_time(times.now()), location.get("status") or {}
    first = status.get("firstSyncedTime") if status.get("syncedFrom", url) == url else None
    path = locations.LOCATIONS.path(upkeep.namespace, location["metadata"]["name"])
    with contextlib.suppress(errors.Conflict):  # it is another location now
        statuses.write(upkeep.api, path + "/status", location, lastSyncedTime=moment, firstSyncedTime=first or moment,
                       syncedFrom=url)


def _listed(names: Iterable[str]) -> str:
    every = sorted(names)
    more = f" and {len(every) - NAMED} more" if len(every) > NAMED else ""
    return ", ".join(f"backup/{name}" for name in every[:NAMED]) + more
