"""Which kinds a Backup's filters let in: Velero's older filters and its scoped ones (ark-format.md §5.2).

A spec uses one of the two sorts; without any the older ones count, which then let everything in, as documented (Velero
1.17 and later leave cluster-scoped kinds out of such a backup).
"""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

from kubectl_ark.model import backup_spec, globs
from kubectl_ark.model.resources import Catalog, Resource

NAMESPACES = "namespaces"
Words = tuple[str, ...]


class KindFilter(Protocol):
    """Either sort of filters, names resolved by discovery. Empty includes mean everything."""

    def lists(self, resource: Resource, *, every_namespace: bool) -> bool:
        """True if the kind is listed. every_namespace: no namespace is left out."""

    def takes_related(self, resource: Resource) -> bool:
        """True if an object of this kind may come along because a collected item refers to it."""

    def takes_namespaces(self) -> bool:
        """True if Namespace objects belong into the backup."""

    def words(self) -> list[tuple[str, bool, bool | None]]:
        """The user's words: (resolved word, included or excluded, the scope it is for: namespaced, not, or either)."""


@dataclasses.dataclass(frozen=True)
class OldFilter:
    """One pair of lists for kinds of either scope, and the three states of includeClusterResources."""

    included: Words = ()
    excluded: Words = ()
    cluster: bool | None = None

    def lists(self, resource: Resource, *, every_namespace: bool) -> bool:
        """See KindFilter."""
        if not self._takes(resource.group_resource):
            return False
        if resource.namespaced:
            return True
        return every_namespace if self.cluster is None else self.cluster

    def takes_related(self, resource: Resource) -> bool:
        """See KindFilter."""
        if not resource.namespaced and self.cluster is False:
            return False
        return self._takes(resource.group_resource)

    def takes_namespaces(self) -> bool:
        """See KindFilter."""
        return self.cluster is not False and self._takes(NAMESPACES)

    def words(self) -> list[tuple[str, bool, bool | None]]:
        """See KindFilter."""
        return [*((word, True, None) for word in self.included), *((word, False, None) for word in self.excluded)]

    def _takes(self, group_resource: str) -> bool:
        excluded = (*self.excluded, *backup_spec.ALWAYS_EXCLUDED)
        return globs.includes(group_resource, included=self.included, excluded=excluded)


@dataclasses.dataclass(frozen=True)
class ScopedFilter:
    """A pair of lists for each scope; "*" stands for all. A word of the other scope matches nothing."""

    included_cluster: Words = ()
    excluded_cluster: Words = ()
    included_namespaced: Words = ()
    excluded_namespaced: Words = ()

    def lists(self, resource: Resource, *, every_namespace: bool) -> bool:
        """See KindFilter. Without a word about cluster-scoped kinds they are listed only in a backup of all else."""
        if resource.namespaced:
            return self.takes_related(resource)
        if not self.takes_related(resource):
            return False
        if not self.included_cluster and not self.excluded_cluster:
            narrowed = self.excluded_namespaced or set(self.included_namespaced) - {"*"}
            return every_namespace and not narrowed
        return globs.matches(resource.group_resource, self.included_cluster)

    def takes_related(self, resource: Resource) -> bool:
        """See KindFilter. Cluster-scoped ones need not be included."""
        name = resource.group_resource
        if name in backup_spec.ALWAYS_EXCLUDED:
            return False
        if resource.namespaced:
            return globs.includes(name, included=self.included_namespaced, excluded=self.excluded_namespaced)
        return not globs.matches(name, self.excluded_cluster)

    def takes_namespaces(self) -> bool:
        """See KindFilter: always, unless they are excluded."""
        return not globs.matches(NAMESPACES, self.excluded_cluster)

    def words(self) -> list[tuple[str, bool, bool | None]]:
        """See KindFilter."""
        return [(word, included, namespaced) for words, included, namespaced in (
            (self.included_cluster, True, False), (self.excluded_cluster, False, False),
            (self.included_namespaced, True, True), (self.excluded_namespaced, False, True)) for word in words]


def of_spec(spec: dict[str, Any], catalog: Catalog) -> KindFilter:
    """The filters of a Backup's spec, valid."""
    def resolved(field: str) -> Words:
        return tuple(catalog.resolve(word) for word in spec.get(field) or ())

    if any(spec.get(field) for field in backup_spec.SCOPED):
        return ScopedFilter(*(resolved(field) for field in backup_spec.SCOPED))
    return OldFilter(tuple(word for word in resolved("includedResources") if word != "*"),
                     resolved("excludedResources"), spec.get("includeClusterResources"))
