"""Taking a backup's or restore's data out of the bucket, so that a removal that dies halfway can be taken up again.

First the name is claimed, then the metadata goes: from there on the backup exists for nobody, and nobody can take its
name before the last of it, the claim, is gone. Two passes may be at it: one that has fallen behind looks at the claim
before each deletion, and stops where the other has finished and somebody has taken the name since.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.backup import documents
from kubectl_ark.model import layout, stored_backup, times
from kubectl_ark.runner import stored
from kubectl_ark.store.bucket import Bucket

MAX_CLAIM = 64 * 1024
MAX_FAILURES = 20
"""Of what could not be deleted no more is listed one by one."""


def lock(bucket: Bucket, name: str) -> str | None:
    """What keeps the backup's files: "locked until …"; None for nothing.

    The metadata is written last, so its lock is the last to end. Where it is damaged nobody tells.
    """
    try:
        found = stored.find(bucket, name)
    except errors.Damaged:
        return None
    return bucket.lock(found.key) if found else None


def remove_backup(bucket: Bucket, backup: dict[str, Any], *, cluster_id: str,
                  forget: Callable[[str, Callable[[], bool]], list[str]]) -> list[str]:
    """Delete all that is stored of a Backup; sentences about what could not be, [] if all is gone.

    What lies under its name but belongs to another backup is left alone. forget: removes what the backup has outside of
    its directory, which it is given, and says what could not be; the directory is kept then, for it tells what that is.
    It is also given what tells whether the directory is this backup's still; once it is not, nothing more is to go.
    Raises StoreError before anything is gone, and what ``forget`` raises.
    """
    name, uid = backup["metadata"]["name"], stored_backup.stored_uid(backup)
    try:
        found = stored.find(bucket, name)
    except errors.Damaged:
        found = None
        if _claimed(bucket, name, uid) is None:
            raise
    if found is not None and ((found.backup or {}).get("metadata") or {}).get("uid") != uid:
        return []
    directory = found.directory if found else _claimed(bucket, name, uid)
    if directory is None:
        return []
    if found is not None:
        claim = documents.claim(uid=uid, cluster_id=cluster_id, namespace=backup["metadata"]["namespace"],
                                moment=times.format_time(times.now()))
        if not bucket.put(directory + layout.CLAIM, claim, only_if_absent=True) and not holds(bucket, directory, uid):
            now = stored.find(bucket, name)
            if now is None or ((now.backup or {}).get("metadata") or {}).get("uid") != uid:
                return []
            bucket.put(directory + layout.CLAIM, claim)  # left by somebody who came to nothing under this name
        bucket.delete(found.key)
    if undone := forget(directory, lambda: holds(bucket, directory, uid)):
        return _bounded(undone)
    return _emptied(bucket, directory, holder=uid)


def _claimed(bucket: Bucket, name: str, uid: str) -> str | None:
    """The directory whose claim says that it is this Backup's, also at the root, where Ark 0.9 had it; else None."""
    for directory in (layout.backup_directory(name), layout.backup_directory(name).removeprefix(layout.BACKUPS)):
        if read_claim(bucket, directory).get("uid") == uid:
            return directory
    return None


def remove_restore(bucket: Bucket, restore: dict[str, Any], *, cluster_id: str) -> list[str]:
    """Delete all that is stored of a Restore; sentences about what could not be. What is another's is left alone."""
    metadata = restore["metadata"]
    directory = layout.restore_directory(metadata["name"])
    try:
        claim = read_claim(bucket, directory)
    except errors.StoreError as failure:
        return [failure.sentence]
    if is_foreign(claim, cluster_id=cluster_id, namespace=metadata["namespace"]):
        return []
    return _emptied(bucket, directory, holder=claim.get("uid"))


def _emptied(bucket: Bucket, directory: str, *, holder: str | None) -> list[str]:
    """Delete everything under a directory, its claim last; sentences about what could not be.

    holder: uid of whoever has the claim, None for a directory without one. Stops where that is so no more.
    """
    failures: list[str] = []
    try:
        for upload in bucket.uploads(directory):
            if not holds(bucket, directory, holder):
                return []
            bucket.abort(upload)
        for key in bucket.keys(directory):
            if holder is not None and key == directory + layout.CLAIM:
                continue
            if not holds(bucket, directory, holder):
                return []
            try:
                bucket.delete(key)
            except errors.StoreError as failure:
                failures.append(failure.sentence)
        if holder is not None and not failures and holds(bucket, directory, holder):
            bucket.delete(directory + layout.CLAIM)
    except errors.StoreError as failure:  # what is under it cannot be seen
        failures.append(failure.sentence)
    return _bounded(failures)


def holds(bucket: Bucket, directory: str, uid: str | None) -> bool:
    """Whether the claim to a directory is that of the CR with this uid at this moment; None: whether there is none."""
    return read_claim(bucket, directory).get("uid") == uid


def read_claim(bucket: Bucket, directory: str) -> dict[str, Any]:
    """Who is writing or deleting in a directory: uid, clusterID, namespace, time; {} if nobody says."""
    try:
        claim = json.loads(bucket.get(directory + layout.CLAIM, limit=MAX_CLAIM))
    except (errors.KeyMissing, errors.Damaged, ValueError):
        return {}
    return claim if isinstance(claim, dict) else {}


def is_foreign(claim: dict[str, Any], *, cluster_id: str, namespace: str) -> bool:
    """Whether a claim is that of another cluster or Ark namespace; False for none."""
    return bool(claim) and (claim.get("clusterID"), claim.get("namespace")) != (cluster_id, namespace)


def _bounded(failures: list[str]) -> list[str]:
    more = len(failures) - MAX_FAILURES
    return failures[:MAX_FAILURES] + ([f"and {more} more objects could not be deleted"] if more > 0 else [])
