"""What a Backup's spec selects. Velero's rules for its "old" filters (ark-format.md §5.2)."""

from __future__ import annotations

import dataclasses
from typing import Any

from kubectl_ark.model import globs
from kubectl_ark.model.resources import Catalog, Resource

ALWAYS_EXCLUDED = ("volumesnapshots.snapshot.storage.k8s.io", "volumesnapshotcontents.snapshot.storage.k8s.io")
"""Velero appends these to every backup's excludes: they are made anew from volume information."""

NAMESPACES = "namespaces"


@dataclasses.dataclass(frozen=True)
class Selection:
    """The filters of one backup, names resolved by discovery. Empty includes mean everything."""

    included_namespaces: tuple[str, ...] = ()
    excluded_namespaces: tuple[str, ...] = ()
    included_resources: tuple[str, ...] = ()
    excluded_resources: tuple[str, ...] = ()
    include_cluster_resources: bool | None = None
    label_selector: dict[str, Any] | None = None

    @property
    def every_namespace(self) -> bool:
        """True if no namespace is left out, so that one list per kind serves all."""
        return not self.excluded_namespaces and set(self.included_namespaces) <= {"*"}

    def takes_namespace(self, name: str) -> bool:
        """True if objects in this namespace are wanted."""
        return globs.includes(name, included=self.included_namespaces, excluded=self.excluded_namespaces)

    def takes_resource(self, group_resource: str) -> bool:
        """True if the lists of kinds let "deployments.apps" in."""
        return globs.includes(group_resource, included=self.included_resources, excluded=self.excluded_resources)

    def lists(self, resource: Resource) -> bool:
        """True if the kind is listed; cluster-scoped kinds by the three states of includeClusterResources."""
        if not self.takes_resource(resource.group_resource):
            return False
        if resource.namespaced:
            return True
        if self.include_cluster_resources is None:
            return self.every_namespace
        return self.include_cluster_resources

    def takes_related(self, resource: Resource, namespace: str | None) -> bool:
        """True if an object that a collected item refers to may come along; label selectors do not count."""
        if namespace is not None and not self.takes_namespace(namespace):
            return False
        if not resource.namespaced and self.include_cluster_resources is False:
            return False
        return self.takes_resource(resource.group_resource)

    @property
    def takes_namespace_objects(self) -> bool:
        """True if Namespace objects belong into the backup."""
        return self.include_cluster_resources is not False and self.takes_resource(NAMESPACES)


def of_spec(spec: dict[str, Any], catalog: Catalog) -> Selection:
    """The selection of a Backup's spec."""
    def resolved(field: str) -> tuple[str, ...]:
        return tuple(catalog.resolve(word) for word in spec.get(field) or () if word != "*")

    return Selection(
        included_namespaces=tuple(spec.get("includedNamespaces") or ()),
        excluded_namespaces=tuple(spec.get("excludedNamespaces") or ()),
        included_resources=resolved("includedResources"),
        excluded_resources=(*resolved("excludedResources"), *ALWAYS_EXCLUDED),
        include_cluster_resources=spec.get("includeClusterResources"),
        label_selector=spec.get("labelSelector"),
    )
