"""What is taken off every item, whatever its kind."""

from __future__ import annotations

from typing import Any

from kubectl_ark.model import labels

Object = dict[str, Any]

SERVER_FIELDS = (
    "generateName", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
    "deletionGracePeriodSeconds", "ownerReferences", "managedFields",
)
"""Of metadata, set by the API server or true of another cluster only (Velero's resetMetadata).

ownerReferences hold uids that no longer exist: garbage collection would delete the object at once. managedFields are
not sent: on a create the server gives every field to the creating manager whatever the request says (apimachinery's
FieldManager.Update), so keeping them would need a second request per object, as Velero makes.
"""

OWN_LABELS = (labels.RESTORE_NAME, labels.BACKUP_NAME)


def strip(item: Object) -> None:
    """Drop SERVER_FIELDS and status."""
    metadata = item["metadata"]
    for field in SERVER_FIELDS:
        metadata.pop(field, None)
    item.pop("status", None)


def add_labels(item: Object, added: dict[str, str]) -> None:
    """Set the labels that every created object carries."""
    metadata = item["metadata"]
    metadata["labels"] = {**(metadata.get("labels") or {}), **added}


def drop_own_labels(item: Object) -> None:
    """Take off what this or an earlier restore added; empty maps go too, as the server drops them."""
    metadata = item["metadata"]
    kept = {key: value for key, value in (metadata.get("labels") or {}).items() if key not in OWN_LABELS}
    metadata["labels"] = kept
    for field in ("labels", "annotations"):
        if not metadata.get(field):
            metadata.pop(field, None)


def drop_annotations(item: Object, names: frozenset[str]) -> None:
    """Take off the annotations of these names."""
    annotations = item["metadata"].get("annotations")
    if annotations and not names.isdisjoint(annotations):
        item["metadata"]["annotations"] = {
            key: value for key, value in annotations.items() if key not in names}
