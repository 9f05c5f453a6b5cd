"""What a backup holds of a volume's data, and the PodVolumeRestore that brings it back."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from kubectl_ark.model import kinds, labels, layout, names, volume_backups

Object = dict[str, Any]

OLD_PREFIXES = (f"snapshot.{labels.GROUP}", f"snapshot.{labels.VELERO_GROUP}")
"""Of a pod's annotations: "snapshot.ark.heptio.com/<volume>: <id>" (ark-format.md §4)."""

METHOD = "PodVolumeRestore"
"""How a restore's volumeinfo calls it."""


@dataclasses.dataclass(frozen=True)
class Saved:
    """What one PodVolumeBackup, ours, Velero's or Ark's, says of its data.

    snapshot: restic's id, "" where there is none. namespace: of the pod, after which the repository is named.
    uploader: "restic" or "kopia". message: what the backup had to say of it.
    """

    namespace: str
    pod: str
    volume: str
    snapshot: str
    uploader: str
    phase: str
    message: str = ""
    identifier: str = ""
    bytes: int = 0
    repository: str = ""
    """Where the repository lies, if it is another than that of the namespace: "plugins/restik/shop/db/"."""

    @property
    def directory(self) -> str:
        """Where the repository lies: "restic/shop/"."""
        return self.repository or layout.repository(self.namespace)

    @property
    def problem(self) -> str:
        """Why the data cannot come back, as half a sentence; "" if it can, or if the volume was empty."""
        if self.uploader != volume_backups.RESTIC:
            return (f"its data was saved by {self.uploader}, which only Velero reads: bring it back with Velero")
        if not self.snapshot and self.phase not in ("Completed", ""):
            return f"the backup has no data of it: {self.message or f'saving it was {self.phase}'}"
        return ""

    @property
    def remark(self) -> str:
        """What is to be known of data that comes back; "" for nothing."""
        if self.snapshot and self.phase == "Failed":
            return f"the backup has it in part only: {self.message}"
        return ""


def saved_of(volume: Mapping[str, Any]) -> Saved:
    """From an entry of podvolumebackups.json. Old ones say nothing of the uploader, which is restic then."""
    spec, status = volume.get("spec") or {}, volume.get("status") or {}
    pod = spec.get("pod") or {}
    return Saved(
        str(pod.get("namespace") or ""), str(pod.get("name") or ""), str(spec.get("volume") or ""),
        str(status.get("snapshotID") or ""), str(spec.get("uploaderType") or volume_backups.RESTIC),
        str(status.get("phase") or ""), str(status.get("message") or ""), str(spec.get("repoIdentifier") or ""),
        int((status.get("progress") or {}).get("totalBytes") or 0))


def saved_by_pod(pod: Mapping[str, Any]) -> Iterator[tuple[Saved, str]]:
    """What stands on a pod of a backup by Heptio Ark or an early Velero, each with the claim whose data it is."""
    metadata = pod["metadata"]
    for key, snapshot in (metadata.get("annotations") or {}).items():
        prefix, _, volume = key.partition("/")
        if prefix not in OLD_PREFIXES or not snapshot:
            continue
        for entry in (pod.get("spec") or {}).get("volumes") or ():
            if entry.get("name") == volume and (claim := entry.get("persistentVolumeClaim")):
                yield Saved(metadata["namespace"], metadata["name"], volume, str(snapshot), volume_backups.RESTIC,
                            "Completed"), claim["claimName"]


def resource(restore: Mapping[str, Any], saved: Saved, *, namespace: str, claim: str, location: str) -> Object:
    """The PodVolumeRestore of one claim; its name follows from the restore and the claim. namespace: of the claim."""
    metadata = restore["metadata"]
    digest = hashlib.sha256(f"{namespace}/{claim}".encode()).hexdigest()[:10]
    return {
        "apiVersion": kinds.API_VERSION, "kind": kinds.POD_VOLUME_RESTORE.kind,
        "metadata": {
            "name": names.with_tail(metadata["name"], digest), "namespace": metadata["namespace"],
            "labels": {labels.RESTORE_NAME: labels.label_value(metadata["name"]),
                       labels.RESTORE_UID: metadata["uid"]},
            "annotations": {labels.PVC_NAME: claim},
            "ownerReferences": [{"apiVersion": kinds.API_VERSION, "kind": kinds.RESTORE.kind, "name": metadata["name"],
                                 "uid": metadata["uid"], "controller": True}]},
        "spec": {
            "pod": {"kind": "Pod", "namespace": namespace, "name": saved.pod}, "volume": saved.volume,
            "backupStorageLocation": location, "repoIdentifier": saved.identifier, "uploaderType": saved.uploader,
            "snapshotID": saved.snapshot, "sourceNamespace": saved.namespace,
            **({"snapshotSize": saved.bytes} if saved.bytes else {})}}


def info(volume: Mapping[str, Any]) -> Object:
    """The record of a restore's volumeinfo.json (ark-format.md §2.8). volume: the PodVolumeRestore."""
    spec, status, notes = volume["spec"], volume.get("status") or {}, volume["metadata"].get("annotations") or {}
    told = {"snapshotHandle": spec["snapshotID"], "size": (status.get("progress") or {}).get("totalBytes"),
            "uploaderType": spec["uploaderType"], "volumeName": spec["volume"], "podName": spec["pod"].get("name"),
            "podNamespace": spec["pod"]["namespace"], "Phase": status.get("phase")}
    return {"pvcName": notes.get(labels.PVC_NAME), "pvcNamespace": spec["pod"]["namespace"],
            "restoreMethod": METHOD, "snapshotDataMoved": False,
            "pvrInfo": {key: value for key, value in told.items() if value is not None}}
