"""DeleteBackupRequests for the backups that are not to be kept any longer. What is decided by: ``model.expiry``."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.pages import items
from kubectl_ark.model import expiry, kinds, labels, names, stored_backup
from kubectl_ark.model.expiry import Dated
from kubectl_ark.model.resources import custom
from kubectl_ark.runner import locations
from kubectl_ark.runner.cluster import cluster_id
from kubectl_ark.runner.upkeep.upkeep import Upkeep

BACKUPS, SCHEDULES, REQUESTS = map(custom, (kinds.BACKUP, kinds.SCHEDULE, kinds.DELETE_REQUEST))


def attend(upkeep: Upkeep) -> None:
    """Ask for the deletion of what is due. Only backups of this cluster are looked at. Raises ApiError."""
    cluster = cluster_id(upkeep.api)
    backups = [expiry.dated(each) for each in items(upkeep.api, BACKUPS, upkeep.namespace)
               if stored_backup.is_own(each, cluster)]
    schedules = {each["metadata"]["name"]: each.get("spec") or {}
                 for each in items(upkeep.api, SCHEDULES, upkeep.namespace)}
    due = expiry.due(backups, schedules, now=upkeep.now)
    if not due:
        return
    places = {each["metadata"]["name"]: each for each in locations.everyone(upkeep.api, upkeep.namespace)}
    asked = {_uid_of(each) for each in items(upkeep.api, REQUESTS, upkeep.namespace)}
    held: dict[str, int] = defaultdict(int)
    for backup, reason in due:
        place = places.get(backup.location or "")
        if hindrance := expiry.hindrance(backup, place, now=upkeep.now):
            held[hindrance] += 1
        elif backup.uid not in asked:
            _ask(upkeep, backup, reason)
    for hindrance, count in sorted(held.items()):
        upkeep.write(f"{upkeep.topic}: {count} expired backup{'s are' if count > 1 else ' is'} kept: {hindrance}")


def _uid_of(request: dict[str, Any]) -> str | None:
    given = request["metadata"].get("labels") or {}
    uid = given.get(labels.BACKUP_UID) or (request.get("status") or {}).get("backupUID")
    return str(uid) if uid else None


def _ask(upkeep: Upkeep, backup: Dated, reason: str) -> None:
    """A name of its own makes it one request however many passes ask."""
    try:
        upkeep.api.create(REQUESTS.path(upkeep.namespace), {
            "apiVersion": kinds.API_VERSION, "kind": kinds.DELETE_REQUEST.kind,
            "metadata": {"name": names.with_tail(backup.name, f"expired-{backup.uid[:8]}"),
                         "namespace": upkeep.namespace,
                         "labels": labels.of_delete_request(backup.name, backup.uid),
                         "annotations": {labels.REQUESTED_BY: f"kubectl-ark: {reason}"}},
            "spec": {"backupName": backup.name}})
    except errors.Conflict:
        return
    upkeep.say(f"backup/{backup.name} is to be deleted: {reason}")
