"""VolumeSnapshots taken away: without what lies at the storage, or with it."""

from __future__ import annotations

import contextlib
from collections.abc import Container
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.kube.pages import items
from kubectl_ark.model import labels, snapshots
from kubectl_ark.model.resources import CONTENTS, SNAPSHOTS

Object = dict[str, Any]


def release(api: Api, snapshot: Object) -> None:
    """Take the objects of a VolumeSnapshot away; the snapshot at the storage stays. Raises ApiError."""
    content = _content(api, snapshot)
    if content is not None:
        if content["spec"].get("deletionPolicy") != snapshots.RETAIN:
            _policy(api, content, snapshots.RETAIN)
    _delete(api, snapshot)
    if content is not None and snapshots.is_untouched(content):
        withdraw(api, content)
    elif content is not None:
        api.delete(CONTENTS.path(None, content["metadata"]["name"]), uid=content["metadata"]["uid"])


def discard(api: Api, snapshot: Object) -> None:
    """Take a VolumeSnapshot away with what lies at the storage. Raises ApiError."""
    content = _content(api, snapshot)
    if content is not None and snapshots.is_untouched(content) and _abandoned(api, snapshot, content):
        return
    if content is not None and content["spec"].get("deletionPolicy") != snapshots.DELETE:
        _policy(api, content, snapshots.DELETE)
    _delete(api, snapshot)


def withdraw(api: Api, content: Object) -> None:
    """Take away a content that no csi-snapshotter heeds, with the finalizer that none would take off. Raises ApiError.

    Else it would stay for ever, and with it the VolumeSnapshot and the namespace of that.
    """
    path = CONTENTS.path(None, content["metadata"]["name"])
    if api.delete(path, uid=content["metadata"]["uid"]):
        with contextlib.suppress(errors.NotFound):
            api.patch_merge(path, {"metadata": {"uid": content["metadata"]["uid"], "finalizers": None}})


def keep(api: Api, content: Object, marks: dict[str, str]) -> None:
    """Let what lies at the storage outlive its objects. marks: labels for the content. Raises ApiError."""
    api.patch_merge(CONTENTS.path(None, content["metadata"]["name"]), {
        "metadata": {"uid": content["metadata"]["uid"], "labels": marks},
        "spec": {"deletionPolicy": snapshots.RETAIN}})


def release_all(api: Api, label_selector: str, *, kept: Container[str] | None = None) -> list[str]:
    """Take away the objects of a backup that is stored; the names of the VolumeSnapshots.

    kept: contents whose snapshots stay at the storage, None for those that ``keep`` was called for; the others, which
    an attempt took and did not use, go wholly. Raises ApiError.
    """
    names = []
    for snapshot in list(items(api, SNAPSHOTS, label_selector=label_selector)):
        content = _content(api, snapshot)
        stays = content is not None and (_is_kept(content) if kept is None else content["metadata"]["name"] in kept)
        (release if stays else discard)(api, snapshot)
        names.append(f"{snapshot['metadata']['namespace']}/{snapshot['metadata']['name']}")
    for content in list(items(api, CONTENTS, label_selector=label_selector)):
        if _is_kept(content):  # its VolumeSnapshot went with its namespace, perhaps
            api.delete(CONTENTS.path(None, content["metadata"]["name"]), uid=content["metadata"]["uid"])
    return names


def discard_all(api: Api, label_selector: str) -> list[str]:
    """Take away all that a backup made which came to nothing, with what lies at the storage; the names of the
    VolumeSnapshots. Raises ApiError."""
    names = []
    for snapshot in list(items(api, SNAPSHOTS, label_selector=label_selector)):
        discard(api, snapshot)
        names.append(f"{snapshot['metadata']['namespace']}/{snapshot['metadata']['name']}")
    for content in list(items(api, CONTENTS, label_selector=label_selector)):
        if _is_kept(content):
            _policy(api, content, snapshots.DELETE)
            api.delete(CONTENTS.path(None, content["metadata"]["name"]), uid=content["metadata"]["uid"])
    return names


def _is_kept(content: Object) -> bool:
    """Whether ``keep`` was called for it: it bears the labels of a backup then."""
    marks = content["metadata"].get("labels") or {}
    return content["spec"].get("deletionPolicy") == snapshots.RETAIN and labels.BACKUP_UID in marks


def _abandoned(api: Api, snapshot: Object, content: Object) -> bool:
    """Take both away if nobody has begun to take the snapshot; False if somebody has by now."""
    metadata = content["metadata"]
    try:
        api.patch_merge(CONTENTS.path(None, metadata["name"]), {
            "metadata": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
            "spec": {"deletionPolicy": snapshots.RETAIN}})
    except errors.Conflict:
        return False
    _delete(api, snapshot)
    withdraw(api, content)
    return True


def _content(api: Api, snapshot: Object) -> Object | None:
    """The content that the VolumeSnapshot is bound to, if it is its own."""
    name = snapshots.content_name(snapshot) or (snapshot["spec"].get("source") or {}).get("volumeSnapshotContentName")
    if not name:
        return None
    try:
        content = api.get(CONTENTS.path(None, name))
    except errors.NotFound:
        return None
    reference, metadata = content["spec"].get("volumeSnapshotRef") or {}, snapshot["metadata"]
    own = (reference.get("namespace"), reference.get("name")) == (metadata["namespace"], metadata["name"])
    return content if own and reference.get("uid") in (None, "", metadata["uid"]) else None


def _policy(api: Api, content: Object, policy: str) -> None:
    api.patch_merge(CONTENTS.path(None, content["metadata"]["name"]), {
        "metadata": {"uid": content["metadata"]["uid"]}, "spec": {"deletionPolicy": policy}})


def _delete(api: Api, snapshot: Object) -> None:
    metadata = snapshot["metadata"]
    api.delete(SNAPSHOTS.path(metadata["namespace"], metadata["name"]), uid=metadata["uid"])
