"""Which objects a rule is for."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from kubectl_ark.engine.restore.archive import Object
from kubectl_ark.engine.restore.modifiers import jsonpatch
from kubectl_ark.model import globs, selectors


@dataclasses.dataclass(frozen=True)
class Conditions:
    """All must hold. group_resource: a pattern in which * stops at a dot, as Velero's does: "*.apps", "pods", "**".

    namespaces: patterns for the namespace that the object was saved in; with any, cluster-scoped objects are not meant.
    matches: paths and the values they must have.
    """

    group_resource: re.Pattern[str]
    namespaces: tuple[str, ...] = ()
    name: re.Pattern[str] | None = None
    selector: Mapping[str, Any] | None = None
    matches: tuple[Mapping[str, Any], ...] = ()

    def hold(self, group_resource: str, item: Object) -> bool:
        """True if the rule is for this item, which stands in its old namespace still."""
        metadata = item["metadata"]
        if not self.group_resource.fullmatch(group_resource):
            return False
        if self.namespaces and not globs.matches(metadata.get("namespace") or "", self.namespaces):
            return False
        if self.name and not self.name.search(metadata["name"]):
            return False
        if not selectors.matches(self.selector, metadata.get("labels")):
            return False
        try:
            jsonpatch.apply(item, self.matches)
        except ValueError:
            return False
        return True
