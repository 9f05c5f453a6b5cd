"""What is changed on an item before it is stored, by kind (ark-format.md §6).

A backup keeps objects as they are; the exceptions are facts that would stop the object from coming back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

STALE_LABELS = ("velero.io/restore-name", "velero.io/must-include-additional-items", "velero.io/volume-snapshot-name")
"""Left on claims by earlier restores of Velero's."""

Item = dict[str, Any]


def claim(item: Item) -> Item:
    """A bound claim loses what it was provisioned from: with a volume name, dataSource and selector cannot be met."""
    spec, metadata = dict(item.get("spec") or {}), dict(item["metadata"])
    if spec.get("volumeName"):
        for field in ("dataSource", "dataSourceRef"):
            spec.pop(field, None)
        if spec.get("storageClassName", None) != "":
            spec.pop("selector", None)
    labels = metadata.get("labels")
    if labels and any(label in labels for label in STALE_LABELS):
        metadata["labels"] = {key: value for key, value in labels.items() if key not in STALE_LABELS}
    return {**item, "metadata": metadata, "spec": spec}


BY_KIND: dict[str, Callable[[Item], Item]] = {"persistentvolumeclaims": claim}
"""Group-resource → what is done to each item of it; takes the item and returns it or a changed copy."""
