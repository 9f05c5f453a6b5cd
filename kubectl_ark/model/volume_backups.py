"""PodVolumeBackups: how they are named and made, and what stands of them in the bucket (ark-format.md §2.5, §2.8)."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from typing import Any

from kubectl_ark.model import kinds, labels, names, volume_work

RESTIC = "restic"
METHOD = "PodVolumeBackup"
"""How volumeinfo calls what restic saved."""

VELERO_PVC_NAME = f"{labels.VELERO_GROUP}/pvc-name"
ENDED = frozenset({volume_work.COMPLETED, volume_work.FAILED, volume_work.CANCELED})

_OWN_STATUS = ("job", "heartbeatTimestamp", "failures", "filesNew", "filesChanged", "filesTotal", "bytesAdded",
               "durationSeconds", "resticVersion")
"""Velero's schema has none of these."""


def resource(
    backup: Mapping[str, Any], pod: Mapping[str, Any], volume: str, *, claim: Mapping[str, Any] | None, location: str,
    identifier: str,
) -> dict[str, Any]:
    """The PodVolumeBackup of one volume of a pod. claim: the PersistentVolumeClaim, None for a volume of another kind.

    Its name follows from the backup, the pod and the volume, so that an attempt finds what the former one made.
    identifier: of the repository.
    """
    ours, theirs = backup["metadata"], pod["metadata"]
    digest = hashlib.sha256(f"{theirs['namespace']}/{theirs['name']}/{volume}".encode()).hexdigest()[:10]
    marks = {labels.BACKUP_NAME: labels.label_value(ours["name"]), labels.BACKUP_UID: ours["uid"]}
    notes = {}
    if claim is not None:
        marks[labels.PVC_UID] = claim["metadata"]["uid"]
        notes[labels.PVC_NAME] = claim["metadata"]["name"]
    return {
        "apiVersion": kinds.API_VERSION, "kind": kinds.POD_VOLUME_BACKUP.kind,
        "metadata": {
            "name": names.with_tail(ours["name"], digest), "namespace": ours["namespace"], "labels": marks,
            "annotations": notes, "ownerReferences": [{
                "apiVersion": kinds.API_VERSION, "kind": kinds.BACKUP.kind, "name": ours["name"], "uid": ours["uid"],
                "controller": True}]},
        "spec": {
            "node": (pod.get("spec") or {}).get("nodeName") or "",
            "pod": {"kind": "Pod", "namespace": theirs["namespace"], "name": theirs["name"],
                    "uid": theirs.get("uid", "")},
            "volume": volume, "backupStorageLocation": location, "repoIdentifier": identifier, "uploaderType": RESTIC,
            "tags": tags(backup, pod, volume, claim=claim)}}


def tags(
    backup: Mapping[str, Any], pod: Mapping[str, Any], volume: str, *, claim: Mapping[str, Any] | None,
) -> dict[str, str]:
    """The snapshot's tags, which are Velero's: by them it is found even if every other record is lost."""
    ours, theirs = backup["metadata"], pod["metadata"]
    found = {"backup": ours["name"], "backup-uid": ours["uid"], "pod": theirs["name"],
             "pod-uid": theirs.get("uid", ""), "ns": theirs["namespace"], "volume": volume}
    if claim is not None:
        found["pvc-uid"] = claim["metadata"]["uid"]
    return found


def is_saved(volume: Mapping[str, Any]) -> bool:
    """Whether an earlier attempt of the run has come to an end with it that another need not look for again.

    What it saved lay between its pod's hooks, as what is saved now would.
    """
    status = volume.get("status") or {}
    return status.get("phase") == "Completed" or status.get("phase") in ENDED and bool(status.get("snapshotID"))


def claim_name(volume: Mapping[str, Any]) -> str | None:
    """The claim that a PodVolumeBackup, ours or Velero's, saved; None for a volume of another kind."""
    notes = (volume.get("metadata") or {}).get("annotations") or {}
    return notes.get(labels.PVC_NAME) or notes.get(VELERO_PVC_NAME)


