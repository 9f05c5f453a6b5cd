"""What a Backup's spec selects: namespaces, labels, and by ``kindfilters`` kinds (ark-format.md §5.2)."""

from __future__ import annotations

import dataclasses
from typing import Any

from kubectl_ark.engine.backup import kindfilters
from kubectl_ark.engine.backup.kindfilters import KindFilter, OldFilter
from kubectl_ark.model import globs, selectors
from kubectl_ark.model.resources import Catalog, Resource

NAMESPACES = kindfilters.NAMESPACES


@dataclasses.dataclass(frozen=True)
class Selection:
    """The filters of one backup. Empty includes and no selectors mean everything."""

    included_namespaces: tuple[str, ...] = ()
    excluded_namespaces: tuple[str, ...] = ()
    kinds: KindFilter = OldFilter()
    label_selectors: tuple[dict[str, Any], ...] = ()
    """Of several one must fit."""

    @property
    def every_namespace(self) -> bool:
        """True if no namespace is left out, so that one list per kind serves all."""
        return not self.excluded_namespaces and set(self.included_namespaces) <= {"*"}

    @property
    def queries(self) -> tuple[str, ...]:
        """The label selectors of the lists that are asked for: one that takes all, or one for each selector."""
        return tuple(selectors.to_query(each) for each in self.label_selectors) or ("",)

    def takes_labels(self, labels: dict[str, str] | None) -> bool:
        """True if the label selectors take an object with these labels."""
        return not self.label_selectors or any(selectors.matches(each, labels) for each in self.label_selectors)

    def takes_namespace(self, name: str) -> bool:
        """True if objects in this namespace are wanted."""
        return globs.includes(name, included=self.included_namespaces, excluded=self.excluded_namespaces)

    def lists(self, resource: Resource) -> bool:
        """True if the kind is listed."""
        return self.kinds.lists(resource, every_namespace=self.every_namespace)

    def takes_related(self, resource: Resource, namespace: str | None) -> bool:
        """True if an object that a collected item refers to may come along; label selectors do not count."""
        if namespace is not None and not self.takes_namespace(namespace):
            return False
        return self.kinds.takes_related(resource)

    @property
    def takes_namespace_objects(self) -> bool:
        """True if Namespace objects belong into the backup."""
        return self.kinds.takes_namespaces()


def of_spec(spec: dict[str, Any], catalog: Catalog) -> Selection:
    """The selection of a Backup's spec, valid."""
    one, several = spec.get("labelSelector"), spec.get("orLabelSelectors") or ()
    return Selection(
        included_namespaces=tuple(spec.get("includedNamespaces") or ()),
        excluded_namespaces=tuple(spec.get("excludedNamespaces") or ()),
        kinds=kindfilters.of_spec(spec, catalog),
        label_selectors=(one,) if one else tuple(each or {} for each in several),
    )
