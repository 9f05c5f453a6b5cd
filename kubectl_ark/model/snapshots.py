"""VolumeSnapshots and their contents: how ours are called and made, and what they say (ark-format.md §2.8, §7)."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

from kubectl_ark.model import labels, names, quantities
from kubectl_ark.model.resources import CONTENTS, SNAPSHOTS

Object = dict[str, Any]

METHOD = "CSISnapshot"
"""How volumeinfo calls it."""

RETAIN, DELETE = "Retain", "Delete"
"""Deletion policies of a content: whether the snapshot at the storage stays or goes with it."""

PROTECTION = "snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection"
"""Finalizer of a content, which the csi-snapshotter takes off once it has done what the deletion policy says."""

BEING_CREATED = "snapshot.storage.kubernetes.io/volumesnapshot-being-created"
"""Annotation of a content whose snapshot the csi-snapshotter has begun to take."""

API_GROUP = SNAPSHOTS.group
_SECRET = tuple((f"csi.storage.k8s.io/snapshotter-secret-{part}",
                 f"snapshot.storage.kubernetes.io/deletion-secret-{part}") for part in ("name", "namespace"))
"""Parameters of a class, and the annotations of a content that are made from them."""


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """The snapshot of one claim, as a backup holds it.

    handle: the storage's own name of it, "" if there is none; message: why. volume: the PersistentVolume. size: bytes
    that a volume made from it needs, 0 if that is not known. content: the VolumeSnapshotContent that it had.
    """

    namespace: str
    claim: str
    driver: str
    handle: str = ""
    size: int = 0
    snapshot_class: str = ""
    volume: str = ""
    content: str = ""
    started: str = ""
    ended: str = ""
    message: str = ""


def info(snapshot: Snapshot, persistent: Mapping[str, Any] | None) -> Object:
    """The record of a backup's volumeinfo.json. persistent: the PersistentVolume, None if it is not in the backup."""
    done = bool(snapshot.handle)
    record: Object = {
        "pvcName": snapshot.claim, "pvcNamespace": snapshot.namespace, "pvName": snapshot.volume or None,
        "backupMethod": METHOD, "snapshotDataMoved": False, "preserveLocalSnapshot": True, "skipped": False,
        "startTimestamp": snapshot.started or None, "completionTimestamp": snapshot.ended or None,
        "result": "succeeded" if done else "failed", "message": snapshot.message or None,
        "csiSnapshotInfo": told(snapshot)}
    if persistent is not None:
        own = persistent.get("spec") or {}
        record["pvInfo"] = {"reclaimPolicy": own.get("persistentVolumeReclaimPolicy"),
                            "labels": persistent["metadata"].get("labels")}
    return {key: value for key, value in record.items() if value is not None}


def told(snapshot: Snapshot) -> Object:
    """The part of a record that is about the snapshot itself; snapshotClass is ours, Velero passes over it."""
    return {"snapshotHandle": snapshot.handle, "size": snapshot.size, "driver": snapshot.driver,
            "vscName": snapshot.content, "snapshotClass": snapshot.snapshot_class, "ReadyToUse": bool(snapshot.handle)}


def of_info(record: Mapping[str, Any]) -> Snapshot:
    """From a record of volumeinfo.json, ours or Velero's; what makes no sense is as if it were not there."""
    found, message = record.get("csiSnapshotInfo") or {}, str(record.get("message") or "")
    handle, size = found.get("snapshotHandle"), found.get("size")
    if record.get("snapshotDataMoved"):
        handle, message = "", "Velero's data mover has its data, which only Velero reads"
    return Snapshot(
        str(record.get("pvcNamespace") or ""), str(record.get("pvcName") or ""), str(found.get("driver") or ""),
        handle=str(handle or ""), size=size if isinstance(size, int) else 0,
        snapshot_class=str(found.get("snapshotClass") or ""), volume=str(record.get("pvName") or ""), message=message)


def of_contents(taken: Mapping[str, Any], content: Mapping[str, Any] | None) -> Snapshot:
    """From a stored VolumeSnapshot of a claim and its content, as Velero before 1.13 kept them."""
    spec, status = (content or {}).get("spec") or {}, (content or {}).get("status") or {}
    size = status.get("restoreSize")
    return Snapshot(
        str(taken["metadata"].get("namespace") or ""), str(taken["spec"]["source"]["persistentVolumeClaimName"]),
        str(spec.get("driver") or ""), handle=str(status.get("snapshotHandle") or ""),
        size=size if isinstance(size, int) else 0, snapshot_class=str(spec.get("volumeSnapshotClassName") or ""))


def to_take(backup: Mapping[str, Any], claim: Mapping[str, Any], snapshot_class: str, *, attempt: int) -> Object:
    """The VolumeSnapshot of a claim. Its name follows from backup, claim and attempt.

    attempt: another one takes another snapshot; 1 for one that any attempt may go on with.
    """
    ours, theirs = backup["metadata"], claim["metadata"]
    name = _name(ours["name"], f"{ours['uid']}/{theirs['uid']}") + (f"-{attempt}" if attempt > 1 else "")
    return {
        "apiVersion": SNAPSHOTS.api_version, "kind": SNAPSHOTS.kind,
        "metadata": {"name": name, "namespace": theirs["namespace"], "labels": marks_of_backup(backup),
                     "annotations": {labels.PVC_NAME: theirs["name"]}},
        "spec": {"volumeSnapshotClassName": snapshot_class, "source": {"persistentVolumeClaimName": theirs["name"]}}}


