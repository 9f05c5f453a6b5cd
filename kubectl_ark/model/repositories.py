"""ResticRepositories: how they are named and made, when their upkeep is due, and what is written of it."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping
from typing import Any

from kubectl_ark.model import kinds, labels, names, times

NEW, READY, NOT_READY = "New", "Ready", "NotReady"

FREQUENCY = "168h"
"""How often a repository is tidied where its spec says nothing: a week, as Velero has it."""

KEPT = 3
"""So many of the last upkeeps are remembered."""

MAX_MESSAGE = 1000


def resource(*, namespace: str, volume_namespace: str, location: str, identifier: str) -> dict[str, Any]:
    """The ResticRepository of the volumes of one namespace in one location.

    Its name follows from both, so that two runs which need it at once make one. namespace: Ark's. identifier: address
    for restic.
    """
    digest = hashlib.sha256(f"{volume_namespace}/{location}".encode()).hexdigest()[:8]
    return {
        "apiVersion": kinds.API_VERSION, "kind": kinds.RESTIC_REPOSITORY.kind,
        "metadata": {"name": names.with_tail(f"{volume_namespace}-{location}", digest), "namespace": namespace,
                     "labels": {labels.VOLUME_NAMESPACE: volume_namespace,
                                labels.STORAGE_LOCATION: labels.label_value(location),
                                labels.MANAGED_BY: labels.MANAGER}},
        "spec": {"volumeNamespace": volume_namespace, "backupStorageLocation": location,
                 "resticIdentifier": identifier, "maintenanceFrequency": FREQUENCY}}


def is_of(repository: Mapping[str, Any], *, volume_namespace: str, location: str) -> bool:
    """Whether this is the record of that repository, whatever its name: a user may have made it."""
    spec = repository.get("spec") or {}
    return (spec.get("volumeNamespace"), spec.get("backupStorageLocation")) == (volume_namespace, location)


def is_due(repository: Mapping[str, Any], now: datetime.datetime) -> bool:
    """Whether the repository is to be tidied. One that is new waits for its first time as for any other.

    Raises ValueError where spec.maintenanceFrequency is no duration.
    """
    frequency = times.parse_duration(str((repository.get("spec") or {}).get("maintenanceFrequency") or FREQUENCY))
    last = (repository.get("status") or {}).get("lastMaintenanceTime") or repository["metadata"]["creationTimestamp"]
    return frequency > 0 and (now - times.parse_time(last)).total_seconds() >= frequency


def tidied(
    repository: Mapping[str, Any], *, begun: datetime.datetime, ended: datetime.datetime, message: str, failed: bool,
) -> dict[str, Any]:
    """Fields of the status after an upkeep. One that failed is remembered, but is due as it was."""
    former = (repository.get("status") or {}).get("recentMaintenance") or []
    entry = {"result": "Failed" if failed else "Succeeded", "startTimestamp": times.format_time(begun),
             "completeTimestamp": times.format_time(ended), "message": message[:MAX_MESSAGE]}
    fields: dict[str, Any] = {"recentMaintenance": [*former, entry][-KEPT:]}
    return fields if failed else {**fields, "lastMaintenanceTime": times.format_time(ended)}
