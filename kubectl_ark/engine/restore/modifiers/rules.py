"""One restore's rules, applied to one object after the other."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.restore import mergepatch
from kubectl_ark.engine.restore.archive import Object, Type
from kubectl_ark.engine.restore.modifiers import jsonpatch, strategic
from kubectl_ark.engine.restore.modifiers.conditions import Conditions
from kubectl_ark.engine.restore.modifiers.strategic import Schema, Types

SchemaOf = Callable[[Type], tuple[Types, Schema]]


@dataclasses.dataclass(frozen=True)
class Rule:
    """What to change, in one of three languages."""

    conditions: Conditions
    json_patch: Sequence[Mapping[str, Any]] = ()
    merge_patches: Sequence[Mapping[str, Any]] = ()
    strategic_patches: Sequence[Mapping[str, Any]] = ()

    def changed(self, type: Type, item: Object, schema_of: SchemaOf) -> Object:
        """A changed copy of the item. Raises TestFailed where the rule is not for it; ValueError, ApiError."""
        if self.json_patch:
            return jsonpatch.apply(item, self.json_patch)
        result = copy.deepcopy(item)
        for patch in self.merge_patches:
            result = mergepatch.apply(result, copy.deepcopy(patch))
        for patch in self.strategic_patches:
            types, schema = schema_of(type)
            result = strategic.apply(result, copy.deepcopy(patch), types=types, schema=schema)
        return result


def apply(rules: Sequence[Rule], type: Type, item: Object, *, schema_of: SchemaOf) -> list[str]:
    """Apply every rule that is for the item, in their order; what could not be done, as sentences. In place.

    A rule that fails leaves the item as it was; the others are applied all the same (Velero). What an object is (its
    kind, name and namespace) no rule can change: the run goes by it.
    """
    troubles = []
    for number, rule in enumerate(rules):
        if not rule.conditions.hold(type.group_resource, item):
            continue
        try:
            result = rule.changed(type, item, schema_of)
            _check(item, result)
        except jsonpatch.TestFailed:
            continue
        except (ValueError, errors.ApiError) as fault:
            if isinstance(fault, errors.Unreachable):
                raise
            troubles.append(f"resource modifier {number + 1} was not applied: {fault}")
            continue
        item.clear()
        item.update(result)
    return troubles


def _check(before: Object, after: Object) -> None:
    """Raises ValueError where a rule makes another object of the item."""
    if not isinstance(after.get("metadata"), dict):
        raise ValueError("it takes metadata away")
    for field in ("apiVersion", "kind"):
        if before.get(field) != after.get(field):
            raise ValueError(f"it changes {field}")
    for field in ("name", "namespace"):
        if before["metadata"].get(field) != after["metadata"].get(field):
            raise ValueError(f"it changes metadata.{field}" + (
                "; use a namespace mapping" if field == "namespace" else ""))
