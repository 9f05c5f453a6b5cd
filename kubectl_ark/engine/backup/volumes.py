"""``<b>-volumeinfo.json.gz``: how each volume's data was saved (ark-format.md §2.8).

A restore decides by this file what to do with a PersistentVolume; one that is missing here falls to older rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import orjson

from kubectl_ark.engine.spool import Spool
from kubectl_ark.model import snapshots, volume_backups
from kubectl_ark.model.snapshots import Snapshot

Claim = tuple[str, str]
"""(namespace, name)."""


class ClaimData(Protocol):
    """What is known of claims' data while their objects pass."""

    def has(self, claim: Claim) -> bool:
        """Whether the data is saved, or tried to be."""

    def reason(self, claim: Claim) -> str:
        """Why it is not saved; "" where there is nothing more to say."""


class VolumeRecords:
    """Spooled as the volumes pass. directory: where."""

    def __init__(self, directory: Path) -> None:
        self._spool = Spool(directory / "volumeinfo.gz")
        self._count = 0
        self._awaited: dict[Claim, dict[str, Any]] = {}

    def awaited(self, claim: Claim, volume: dict[str, Any]) -> None:
        """A PersistentVolume whose data is being saved through its claim."""
        spec, metadata = volume.get("spec") or {}, volume["metadata"]
        self._awaited[claim] = {
            "metadata": {key: metadata[key] for key in ("name", "labels") if key in metadata},
            "spec": {key: spec[key] for key in ("persistentVolumeReclaimPolicy",) if key in spec}}

    def add(self, volume: dict[str, Any], *, skipped: str) -> None:
        """A PersistentVolume whose data is not in the backup, and why."""
        spec = volume.get("spec") or {}
        claim = spec.get("claimRef") or {}
        record: dict[str, Any] = {
            "pvcName": claim.get("name"), "pvcNamespace": claim.get("namespace"),
            "pvName": volume["metadata"]["name"], "snapshotDataMoved": False, "preserveLocalSnapshot": False,
            "skipped": True, "skippedReason": skipped,
            "pvInfo": {"reclaimPolicy": spec.get("persistentVolumeReclaimPolicy"),
                       "labels": volume["metadata"].get("labels")},
        }
        self._write({key: value for key, value in record.items() if value is not None})

    def document(self, saved: Iterable[Mapping[str, Any]] = (), taken: Iterable[Snapshot] = ()) -> bytes:
        """The whole file, gzipped. saved, taken: the PodVolumeBackups and snapshots of the run, which have ended."""
        for volume in saved:
            claim = (volume["spec"]["pod"]["namespace"], volume_backups.claim_name(volume) or "")
            self._write(volume_backups.info(volume, self._awaited.pop(claim, None)))
        for snapshot in taken:
            self._write(snapshots.info(snapshot, self._awaited.pop((snapshot.namespace, snapshot.claim), None)))
        for claim, persistent in self._awaited.items():
            self.add({**persistent, "spec": {**persistent["spec"], "claimRef": {
                "namespace": claim[0], "name": claim[1]}}}, skipped="its data could not be saved")
        self._spool.write(b"]\n" if self._count else b"[]\n")
        return self._spool.close()

    def _write(self, record: dict[str, Any]) -> None:
        self._spool.write((b"," if self._count else b"[") + orjson.dumps(record))
        self._count += 1