def stored(volume: Mapping[str, Any]) -> dict[str, Any]:
    """A PodVolumeBackup as it stands in the bucket: in Velero's group, with Velero's labels."""
    result = copy.deepcopy(dict(volume))
    result["apiVersion"] = f"{labels.VELERO_GROUP}/v1"
    result["kind"] = kinds.POD_VOLUME_BACKUP.kind
    metadata = result["metadata"]
    for field in ("managedFields", "ownerReferences", "resourceVersion"):
        metadata.pop(field, None)
    for part in ("labels", "annotations"):
        metadata[part] = {key.replace(f"{labels.GROUP}/", f"{labels.VELERO_GROUP}/"): value
                          for key, value in (metadata.get(part) or {}).items()}
    for field in _OWN_STATUS:
        result.get("status", {}).pop(field, None)
    return result


def info(volume: Mapping[str, Any], persistent: Mapping[str, Any] | None) -> dict[str, Any]:
    """The record of volumeinfo.json. persistent: the PersistentVolume behind the claim, as far as it is known."""
    spec, status = volume["spec"], volume.get("status") or {}
    pvb = {"snapshotHandle": status.get("snapshotID"), "size": (status.get("progress") or {}).get("totalBytes"),
           "incrementalSize": status.get("bytesAdded"), "uploaderType": spec.get("uploaderType"),
           "volumeName": spec["volume"], "podName": spec["pod"]["name"], "podNamespace": spec["pod"]["namespace"],
           "nodeName": spec.get("node"), "Phase": status.get("phase")}
    record: dict[str, Any] = {
        "backupMethod": METHOD, "snapshotDataMoved": False, "preserveLocalSnapshot": False, "skipped": False,
        "startTimestamp": status.get("startTimestamp"), "completionTimestamp": status.get("completionTimestamp"),
        "result": "succeeded" if status.get("phase") == "Completed" else "failed",
        "pvbInfo": {key: value for key, value in pvb.items() if value is not None}}
    if claim := claim_name(volume):
        record |= {"pvcName": claim, "pvcNamespace": spec["pod"]["namespace"]}
    if persistent is not None:
        own = persistent.get("spec") or {}
        record |= {"pvName": persistent["metadata"]["name"], "pvInfo": {
            "reclaimPolicy": own.get("persistentVolumeReclaimPolicy"),
            "labels": persistent["metadata"].get("labels")}}
    return {key: value for key, value in record.items() if value is not None}


def synced(stored: Mapping[str, Any], backup: Mapping[str, Any], *, location: str) -> dict[str, Any]:
    """The PodVolumeBackup to create for one that stands in the bucket, without its status. backup: the CR it is of."""
    metadata, ours = stored["metadata"], backup["metadata"]
    marks, notes = ({key.replace(f"{labels.VELERO_GROUP}/", f"{labels.GROUP}/"): value
                     for key, value in (metadata.get(part) or {}).items()} for part in ("labels", "annotations"))
    marks |= {labels.BACKUP_NAME: labels.label_value(ours["name"]), labels.BACKUP_UID: ours["uid"]}
    return {
        "apiVersion": kinds.API_VERSION, "kind": kinds.POD_VOLUME_BACKUP.kind,
        "metadata": {
            "name": metadata["name"], "namespace": ours["namespace"], "labels": marks,
            "annotations": {**notes, labels.SYNCED: "true"}, "ownerReferences": [{
                "apiVersion": kinds.API_VERSION, "kind": kinds.BACKUP.kind, "name": ours["name"], "uid": ours["uid"],
                "controller": True}]},
        "spec": {**stored["spec"], "backupStorageLocation": location}}


def is_of(volume: Mapping[str, Any], backup: Mapping[str, Any]) -> bool:
    """Whether a PodVolumeBackup belongs to this very Backup."""
    return any(each.get("uid") == backup["metadata"]["uid"]
               for each in volume["metadata"].get("ownerReferences") or ())
