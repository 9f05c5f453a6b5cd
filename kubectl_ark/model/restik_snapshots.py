"""The PodVolumeBackup of one snapshot that a Restik's run takes, and the sentence about what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from kubectl_ark.model import kinds, labels, names, volume_backups
from kubectl_ark.model.volume_work import COMPLETED

Object = Mapping[str, Any]


def resource(
    restik: Object, pod: Object, claim: Object, *, namespace: str, owner: Object, location: str, identifier: str,
    tags: Sequence[str],
) -> dict[str, Any]:
    """The PodVolumeBackup, in Ark's namespace; it goes with the run's Job.

    Its name follows from the Job and the pod, so that an attempt finds what the former one made. namespace: Ark's.
    owner: reference to the Job. identifier: of the repository.
    """
    theirs, volume = pod["metadata"], (restik.get("spec") or {})["source"]["volumeName"]
    digest = hashlib.sha256(f"{theirs['namespace']}/{theirs['name']}/{theirs.get('uid')}".encode()).hexdigest()[:10]
    return {
        "apiVersion": kinds.API_VERSION, "kind": kinds.POD_VOLUME_BACKUP.kind,
        "metadata": {
            "name": names.with_tail(str(owner["name"]), digest), "namespace": namespace,
            "labels": {labels.MANAGED_BY: labels.MANAGER, labels.PVC_UID: claim["metadata"]["uid"],
                       labels.RUN_KIND: kinds.RESTIK.singular, labels.RUN_UID: restik["metadata"]["uid"]},
            "annotations": {
                labels.PVC_NAME: claim["metadata"]["name"],
                labels.RESTIK: f"{restik['metadata']['namespace']}/{restik['metadata']['name']}"},
            "ownerReferences": [dict(owner)]},
        "spec": {
            "node": (pod.get("spec") or {}).get("nodeName") or "",
            "pod": {"kind": "Pod", "namespace": theirs["namespace"], "name": theirs["name"],
                    "uid": theirs.get("uid", "")},
            "volume": volume, "backupStorageLocation": location, "repoIdentifier": identifier,
            "uploaderType": volume_backups.RESTIC,
            "tags": {key: value for key, equals, value in (tag.partition("=") for tag in tags) if equals}}}


def is_good(volume: Object) -> bool:
    """Whether the snapshot is whole. volume: the PodVolumeBackup."""
    return (volume.get("status") or {}).get("phase") == COMPLETED


def is_over(volume: Object) -> bool:
    """Whether nothing more will come of it."""
    return (volume.get("status") or {}).get("phase") in volume_backups.ENDED


def said(volume: Object) -> str:
    """What came of it, as half a sentence."""
    status = volume.get("status") or {}
    if not is_good(volume):
        return str(status.get("message") or "no reason is known")
    return str(status.get("message") or (
        f"snapshot {str(status.get('snapshotID'))[:8]}, {status.get('filesTotal', 0)} files, "
        f"{int(status.get('bytesAdded') or 0) >> 10} KiB added in {status.get('durationSeconds', 0)} s"))
