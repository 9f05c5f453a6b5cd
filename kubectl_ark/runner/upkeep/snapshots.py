"""VolumeSnapshots of runs that are over: what a backup took that came to nothing, what a stored one has not taken away,
and what restored claims were made from that are bound by now.

Only what bears the name of this Ark namespace is touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.snapshots import detaching
from kubectl_ark.kube.api import Api
from kubectl_ark.kube.pages import items
from kubectl_ark.model import kinds, labels, phases
from kubectl_ark.model.resources import CLAIMS, CONTENTS, SNAPSHOTS, Resource, custom
from kubectl_ark.model.snapshots import RETAIN
from kubectl_ark.runner.accounts import Account
from kubectl_ark.runner.upkeep.upkeep import Upkeep

BACKUPS, RESTORES = custom(kinds.BACKUP), custom(kinds.RESTORE)

_STORED = {phase.value for phase in phases.USABLE} | {phases.Phase.DELETING.value}


def attend(upkeep: Upkeep) -> None:
    """Take away what is needed no more. Raises ApiError."""
    try:
        upkeep.api.get(f"/apis/{SNAPSHOTS.group}/{SNAPSHOTS.version}")
    except errors.NotFound:
        return
    try:
        api = Account(upkeep.api, upkeep.namespace).api()
        found = list(_ours(api, upkeep))
    except (errors.NotFound, errors.Forbidden) as failure:
        upkeep.write(f"{upkeep.topic}: what runs have left cannot be seen: {failure.sentence}")
        return
    for uid in sorted({uid for each in found if (uid := _label(each, labels.BACKUP_UID))}):
        _of_backup(upkeep, api, uid)
    snapshots = {_key(each): each for each in found if each["kind"] == SNAPSHOTS.kind}
    for each in found:
        if uid := _label(each, labels.RESTORE_UID):
            if each["kind"] == SNAPSHOTS.kind:
                _of_restore(upkeep, api, each, uid)
            elif _key({"metadata": each["spec"].get("volumeSnapshotRef") or {}}) not in snapshots:
                _alone(upkeep, api, each, uid)


def _ours(api: Api, upkeep: Upkeep) -> Iterator[dict[str, Any]]:
    for kind in (SNAPSHOTS, CONTENTS):
        for each in items(api, kind, label_selector=f"{labels.INSTALLATION}={upkeep.namespace}"):
            yield {**each, "kind": kind.kind}


def _label(thing: dict[str, Any], key: str) -> str:
    return str((thing["metadata"].get("labels") or {}).get(key) or "")


def _key(snapshot: dict[str, Any]) -> tuple[str, str]:
    metadata = snapshot["metadata"]
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or "")


def _find(upkeep: Upkeep, kind: Resource, uid: str) -> dict[str, Any] | None:
    """The Backup or Restore with this uid."""
    return next((each for each in items(upkeep.api, kind, upkeep.namespace) if each["metadata"]["uid"] == uid), None)


def _of_backup(upkeep: Upkeep, api: Api, uid: str) -> None:
    """All that one backup has left."""
    selector = f"{labels.BACKUP_UID}={uid}"
    backup = _find(upkeep, BACKUPS, uid)
    phase = phases.phase_of(backup) if backup is not None else None
    try:
        if phase is None or phase in _STORED:
            # Whether one that is gone here was stored nobody knows: what was seen to be kept stays at the storage.
            names = detaching.release_all(api, selector)
        elif phases.is_finished(backup or {}):
            names = detaching.discard_all(api, selector)
        else:
            return
    except errors.ApiError as failure:
        upkeep.trouble(f"snapshots of a backup that is over are not taken away: {failure.sentence}")
        return
    if names:
        title = f"backup/{backup['metadata']['name']}" if backup is not None else "a backup that is gone"
        upkeep.say(f"{title} is over; VolumeSnapshots that it left are taken away: {', '.join(sorted(names)[:5])}")


def _of_restore(upkeep: Upkeep, api: Api, snapshot: dict[str, Any], uid: str) -> None:
    """One VolumeSnapshot that a restored claim was made from."""
    metadata = snapshot["metadata"]
    if not _is_over(upkeep, uid):
        return
    claim = str((metadata.get("annotations") or {}).get(labels.PVC_NAME) or "")
    try:
        live = api.get(CLAIMS.path(metadata["namespace"], claim)) if claim else {}
    except errors.NotFound:
        live = {}
    except errors.ApiError as failure:
        upkeep.trouble(f"volumesnapshot {metadata['namespace']}/{metadata['name']}: {failure.sentence}")
        return
    if live and (live.get("status") or {}).get("phase") == "Pending":
        return
    title = f"volumesnapshot {metadata['namespace']}/{metadata['name']}"
    try:
        detaching.release(api, snapshot)
    except errors.ApiError as failure:
        upkeep.trouble(f"{title} is not taken away: {failure.sentence}")
    else:
        upkeep.say(f"{title}, from which persistentvolumeclaim {claim} was made, is taken away")


def _alone(upkeep: Upkeep, api: Api, content: dict[str, Any], uid: str) -> None:
    """A content whose VolumeSnapshot went with its namespace; what lies at the storage stays."""
    name = content["metadata"]["name"]
    if content["spec"].get("deletionPolicy") == RETAIN and _is_over(upkeep, uid) \
            and api.delete(CONTENTS.path(None, name), uid=content["metadata"]["uid"]):
        upkeep.say(f"volumesnapshotcontent {name}, whose VolumeSnapshot is gone, is taken away")


def _is_over(upkeep: Upkeep, uid: str) -> bool:
    """Whether a restore has ended or is gone."""
    restore = _find(upkeep, RESTORES, uid)
    return restore is None or phases.is_finished(restore)
