"""Taking a backup's or restore's data out of the bucket, so that a removal that dies halfway can be taken up again.

First the name is claimed, then the metadata goes: from there on the backup exists for nobody, and nobody can take its
name before the last of it, the claim, is gone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
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

    The metadata is written last, so its lock is the last to end.
    """
    found = stored.find(bucket, name)
    return bucket.lock(found.key) if found else None


def remove_backup(bucket: Bucket, backup: dict[str, Any], *, cluster_id: str,
                  forget: Callable[[str], list[str]]) -> list[str]:
    """Delete all that is stored of a Backup; sentences about what could not be, [] if all is gone.

    What lies under its name but belongs to another backup is left alone. forget: removes what the backup has outside of
    its directory, which it is given, and says what could not be; the directory is kept then, for it tells what that is.
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
        bucket.put(directory + layout.CLAIM, documents.claim(
            uid=uid, cluster_id=cluster_id, namespace=backup["metadata"]["namespace"],
            moment=times.format_time(times.now())), only_if_absent=True)
        bucket.delete(found.key)
    if undone := forget(directory):
        return _bounded(undone)
    failures = list(_emptied(bucket, directory, but=layout.CLAIM))
    if not failures:
        bucket.delete(directory + layout.CLAIM)
    return _bounded(failures)


def _claimed(bucket: Bucket, name: str, uid: str) -> str | None:
    """The directory whose claim says that it is this Backup's, also at the root, where Ark 0.9 had it; else None."""
    for directory in (layout.backup_directory(name), layout.backup_directory(name).removeprefix(layout.BACKUPS)):
        if read_claim(bucket, directory).get("uid") == uid:
            return directory
    return None


def remove_restore(bucket: Bucket, name: str) -> list[str]:
    """Delete all that is stored of a Restore; sentences about what could not be."""
    return _bounded(list(_emptied(bucket, layout.restore_directory(name))))


def _emptied(bucket: Bucket, directory: str, *, but: str = "") -> Iterator[str]:
    """Delete everything under a directory but one file; what could not be."""
    try:
        bucket.abort_uploads(directory)
        for key in bucket.keys(directory):
            if but and key == directory + but:
                continue
            try:
                bucket.delete(key)
            except errors.StoreError as failure:
                yield failure.sentence
    except errors.StoreError as failure:  # what is under it cannot be seen
        yield failure.sentence


def read_claim(bucket: Bucket, directory: str) -> dict[str, Any]:
    """Who is writing or deleting in a backup's directory: uid, clusterID, namespace, time; {} if nobody says."""
    try:
        claim = json.loads(bucket.get(directory + layout.CLAIM, limit=MAX_CLAIM))
    except (errors.KeyMissing, errors.Damaged, ValueError):
        return {}
    return claim if isinstance(claim, dict) else {}


def _bounded(failures: list[str]) -> list[str]:
    more = len(failures) - MAX_FAILURES
    return failures[:MAX_FAILURES] + ([f"and {more} more objects could not be deleted"] if more > 0 else [])
