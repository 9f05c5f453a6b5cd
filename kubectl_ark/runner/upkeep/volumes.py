"""The PodVolumeBackups of a backup that was found in the bucket, for whoever wants to see them (ark-format.md §2.5).

A restore does not go by them but by the bucket's own list.
"""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.model import kinds, layout, volume_backups
from kubectl_ark.model.resources import custom
from kubectl_ark.runner import statuses
from kubectl_ark.runner.stored import Stored

VOLUMES = custom(kinds.POD_VOLUME_BACKUP)
MAX_BYTES = 32 * 1024 * 1024


def show(api: Api, backup: dict[str, Any], found: Stored, *, location: str) -> str:
    """Make what is not there yet; why not all of it can be, "" if it can. backup: the CR that they belong to.

    Raises StoreError where trying again may help, ApiError.
    """
    try:
        _show(api, backup, found, location=location)
    except (errors.Damaged, errors.StoreUnusable) as failure:  # the backup itself is as good as ever
        return failure.sentence
    return ""


def _show(api: Api, backup: dict[str, Any], found: Stored, *, location: str) -> None:
    namespace = backup["metadata"]["namespace"]
    for stored in _listed(found, backup["metadata"]["name"]):
        wanted = volume_backups.synced(stored, backup, location=location)
        path = VOLUMES.path(namespace, wanted["metadata"]["name"])
        try:
            made = api.create(path.rpartition("/")[0], wanted)
        except errors.Conflict:
            made = api.get(path)
            if not volume_backups.is_of(made, backup):
                continue
        except errors.Rejected as refusal:
            raise errors.Damaged(f"{found.url}: a PodVolumeBackup of it is not taken by the API server: "
                                 f"{refusal.message}") from refusal
        if stored.get("status"):
            statuses.write(api, f"{path}/status", made, **stored["status"])


def _listed(found: Stored, name: str) -> list[dict[str, Any]]:
    key = layout.pod_volume_backups(name)
    try:
        content = json.loads(gzip.decompress(found.bucket.get(key, limit=MAX_BYTES)) or b"null")
    except errors.KeyMissing:
        return []
    except (OSError, EOFError, ValueError, zlib.error) as fault:
        raise errors.Damaged(f"{found.bucket.location.url}{key} cannot be read: {fault}") from fault
    if content is not None and not isinstance(content, list):
        raise errors.Damaged(f"{found.bucket.location.url}{key} is no list")
    return [each for each in content or [] if isinstance(each, dict) and isinstance(each.get("metadata"), dict)
            and isinstance(each.get("spec"), dict) and each["metadata"].get("name")]
