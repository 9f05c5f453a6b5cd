"""spec.restoreStatus: whose status comes back too (ark-format.md §10.2)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.restore.archive import Object
from kubectl_ark.kube.api import Api
from kubectl_ark.model import globs, labels
from kubectl_ark.model.resources import Catalog, Resource

ANNOTATIONS = (f"{labels.GROUP}/restore-status", f"{labels.VELERO_GROUP}/restore-status")
"""On an object: "true" or "false", whatever the Restore says."""


@dataclasses.dataclass(frozen=True)
class Statuses:
    """included None: none but those of annotated objects. Kinds are resolved by discovery."""

    included: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()

    def takes(self, group_resource: str, item: Object) -> bool:
        """True if this item's status is to be restored."""
        annotations = item["metadata"].get("annotations")
        if annotations:
            for name in ANNOTATIONS:
                if (said := annotations.get(name, "").lower()) in ("true", "false"):
                    return bool(said == "true")
        return self.included is not None and globs.includes(
            group_resource, included=self.included, excluded=self.excluded)


def of_spec(spec: dict[str, Any], catalog: Catalog) -> Statuses:
    """From a Restore's spec. Without includedResources, or without the field, no kind's status comes back."""
    lists = spec.get("restoreStatus") or {}
    included = lists.get("includedResources")
    if not included:
        return Statuses()

    def resolved(words: Iterable[str]) -> tuple[str, ...]:
        return tuple(word if word == "*" else catalog.resolve(word) for word in words)

    return Statuses(resolved(included), resolved(lists.get("excludedResources") or ()))


def write(api: Api, resource: Resource, *, namespace: str, name: str, status: Any) -> None:
    """Put a whole status onto an object that was created just now; raises ApiError.

    A JSON patch needs no resourceVersion, so a controller that writes at the same moment is no conflict. A custom
    kind without a status subresource has its status in the object itself.
    """
    operations = [{"op": "add", "path": "/status", "value": status}]
    try:
        api.patch_json(resource.path(namespace or None, name, "status"), operations)
    except errors.NotFound:
        api.patch_json(resource.path(namespace or None, name), operations)
