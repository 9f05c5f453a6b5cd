"""How the backup saved each volume's data, by its side files (ark-format.md §2.5, §2.6, §2.8, §9.1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from kubectl_ark import errors
from kubectl_ark.engine.restore.manifest import Manifest
from kubectl_ark.engine.restore.unpack import Gunzip
from kubectl_ark.model import layout, snapshots, volume_backups
from kubectl_ark.model.snapshots import Snapshot
from kubectl_ark.model.volume_restores import Saved, saved_by_pod, saved_of
from kubectl_ark.store.bucket import Bucket

MAX_PLAIN_BYTES = 32 * 1024 * 1024

NATIVE, POD_VOLUME, CSI = "NativeSnapshot", volume_backups.METHOD, snapshots.METHOD


class VolumeData:
    """Which backup method holds a volume's data, if any does."""

    def __init__(self) -> None:
        self.by_volume: dict[str, str] = {}
        self.by_claim: dict[tuple[str, str], str] = {}
        self.saved: dict[tuple[str, str], Saved] = {}
        """What restic (or another) saved of a claim, by (namespace, name)."""
        self.in_pods: list[Saved] = []
        """What was saved of volumes that are no claims, such as emptyDirs."""
        self.is_old = False
        """Nobody listed the volumes: what there is stands on the pods, if anywhere."""
        self.snapshots: dict[str | tuple[str, str], Snapshot] = {}
        """Snapshots by CSI, by the name of the volume, or by the claim where that is not known."""

    def method(self, volume: str, claim: tuple[str, str]) -> str | None:
        """NATIVE, POD_VOLUME, CSI, or None where the backup holds no data of it. claim: (namespace, name)."""
        return self.by_volume.get(volume) or self.by_claim.get(claim)

    def take_pod(self, pod: dict[str, Any]) -> None:
        """What Heptio Ark and the first Veleros wrote onto a pod: annotations with a snapshot for each volume."""
        for saved, claim in saved_by_pod(pod):
            self.saved[saved.namespace, claim] = saved
            self.by_claim[saved.namespace, claim] = POD_VOLUME

    def snapshot(self, volume: str, claim: tuple[str, str]) -> Snapshot | None:
        """The snapshot of a volume or claim whose method is CSI; None if nothing is known of it."""
        return self.snapshots.get(volume) or self.snapshots.get(claim)

    def take(self, volumes: Iterable[dict[str, Any]]) -> None:
        """The entries of podvolumebackups.json."""
        for each in volumes:
            if name := volume_backups.claim_name(each):
                self.saved[(each["spec"].get("pod") or {}).get("namespace", ""), name] = saved_of(each)
            elif (saved := saved_of(each)).snapshot:
                self.in_pods.append(saved)


def fetch(bucket: Bucket, backup: dict[str, Any], manifest: Manifest | None) -> VolumeData:
    """What the backup's volumeinfo says; for a backup without one (Velero before 1.13), what its other files say.

    Raises Damaged where a file is not what the manifest says, StoreError.
    """
    name = backup["metadata"]["name"]
    data = VolumeData()
    pod_volumes = _list(bucket, layout.pod_volume_backups(name), manifest) or ()
    data.take(pod_volumes)
    infos = _list(bucket, layout.volume_info(name), manifest)
    if infos is not None:
        for info in infos:
            method = info.get("backupMethod")
            if method and not info.get("skipped"):
                if method == CSI:
                    data.snapshots[info.get("pvName") or (info.get("pvcNamespace", ""), info.get("pvcName", ""))] = \
                        snapshots.of_info(info)
                if info.get("pvName"):
                    data.by_volume[info["pvName"]] = method
                elif info.get("pvcName"):
                    data.by_claim[info.get("pvcNamespace", ""), info["pvcName"]] = method
        return data
    data.is_old = not data.saved
    for snapshot in _list(bucket, layout.volume_snapshots(name), manifest) or ():
        data.by_volume[(snapshot.get("spec") or {}).get("persistentVolumeName", "")] = NATIVE
    for volume in (backup.get("status") or {}).get("volumeBackups") or {}:  # Heptio Ark 0.9
        data.by_volume[volume] = NATIVE
    for claim, saved in data.saved.items():
        if saved.snapshot:
            data.by_claim[claim] = POD_VOLUME
    contents = {(reference.get("namespace"), reference.get("name")): content
                for content in _list(bucket, layout.csi_volume_snapshot_contents(name), manifest) or ()
                if (reference := (content.get("spec") or {}).get("volumeSnapshotRef") or {})}
    for each in _list(bucket, layout.csi_volume_snapshots(name), manifest) or ():
        source = ((each.get("spec") or {}).get("source") or {}).get("persistentVolumeClaimName")
        if source:
            claim = each["metadata"].get("namespace", ""), source
            data.by_claim[claim] = CSI
            data.snapshots[claim] = snapshots.of_contents(
                each, contents.get((claim[0], each["metadata"].get("name"))))
    return data


def _list(bucket: Bucket, key: str, manifest: Manifest | None) -> list[dict[str, Any]] | None:
    """The JSON list that a side file holds; None where there is no such file."""
    try:
        with bucket.open(key) as stream:
            plain = Gunzip(stream, subject=key, limit=MAX_PLAIN_BYTES)
            content = plain.read(MAX_PLAIN_BYTES)
            digest = plain.finish()
    except errors.KeyMissing:
        if manifest is not None and key in manifest.keys:
            raise errors.Damaged(f"{key} is gone, though the backup wrote it",
                                 hint="nothing was restored; put the object back or use another backup") from None
        return None
    if manifest is not None:
        manifest.check(key, digest)
    try:
        parsed = orjson.loads(content)
    except ValueError as fault:
        raise errors.Damaged(f"{key} is not JSON: {fault}") from fault
    if parsed is not None and not (isinstance(parsed, list) and all(isinstance(each, dict) for each in parsed)):
        raise errors.Damaged(f"{key} is not a list of objects")
    return parsed or []
