"""Where the backup of a restore is: by its CR, or straight from the bucket, which knows more than the cluster."""

from __future__ import annotations

from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.model import kinds, phases, stored_backup
from kubectl_ark.model.resources import custom
from kubectl_ark.runner import locations, stored
from kubectl_ark.store.bucket import Bucket

BACKUPS = custom(kinds.BACKUP)


def find(api: Api, namespace: str, name: str) -> tuple[Bucket, dict[str, Any]]:
    """The bucket that holds backup ``name`` and its velero-backup.json.

    Looked for in the location that its CR names; without a CR (another cluster made it, or Velero did) in every
    location, the default one first. Raises InvalidInput if there is none or it cannot be restored, StoreUnusable,
    StoreError.
    """
    try:
        known = api.get(BACKUPS.path(namespace, name))
    except errors.NotFound:
        places = locations.everyone(api, namespace)
    else:
        _usable(name, known, origin=f"backup {namespace}/{name}")
        place = (known.get("status") or {}).get("storageLocation") or (known.get("spec") or {}).get("storageLocation")
        places = [locations.named(api, namespace, place)]
    looked: list[str] = []
    broken: list[errors.StoreError] = []
    for place in places:
        try:
            bucket = locations.opened(api, place)
            looked.append(bucket.location.url)
            found = stored.find(bucket, name)
        except errors.StoreError as failure:  # another location may have it
            broken.append(failure)
            continue
        if found is not None:
            return found.bucket, _sound(name, found)
    if broken:
        raise broken[0]
    raise errors.InvalidInput(f'backup "{name}" does not exist: looked in {", ".join(looked) or "no location"}',
                              hint="kubectl ark get backups lists what there is")


def _sound(name: str, found: stored.Stored) -> dict[str, Any]:
    if problem := stored_backup.problem(found.backup, name):
        raise errors.Damaged(f"{found.url} {problem}", hint="use another backup")
    _usable(name, found.backup, origin=found.url)
    backup: dict[str, Any] = found.backup
    return backup


def _usable(name: str, backup: dict[str, Any], *, origin: str) -> None:
    phase = phases.phase_of(backup)
    if phase not in {each.value for each in phases.USABLE}:
        raise errors.InvalidInput(f'backup "{name}" is {phase}, so it cannot be restored ({origin})',
                                  hint="only Completed and PartiallyFailed backups can")
