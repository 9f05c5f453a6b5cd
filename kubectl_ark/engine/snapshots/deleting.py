"""Snapshots deleted at their storage: a content that owns one is made for that, and deleted.

Each step can be taken again: the content's name follows from the snapshot, one that is being deleted is waited for, and
to delete what is gone is no error for a driver.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.snapshots import detaching
from kubectl_ark.kube.api import Api
from kubectl_ark.model import snapshots
from kubectl_ark.model.resources import CONTENTS, SNAPSHOT_CLASSES
from kubectl_ark.model.snapshots import Snapshot

AT_ONCE = 8
LOOK_SECONDS = 0.5

KNOWN_SECONDS = 30.0
"""How long the driver's csi-snapshotter may take to look at a content: until it has, there may be none."""

GONE_SECONDS = 60.0
"""How long deleting one may take; what takes longer goes on, and is looked at again by the next try."""

Object = dict[str, Any]


def delete(account: Callable[[], Api], backup: Object, taken: Iterable[Snapshot]) -> list[str]:
    """Delete the snapshots of a backup; sentences about those that are not deleted yet.

    account: the API as ark-volumes. Raises Unreachable, Interrupted.
    """
    def one(snapshot: Snapshot) -> str:
        try:
            _delete(account, backup, snapshot)
        except errors.Unreachable:
            raise
        except errors.NotFound:
            reason = "this cluster serves no snapshot.storage.k8s.io"
        except (errors.SnapshotFailed, errors.ApiError) as failure:
            reason = failure.sentence
        else:
            return ""
        return (f"snapshot {snapshot.handle} of persistentvolumeclaim {snapshot.namespace}/{snapshot.claim} is not "
                f"deleted: {reason}")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [sentence for sentence in pool.map(one, taken) if sentence]


def _delete(account: Callable[[], Api], backup: Object, snapshot: Snapshot) -> None:
    api = account()
    wanted = snapshots.to_delete(backup, snapshot, _class(api, snapshot))
    path = CONTENTS.path(None, wanted["metadata"]["name"])
    try:
        content = api.create(CONTENTS.path(), wanted)
    except errors.Conflict:
        content = api.get(path)
    if not content["metadata"].get("deletionTimestamp"):
        if not _until(lambda: _is_known(api, path), KNOWN_SECONDS):
            detaching.withdraw(api, content)
            raise errors.SnapshotFailed(f"no csi-snapshotter of driver {snapshot.driver} answers in this cluster")
        api.delete(path, uid=content["metadata"]["uid"])
    if not _until(lambda: _get(api, path) is None, GONE_SECONDS):
        words = snapshots.words(_get(api, path) or {})
        raise errors.SnapshotFailed(words or f"driver {snapshot.driver} has not done it within {GONE_SECONDS:g} s")


def _class(api: Api, snapshot: Snapshot) -> Object | None:
    """The class that the snapshot was taken with, if it is still there; it knows the driver's secrets."""
    try:
        found = api.get(SNAPSHOT_CLASSES.path(None, snapshot.snapshot_class)) if snapshot.snapshot_class else None
    except errors.NotFound:
        return None
    return found if found and found.get("driver") == snapshot.driver else None


def _get(api: Api, path: str) -> Object | None:
    try:
        return api.get(path)
    except errors.NotFound:
        return None


def _is_known(api: Api, path: str) -> bool:
    """Whether the csi-snapshotter has looked at a content; that it did not find the snapshot counts too."""
    content = _get(api, path)
    return content is None or bool(content.get("status"))


def _until(is_so: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True
