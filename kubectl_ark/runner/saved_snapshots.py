"""The snapshots that CSI drivers took for a backup, and deleting them with it."""

from __future__ import annotations

import io
import json
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.restore.unpack import Gunzip
from kubectl_ark.engine.snapshots import deleting, detaching
from kubectl_ark.kube.api import Api
from kubectl_ark.model import labels, layout, snapshots
from kubectl_ark.model.resources import CONTENTS
from kubectl_ark.model.snapshots import Snapshot
from kubectl_ark.runner.accounts import Account
from kubectl_ark.store.bucket import Bucket

MAX_STORED = 8 * 1024 * 1024
MAX_PLAIN = 32 * 1024 * 1024
"""Bytes of the file that says how a backup's volumes were saved."""


def delete(api: Api, bucket: Bucket, directory: str, backup: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Delete the snapshots of a backup: sentences about what could not be done now, and about what never can.

    directory: where the backup's files are. Snapshots that are gone already are fine. Raises ApiError.
    """
    try:
        taken, notes = _listed(bucket, directory, backup["metadata"]["name"])
    except errors.StoreError as failure:
        return [failure.sentence], []
    if not taken:
        return [], notes
    account = Account(api, backup["metadata"]["namespace"])
    try:
        account.api().get(CONTENTS.path(), params={"limit": "1"})
    except (errors.NotFound, errors.Forbidden) as failure:
        return [f"{len(taken)} snapshots of volumes are not deleted: {failure.sentence}"], notes
    return deleting.delete(account.api, backup, taken), notes


def discard(api: Api, backup: dict[str, Any]) -> list[str]:
    """Take away what a backup that came to nothing has left; the names of the VolumeSnapshots. Raises ApiError."""
    account = Account(api, backup["metadata"]["namespace"])
    return detaching.discard_all(account.api(), f"{labels.BACKUP_UID}={backup['metadata']['uid']}")


def _listed(bucket: Bucket, directory: str, name: str) -> tuple[list[Snapshot], list[str]]:
    """The snapshots that the backup's own file lists; and what of it cannot be read."""
    key = directory + layout.volume_info(name).rpartition("/")[2]
    try:
        plain = Gunzip(io.BytesIO(bucket.get(key, limit=MAX_STORED)), subject=f"{bucket.location.url}{key}",
                       limit=MAX_PLAIN)
        found = json.loads(plain.read(MAX_PLAIN))
        plain.finish()
        taken = [snapshots.of_info(each) for each in found or () if each.get("backupMethod") == snapshots.METHOD]
    except errors.KeyMissing:
        return [], []
    except (errors.Damaged, ValueError, TypeError, AttributeError):
        return [], [f"{bucket.location.url}{key} is damaged: the snapshots of volumes that it lists stay"]
    return [each for each in taken if each.handle and each.driver], []
