"""``<b>-volumeinfo.json.gz``: how each volume's data was saved (ark-format.md §2.8).

A restore decides by this file what to do with a PersistentVolume; one that is missing here falls to older rules.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from kubectl_ark.engine.spool import Spool


class VolumeRecords:
    """Spooled as the volumes pass. directory: where."""

    def __init__(self, directory: Path) -> None:
        self._spool = Spool(directory / "volumeinfo.gz")
        self._count = 0

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
        record = {key: value for key, value in record.items() if value is not None}
        self._spool.write((b"," if self._count else b"[") + orjson.dumps(record))
        self._count += 1

    def document(self) -> bytes:
        """The whole file, gzipped."""
        self._spool.write(b"]\n" if self._count else b"[]\n")
        return self._spool.close()
