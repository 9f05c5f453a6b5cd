"""An object that stands in the cluster already, held against the one in the backup (ark-format.md §10.1)."""

from __future__ import annotations

import datetime
from typing import Any

from kubectl_ark.engine.restore.archive import Object, Type
from kubectl_ark.engine.restore.order import CLAIMS
from kubectl_ark.model import labels, times

CONTROLLED = frozenset({"pods", "replicasets.apps", "controllerrevisions.apps"})
"""Where a live one has a controller it is that controller's doing: what is compared is the controller."""

MOST_PATHS = 3

FIELD_MANAGER = "kubectl-ark"
"""Under which name a restore writes fields."""


def is_of_this_restore(live: Object, *, restore_label: str, since: datetime.datetime) -> bool:
    """True for what an earlier try of the same Restore made: its label, and not older than the Restore itself.

    The time matters because a Restore can be deleted and made again under the same name.
    """
    metadata = live["metadata"]
    if (metadata.get("labels") or {}).get(labels.RESTORE_NAME) != restore_label:
        return False
    return times.parse_time(metadata["creationTimestamp"]) >= since


def was_updated(live: Object, *, since: datetime.datetime) -> bool:
    """True if a restore has written to the object since then: an earlier try of this one."""
    return any(each.get("manager") == FIELD_MANAGER and each.get("time") and times.parse_time(each["time"]) >= since
               for each in live["metadata"].get("managedFields") or ())


def is_controlled(type: Type, live: Object) -> bool:
    """True for a live object of CONTROLLED that a controller owns."""
    owners = live["metadata"].get("ownerReferences") or ()
    return type.group_resource in CONTROLLED and any(each.get("controller") for each in owners)


def differences(type: Type, wanted: Object, live: Object) -> list[str]:
    """Where two comparable objects differ, as up to MOST_PATHS field paths; empty if they are equal."""
    if type.group_resource == CLAIMS and "volumeName" not in wanted["spec"]:
        live["spec"].pop("volumeName", None)
    if wanted == live:
        return []
    paths: list[str] = []
    _walk(wanted, live, "", paths)
    return paths


def _walk(wanted: Any, live: Any, path: str, paths: list[str]) -> None:
    if wanted == live or len(paths) >= MOST_PATHS:
        return
    if isinstance(wanted, dict) and isinstance(live, dict):
        for key in sorted({*wanted, *live}):
            _walk(wanted.get(key), live.get(key), f"{path}.{key}" if path else key, paths)
    else:
        paths.append(path)


def account_merge(wanted: Object, live: Object) -> dict[str, Any]:
    """The merge patch that gives a live ServiceAccount what only the backed-up one has; {} if nothing is missing.

    Secrets and pull secrets are joined by name; labels and annotations are added where absent, the cluster's own
    values win (Velero, merge_service_account.go).
    """
    patch: dict[str, Any] = {}
    for field in ("secrets", "imagePullSecrets"):
        there = live.get(field) or []
        names = {each.get("name") for each in there}
        missing = [each for each in wanted.get(field) or [] if each.get("name") not in names]
        if missing:
            patch[field] = [*there, *missing]
    for field in ("labels", "annotations"):
        there = live["metadata"].get(field) or {}
        added = {key: value for key, value in (wanted["metadata"].get(field) or {}).items() if key not in there}
        if added:
            patch.setdefault("metadata", {})[field] = added
    return patch