def marks_of_backup(backup: Mapping[str, Any]) -> dict[str, str]:
    """Labels of what a backup makes."""
    metadata = backup["metadata"]
    return {**_marks(metadata), labels.BACKUP_NAME: labels.label_value(metadata["name"]),
            labels.BACKUP_UID: metadata["uid"]}


def to_restore(
    restore: Mapping[str, Any], snapshot: Snapshot, *, namespace: str, claim: str, snapshot_class: str, block: bool,
) -> tuple[Object, Object]:
    """The content of a snapshot that was taken before, and the VolumeSnapshot that a claim is made from.

    namespace, claim: as it comes back. snapshot_class: "" for none. block: whether it is of a device.
    """
    ours = restore["metadata"]
    name = _name(ours["name"], f"{ours['uid']}/{namespace}/{claim}")
    metadata: Object = {"name": name, "annotations": {labels.PVC_NAME: claim}, "labels": {
        **_marks(ours), labels.RESTORE_NAME: labels.label_value(ours["name"]), labels.RESTORE_UID: ours["uid"]}}
    content = _content(metadata, snapshot, policy=RETAIN, snapshot_class=snapshot_class,
                       reference={"namespace": namespace, "name": name})
    content["spec"]["sourceVolumeMode"] = "Block" if block else "Filesystem"
    return content, {
        "apiVersion": SNAPSHOTS.api_version, "kind": SNAPSHOTS.kind, "metadata": {**metadata, "namespace": namespace},
        "spec": {"source": {"volumeSnapshotContentName": name}}}


def to_delete(backup: Mapping[str, Any], snapshot: Snapshot, snapshot_class: Mapping[str, Any] | None) -> Object:
    """The content by which a snapshot is deleted. snapshot_class: the object, None if it is not there any more.

    It comes with its finalizer, so that it cannot go before the snapshot has.
    """
    ours = backup["metadata"]
    name = _name("delete", f"{ours['uid']}/{snapshot.driver}/{snapshot.handle}")
    parameters = (snapshot_class or {}).get("parameters") or {}
    notes = {note: parameters[key] for key, note in _SECRET if parameters.get(key) and "$" not in parameters[key]}
    metadata = {"name": name, "labels": marks_of_backup(backup), "finalizers": [PROTECTION],
                "annotations": notes if len(notes) == len(_SECRET) else {}}
    # Nobody has a VolumeSnapshot of that name: the content stays unbound, and its owner is this deletion alone.
    return _content(metadata, snapshot, policy=DELETE, reference={"namespace": ours["namespace"], "name": name},
                    snapshot_class=snapshot.snapshot_class if snapshot_class is not None else "")


def is_taken(snapshot: Mapping[str, Any]) -> bool:
    """Whether a VolumeSnapshot holds its moment: what is written to the volume now is not in it."""
    status = snapshot.get("status") or {}
    return bool(status.get("creationTime")) or is_ready(snapshot)


def is_ready(snapshot: Mapping[str, Any]) -> bool:
    """Whether a volume can be made from a VolumeSnapshot."""
    status = snapshot.get("status") or {}
    return status.get("readyToUse") is True and bool(status.get("boundVolumeSnapshotContentName"))


def is_untouched(content: Mapping[str, Any]) -> bool:
    """Whether no csi-snapshotter has begun to take the snapshot of a content: before it does it leaves a mark."""
    return not content.get("status") and BEING_CREATED not in (content["metadata"].get("annotations") or {})


def words(thing: Mapping[str, Any]) -> str:
    """What the driver or a controller has to say against a VolumeSnapshot or a content; "" for nothing."""
    return " ".join(str(((thing.get("status") or {}).get("error") or {}).get("message") or "").split())


def content_name(snapshot: Mapping[str, Any]) -> str:
    """The content that a VolumeSnapshot is bound to; "" for none yet."""
    return str((snapshot.get("status") or {}).get("boundVolumeSnapshotContentName") or "")


def enlarged(claim: Object, size: int) -> None:
    """Let a claim ask for ``size`` bytes at least. In place."""
    requests = claim["spec"].setdefault("resources", {}).setdefault("requests", {})
    if quantities.parse(str(requests.get("storage") or "0")) < size:
        requests["storage"] = str(size)


def _content(metadata: Object, snapshot: Snapshot, *, policy: str, reference: Object, snapshot_class: str) -> Object:
    return {
        "apiVersion": CONTENTS.api_version, "kind": CONTENTS.kind, "metadata": metadata,
        "spec": {"driver": snapshot.driver, "deletionPolicy": policy, "source": {"snapshotHandle": snapshot.handle},
                 "volumeSnapshotRef": {"apiVersion": SNAPSHOTS.api_version, "kind": SNAPSHOTS.kind, **reference},
                 **({"volumeSnapshotClassName": snapshot_class} if snapshot_class else {})}}


def _marks(metadata: Mapping[str, Any]) -> dict[str, str]:
    return {labels.MANAGED_BY: labels.MANAGER, labels.INSTALLATION: metadata["namespace"],
            labels.EXCLUDE_FROM_BACKUP[0]: "true"}


def _name(run: str, subject: str) -> str:
    return names.with_tail(f"ark-{run}"[:200], hashlib.sha256(subject.encode()).hexdigest()[:16])
