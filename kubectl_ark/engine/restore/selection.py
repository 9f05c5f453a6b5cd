"""Which items of a backup a Restore asks for (ark-format.md §8.1, §8.3)."""

from __future__ import annotations

import dataclasses
from typing import Any

from kubectl_ark.engine.restore.archive import DROP, RELATED, WANTED, Object
from kubectl_ark.engine.restore.order import CRDS, NAMESPACES, VOLUMES
from kubectl_ark.engine.restore.paths import ItemPath
from kubectl_ark.model import globs, items, selectors
from kubectl_ark.model.exclusions import never_restored
from kubectl_ark.model.resources import Catalog


@dataclasses.dataclass(frozen=True)
class Selection:
    """The filters of one restore, names resolved by discovery. Empty includes mean everything."""

    included_namespaces: tuple[str, ...] = ()
    excluded_namespaces: tuple[str, ...] = ()
    included_resources: tuple[str, ...] = ()
    excluded_resources: tuple[str, ...] = ()
    include_cluster_resources: bool | None = None
    label_selectors: tuple[dict[str, Any], ...] = ()
    """Any of these selects; none at all selects everything."""

    paths: frozenset[ItemPath] = frozenset()
    """Single objects; where there are any, nothing else is wanted."""

    @property
    def every_namespace(self) -> bool:
        """True if the namespace filter leaves nothing out."""
        return not self.excluded_namespaces and (not self.included_namespaces or "*" in self.included_namespaces)

    def takes_resource(self, group_resource: str) -> bool:
        """True if the lists of kinds let "deployments.apps" in."""
        return not never_restored(group_resource) and globs.includes(
            group_resource, included=self.included_resources, excluded=self.excluded_resources)

    def takes_namespace(self, namespace: str) -> bool:
        """True if objects of this namespace are wanted."""
        return globs.includes(namespace, included=self.included_namespaces, excluded=self.excluded_namespaces)

    def takes_labels(self, item: Object) -> bool:
        """True if the label selectors let the item in."""
        labels = item["metadata"].get("labels")
        return not self.label_selectors or any(selectors.matches(each, labels) for each in self.label_selectors)

    def take(self, path: ItemPath, item: Object) -> int:
        """WANTED, RELATED (kept in case that a wanted item needs it) or DROP."""
        kind = path.group_resource
        if self.paths:
            if path in self.paths and not never_restored(kind):
                return WANTED
        elif self._filtered(path) and self.takes_labels(item):
            return WANTED
        if kind == NAMESPACES:
            return RELATED
        related = self.include_cluster_resources is not False and self.takes_resource(kind)
        return RELATED if related and kind in (VOLUMES, CRDS) else DROP

    def _filtered(self, path: ItemPath) -> bool:
        if not self.takes_resource(path.group_resource):
            return False
        if path.namespace:
            return self.takes_namespace(path.namespace)
        if path.group_resource == NAMESPACES:
            return self.takes_namespace(path.name) and self.include_cluster_resources is not False
        if self.include_cluster_resources is None:
            return self.every_namespace
        return self.include_cluster_resources


def of_spec(spec: dict[str, Any], catalog: Catalog) -> Selection:
    """The selection of a Restore's spec."""
    def resolved(field: str) -> tuple[str, ...]:
        return tuple(word if word == "*" else catalog.resolve(word) for word in spec.get(field) or ())

    label_selectors = [spec["labelSelector"]] if spec.get("labelSelector") else spec.get("orLabelSelectors") or []
    return Selection(
        included_namespaces=tuple(spec.get("includedNamespaces") or ()),
        excluded_namespaces=tuple(spec.get("excludedNamespaces") or ()),
        included_resources=resolved("includedResources"), excluded_resources=resolved("excludedResources"),
        include_cluster_resources=spec.get("includeClusterResources"), label_selectors=tuple(label_selectors),
        paths=frozenset(_path(text, catalog) for text in spec.get("items") or ()),
    )


def _path(text: str, catalog: Catalog) -> ItemPath:
    item = items.parse(text)
    return ItemPath(catalog.resolve(item.kind), item.namespace, item.name)
