"""Storage classes and images that have other names where objects come back (Velero, change_storageclass_action.go,
change_image_name_action.go)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kubectl_ark.engine.restore.order import CLAIMS, VOLUMES
from kubectl_ark.engine.restore.transforms.generic import Object

WITH_TEMPLATE = frozenset({
    "deployments.apps", "statefulsets.apps", "daemonsets.apps", "replicasets.apps", "replicationcontrollers",
    "jobs.batch",
})


def storage_class(group_resource: str, item: Object, classes: Mapping[str, str]) -> set[str]:
    """Put new storage classes into a volume, a claim or a StatefulSet's claim templates. In place; the new ones."""
    if group_resource in (VOLUMES, CLAIMS):
        specs = [item.get("spec") or {}]
    elif group_resource == "statefulsets.apps":
        specs = [each.get("spec") or {} for each in (item.get("spec") or {}).get("volumeClaimTemplates") or ()]
    else:
        return set()
    used = set()
    for spec in specs:
        new = classes.get(spec.get("storageClassName") or "")
        if new:
            spec["storageClassName"] = new
            used.add(new)
    return used


def images(group_resource: str, item: Object, pairs: Sequence[tuple[str, str]]) -> None:
    """Replace parts of the containers' image names; of several rules the first that fits. In place."""
    for container in _containers(group_resource, item):
        image = container.get("image") or ""
        for old, new in pairs:
            if old in image:
                container["image"] = image.replace(old, new)
                break


def _containers(group_resource: str, item: Object) -> Iterator[dict[str, Any]]:
    spec = item.get("spec") or {}
    if group_resource == "cronjobs.batch":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    if group_resource in WITH_TEMPLATE or group_resource == "cronjobs.batch":
        spec = (spec.get("template") or {}).get("spec") or {}
    elif group_resource != "pods":
        return
    for field in ("containers", "initContainers"):
        yield from spec.get(field) or ()
