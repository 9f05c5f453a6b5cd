"""VolumeSnapshotLocations: what they may say, and which snapshot classes they choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

PROVIDERS = ("csi", "velero.io/csi", "")

CLASS = "csi-volumesnapshot-class_"
"""Begins a setting: the rest of it is a driver, its value the VolumeSnapshotClass to use for it."""


def problems(location: Mapping[str, Any]) -> list[str]:
    """Why snapshots cannot be taken by a location, as sentences; [] if they can."""
    title, spec = f"volumesnapshotlocation {location['metadata']['name']}", location.get("spec") or {}
    found = []
    if (spec.get("provider") or "") not in PROVIDERS:
        found.append(f'{title}: provider "{spec["provider"]}" is not supported; use csi, by which the CSI driver of '
                     "each volume takes its snapshot")
    elif unknown := sorted(key for key in spec.get("config") or {} if not key.startswith(CLASS)):
        found.append(f'{title}: config "{unknown[0]}" means nothing to provider csi; use {CLASS}<driver>: <class>')
    if (spec.get("credential") or {}).get("name"):
        found.append(f"{title}: provider csi takes no credential; its driver has its own")
    return found


def classes(locations: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Driver → VolumeSnapshotClass, as the first of these locations wants it that says something of the driver."""
    found: dict[str, str] = {}
    for location in locations:
        for key, value in ((location.get("spec") or {}).get("config") or {}).items():
            found.setdefault(key.removeprefix(CLASS), value)
    return found
