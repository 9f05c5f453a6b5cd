"""Strategic merge patches: like merge patches, but lists of objects are merged by a key of their elements.

Which key that is, each API type says in its published schema (x-kubernetes-patch-merge-key and -strategy); ``schemas``
gets it from the API server, so that it is right for that server's version. Rules: Kubernetes'
apimachinery/pkg/util/strategicpatch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PATCH = "$patch"
RETAIN = "$retainKeys"
DELETE_PRIMITIVES = "$deleteFromPrimitiveList/"
ORDER = "$setElementOrder/"

BUILT_IN = ("io.k8s.api.", "io.k8s.apiextensions-apiserver.", "io.k8s.kube-aggregator.")
"""Where Kubernetes' own types live; the schemas of custom resources are named after their groups and have no keys."""

Schema = Mapping[str, Any]


class Types:
    """The schemas of one API group version: components.schemas of its OpenAPI v3 document."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas

    def kind(self, group: str, version: str, kind: str) -> Schema | None:
        """The schema of a kind of Kubernetes itself; None if the document has none."""
        wanted = {"group": group, "version": version, "kind": kind}
        return next((schema for name, schema in self._schemas.items() if name.startswith(BUILT_IN)
                     and wanted in (schema.get("x-kubernetes-group-version-kind") or ())), None)

    def field(self, schema: Schema | None, name: str) -> Schema:
        """The schema of a field, with what stands beside its reference; {} where nothing is known."""
        found = self._resolved(schema)
        return (found.get("properties") or {}).get(name) or found.get("additionalProperties") or {}

    def element(self, schema: Schema) -> Schema:
        """The schema of a list's elements."""
        found: Schema = self._resolved(schema).get("items") or {}
        return found

    def _resolved(self, schema: Schema | None) -> Schema:
        while schema:
            reference = schema.get("$ref") or next(
                (each["$ref"] for each in schema.get("allOf") or () if "$ref" in each), None)
            if reference is None:
                return schema
            schema = self._schemas.get(reference.rpartition("/")[2])
        return {}


def apply(target: dict[str, Any], patch: Mapping[str, Any], *, types: Types, schema: Schema) -> dict[str, Any]:
    """A patched copy; ``target`` is left alone. Raises ValueError where the patch does not fit the type."""
    result = _merged_map(target, patch, types, schema, "")
    return result if result is not None else {}


def _merged_map(
    target: Mapping[str, Any], patch: Mapping[str, Any], types: Types, schema: Schema | None, path: str,
) -> dict[str, Any] | None:
    """None: the patch says that the whole is to go."""
    directive = patch.get(PATCH)
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != PATCH}
    if directive == "delete":
        return None
    if directive not in (None, "merge"):
        raise ValueError(f'{path or "/"}: {PATCH} is neither replace, merge nor delete')
    result = dict(target)
    for key, value in patch.items():
        if key.startswith(DELETE_PRIMITIVES):
            field = key[len(DELETE_PRIMITIVES):]
            if isinstance(result.get(field), list):
                result[field] = [each for each in result[field] if each not in value]
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            result.pop(key, None)
            continue
        merged = _merged(result.get(key), value, types, types.field(schema, key), f"{path}/{key}")
        if merged is None:
            result.pop(key, None)
        else:
            result[key] = merged
    for key, order in patch.items():
        if key.startswith(ORDER) and isinstance(result.get(key[len(ORDER):]), list):
            field = key[len(ORDER):]
            result[field] = _ordered(result[field], order, _key(types.field(schema, field)))
    if isinstance(patch.get(RETAIN), list):
        result = {key: value for key, value in result.items() if key in patch[RETAIN]}
    return result


def _merged(there: Any, value: Any, types: Types, schema: Schema, path: str) -> Any:
    if isinstance(value, dict):
        if "replace" in _strategies(schema):
            return {key: each for key, each in value.items() if key != PATCH}
        return _merged_map(there if isinstance(there, dict) else {}, value, types, schema, path)
    if isinstance(value, list) and "merge" in _strategies(schema):
        return _merged_list(there if isinstance(there, list) else [], value, types, schema, path)
    if isinstance(value, list):
        return [each for each in value if not (isinstance(each, dict) and set(each) == {PATCH})]
    return value


def _merged_list(there: list[Any], patch: list[Any], types: Types, schema: Schema, path: str) -> list[Any]:
    key = _key(schema)
    if key is None:  # of plain values
        return [*there, *(each for each in patch if each not in there)]
    if any(isinstance(each, dict) and each.get(PATCH) == "replace" and len(each) == 1 for each in patch):
        return [each for each in patch if each != {PATCH: "replace"}]
    result = list(there)
    for each in patch:
        if not isinstance(each, dict) or key not in each:
            raise ValueError(f'{path}: each element needs its merge key "{key}"')
        places = [place for place, one in enumerate(result) if isinstance(one, dict) and one.get(key) == each[key]]
        before = result[places[0]] if places else {}
        merged = _merged_map(before, each, types, types.element(schema), path)
        if merged is None:
            result = [one for place, one in enumerate(result) if place not in places]
        elif places:
            result[places[0]] = merged
        else:
            result.append(merged)
    return result


def _ordered(items: list[Any], order: list[Any], key: str | None) -> list[Any]:
    """The elements that ``order`` names, in its order; the others keep their places behind what they followed."""
    names = [each.get(key) if key and isinstance(each, dict) else each for each in order]

    def name(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, dict) else item

    named = sorted((item for item in items if name(item) in names), key=lambda item: names.index(name(item)))
    return [*named, *(item for item in items if name(item) not in names)]


def _strategies(schema: Schema) -> list[str]:
    return str(schema.get("x-kubernetes-patch-strategy") or "").split(",")


def _key(schema: Schema) -> str | None:
    key = schema.get("x-kubernetes-patch-merge-key")
    return str(key) if key else None
