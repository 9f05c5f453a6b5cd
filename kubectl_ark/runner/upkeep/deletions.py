"""DeleteBackupRequests carried out, and Restores that are to go with what they left in the bucket.

A request is bound to one backup by uid when it is begun. What fails then, or where the store could not be asked, is
tried again by every pass until the request is a day old. It stays as a record for a day, with what went wrong.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.pages import items
from kubectl_ark.model import deletions, kinds, labels, phases, stored_backup, times
from kubectl_ark.model.phases import Phase
from kubectl_ark.model.resources import custom
from kubectl_ark.runner import installed, locations, removal, saved_snapshots, saved_volumes, statuses
from kubectl_ark.runner.cluster import cluster_id
from kubectl_ark.runner.upkeep.upkeep import Upkeep
from kubectl_ark.store.bucket import Bucket

REQUESTS, BACKUPS, RESTORES = map(custom, (kinds.DELETE_REQUEST, kinds.BACKUP, kinds.RESTORE))

VERSIONS = ("the bucket keeps versions: what is deleted stays in it as former versions, until its own lifecycle rules "
            "remove them")
"""They are not removed here: versioning is switched on for the sake of what was deleted."""


def attend(upkeep: Upkeep) -> None:
    """Carry out every request, oldest first, and forget those that are done for long. Raises ApiError."""
    waiting = []
    for request in items(upkeep.api, REQUESTS, upkeep.namespace):
        if deletions.is_processed(request):
            _forget(upkeep, request)
        else:
            waiting.append((request["metadata"]["creationTimestamp"], request["metadata"]["name"]))
    for _, name in sorted(waiting):
        try:
            _carry_out(upkeep, name)
        except errors.ApiError as failure:
            upkeep.trouble(f"deletebackuprequest/{name} cannot be carried out: {failure.sentence}")
    for restore in items(upkeep.api, RESTORES, upkeep.namespace):
        if labels.DELETE_REQUESTED in (restore["metadata"].get("annotations") or {}):
            _remove_unwanted(upkeep, restore)


def _forget(upkeep: Upkeep, request: dict[str, Any]) -> None:
    metadata, status = request["metadata"], request["status"]
    done = times.parse_time(status.get("completionTimestamp") or metadata["creationTimestamp"])
    seconds = installed.settings(upkeep.api, upkeep.namespace).delete_request_ttl_seconds
    if upkeep.now - done > datetime.timedelta(seconds=seconds):
        if upkeep.api.delete(REQUESTS.path(upkeep.namespace, metadata["name"]), uid=metadata["uid"]):
            upkeep.say(f"deletebackuprequest/{metadata['name']} of {times.format_time(done)} is forgotten")


def _carry_out(upkeep: Upkeep, name: str) -> None:
    try:
        request = upkeep.api.get(REQUESTS.path(upkeep.namespace, name))
    except errors.NotFound:
        return
    if deletions.is_processed(request):
        return  # another pass was faster
    backup_name = request["spec"]["backupName"]
    try:
        try:
            failures = _delete(upkeep, request, backup_name)
            may_pass = bool(failures) and deletions.is_begun(request)
        except (errors.Locked, errors.Damaged) as failure:  # the backup is left whole
            failures, may_pass = [failure.message], False
        except errors.StoreError as failure:
            failures, may_pass = [failure.sentence], True
        until = deletions.tried_until(request)
        again = may_pass and upkeep.now < until
        if again:
            _write(upkeep, request, errors=failures)
        else:
            _write(upkeep, request, phase=deletions.PROCESSED, errors=failures or None,
                   completionTimestamp=times.format_time(times.now()))
    except errors.Conflict:
        return  # another pass has it, or its maker has taken it back
    if failures:
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        then = f"; every pass until {times.format_time(until)} tries again" if again else ""
        upkeep.trouble(f"backup/{backup_name} is not deleted: {failures[0]}{more}{then}")
    else:
        upkeep.say(f"backup/{backup_name} is deleted")


def _delete(upkeep: Upkeep, request: dict[str, Any], name: str) -> list[str]:
    """Delete the backup, or go on with it; sentences about why it is not, or not wholly, deleted."""
    try:
        backup = upkeep.api.get(BACKUPS.path(upkeep.namespace, name))
    except errors.NotFound:
        backup = None
    if deletions.was_done(request, backup):
        return []
    if backup is None:
        return [f'backup "{name}" does not exist']
    restores = [each for each in items(upkeep.api, RESTORES, upkeep.namespace) if _is_of(each, name)]
    cluster = cluster_id(upkeep.api)
    problems = deletions.refusals(request, backup, restores, cluster_id=cluster)
    place, bucket = stored_backup.location_of(backup), None
    if place and not problems:
        bucket, problems = _opened(upkeep, place, name)
    if problems:
        return problems
    _write(upkeep, request, phase=deletions.IN_PROGRESS, backupUID=backup["metadata"]["uid"], storageLocation=place,
           message=VERSIONS if bucket is not None and bucket.keeps_versions() else None)
    former = phases.phase_of(backup)
    _mark(upkeep, backup, former, Phase.DELETING.value)
    failures: list[str] = []
    if bucket is not None:
        volumes = _Volumes(upkeep, bucket, backup)
        try:
            failures = removal.remove_backup(bucket, backup, cluster_id=cluster, forget=volumes.forget)
        except errors.StoreError:
            _mark(upkeep, backup, Phase.DELETING.value, former)  # it is as whole as it was
            raise
        if volumes.notes:
            said = [request["status"]["message"]] if request["status"].get("message") else []
            _write(upkeep, request, message="; ".join([*said, *volumes.notes]))
    for restore in restores:
        failures += _remove_restore(upkeep, restore, bucket, cluster)
    if not failures:
        upkeep.api.delete(BACKUPS.path(upkeep.namespace, name), uid=backup["metadata"]["uid"])
    return failures


class _Volumes:
    """The snapshots of volumes that a backup has made. notes: what of them stays for good."""

    def __init__(self, upkeep: Upkeep, bucket: Bucket, backup: dict[str, Any]) -> None:
        self.notes: list[str] = []
        self._upkeep, self._bucket, self._backup = upkeep, bucket, backup

    def forget(self, directory: str, still: Callable[[], bool]) -> list[str]:
        """See ``removal.remove_backup``."""
        api, bucket, backup = self._upkeep.api, self._bucket, self._backup
        if not still():
            return []
        failures, notes = saved_snapshots.delete(api, bucket, directory, backup)
        more, further = saved_volumes.forget(api, bucket, directory, backup, still=still)
        failures, self.notes = [*failures, *more], [*notes, *further]
        return failures


def _opened(upkeep: Upkeep, place: str, name: str) -> tuple[Bucket | None, list[str]]:
    """The bucket to delete from, and what speaks against it."""
    try:
        location = locations.named(upkeep.api, upkeep.namespace, place)
    except errors.InvalidInput as missing:
        return None, [missing.sentence]
    if reason := locations.against_writing(location):
        return None, [reason]
    bucket = locations.opened(upkeep.api, location)
    if locked := removal.lock(bucket, name):
        return None, [f'backup "{name}" is {locked} by the object lock of the bucket; it is left whole']
    return bucket, []


def _is_of(restore: dict[str, Any], backup: str) -> bool:
    status = restore.get("status") or {}
    return backup in ((restore.get("spec") or {}).get("backupName"), status.get("backupName"))


def _mark(upkeep: Upkeep, backup: dict[str, Any], former: str, phase: str) -> None:
    """Write a phase in the place of the former one. Raises Conflict where the backup has changed meanwhile."""
    if phase == former:
        return
    try:
        upkeep.api.patch_json(BACKUPS.path(upkeep.namespace, backup["metadata"]["name"]) + "/status", [
            {"op": "test", "path": "/metadata/uid", "value": backup["metadata"]["uid"]},
            {"op": "test", "path": "/status/phase", "value": former},
            {"op": "add", "path": "/status/phase", "value": phase}])
    except (errors.Rejected, errors.NotFound) as failure:
        raise errors.Conflict(f"the backup has changed meanwhile: {failure}") from failure


def _remove_restore(upkeep: Upkeep, restore: dict[str, Any], bucket: Bucket | None, cluster: str) -> list[str]:
    """A Restore with what it left in the bucket; what could not be removed. bucket: None if there is none to ask."""
    metadata = restore["metadata"]
    path = RESTORES.path(upkeep.namespace, metadata["name"])
    try:
        if upkeep.api.get(path)["metadata"]["uid"] != metadata["uid"]:
            return []  # another pass was faster, and what is in the bucket is of one that was made anew
    except errors.NotFound:
        return []
    failures = removal.remove_restore(bucket, restore, cluster_id=cluster) if bucket is not None else []
    if not failures:
        upkeep.api.delete(path, uid=metadata["uid"])
    return failures


def _remove_unwanted(upkeep: Upkeep, restore: dict[str, Any]) -> None:
    """One that a user wants to go; what cannot be deleted in a bucket that is only read is left there."""
    name, place = restore["metadata"]["name"], stored_backup.location_of(restore)
    if not phases.is_finished(restore):
        upkeep.trouble(f"restore/{name} is not deleted: it is {phases.phase_of(restore)}; cancel it first")
        return
    bucket, problems = None, []
    try:
        if place:
            location = locations.named(upkeep.api, upkeep.namespace, place)
            bucket = None if locations.against_writing(location) else locations.opened(upkeep.api, location)
        problems = _remove_restore(upkeep, restore, bucket, cluster_id(upkeep.api))
    except (errors.StoreError, errors.InvalidInput) as failure:
        problems = [failure.sentence]
    if problems:
        upkeep.trouble(f"restore/{name} is not deleted: {problems[0]}")
    else:
        upkeep.say(f"restore/{name} is deleted")


def _write(upkeep: Upkeep, request: dict[str, Any], **fields: Any) -> None:
    """Fields of the request's status, here and there; None removes one. Raises Conflict where the request is gone."""
    request |= statuses.write(upkeep.api, REQUESTS.path(upkeep.namespace, request["metadata"]["name"]) + "/status",
                              request, **fields)
