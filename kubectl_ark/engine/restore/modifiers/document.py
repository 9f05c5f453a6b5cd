"""The ConfigMap of resource modifiers: read whole, every mistake listed (Velero, internal/resourcemodifiers)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from kubectl_ark.engine.restore.modifiers import jsonpatch
from kubectl_ark.engine.restore.modifiers.conditions import Conditions
from kubectl_ark.engine.restore.modifiers.rules import Rule
from kubectl_ark.model import globs, selectors

VERSION = "v1"

LANGUAGES = ("patches", "mergePatches", "strategicPatches")
_CONDITIONS = ("groupResource", "namespaces", "resourceNameRegex", "labelSelector", "matches")
_PATCH = ("operation", "from", "path", "value")


def read(config_map: Mapping[str, Any]) -> tuple[list[Rule], list[str]]:
    """(rules, mistakes) of a ConfigMap; with any mistake the rules are not to be used."""
    data = config_map.get("data") or {}
    if len(data) != 1:
        return [], [f"it must have exactly one key, not {len(data)}"]
    [text] = data.values()
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return [], [f"it is not YAML: {' '.join(str(error).split())}"]
    if not isinstance(document, dict):
        return [], ["it is not a mapping with version and resourceModifierRules"]
    mistakes = [f"{key}: there is no such field" for key in document if key not in ("version", "resourceModifierRules")]
    if document.get("version") != VERSION:
        mistakes.append(f"version: it is {document.get('version')}, only {VERSION} is known")
    given = document.get("resourceModifierRules")
    if not isinstance(given, list) or not given:
        return [], [*mistakes, "resourceModifierRules: there are none"]
    rules = []
    for index, each in enumerate(given):
        found = list(_rule_mistakes(each)) if isinstance(each, dict) else [": it is not a mapping"]
        mistakes += [f"resourceModifierRules[{index}]{mistake}" for mistake in found]
        if not found:
            rules.append(_rule(each))
    return rules, mistakes


def value_of(text: str | None) -> Any:
    """The value that an operation's text means (Velero, json_patch.go).

    null, true, false, numbers, and what begins with { or [ are taken as JSON, and so is what stands in quotes of its
    own: "\\"5\\"" is the string 5. Everything else is a string as it stands. Raises ValueError.
    """
    if text is None:
        return None
    try:
        parsed = json.loads(text)
    except ValueError:
        if text.startswith(("{", "[")):
            raise
        return text
    return text if isinstance(parsed, float) and not math.isfinite(parsed) else parsed


def _rule(given: Mapping[str, Any]) -> Rule:
    conditions = given["conditions"]
    matches = tuple({"op": "test", "path": each["path"], "value": value_of(each.get("value"))}
                    for each in conditions.get("matches") or ())
    return Rule(
        Conditions(
            group_resource=globs.compiled(conditions["groupResource"], separator="."),
            namespaces=tuple(conditions.get("namespaces") or ()),
            name=re.compile(conditions["resourceNameRegex"]) if conditions.get("resourceNameRegex") else None,
            selector=conditions.get("labelSelector"), matches=matches),
        json_patch=tuple(_operation(each) for each in given.get("patches") or ()),
        merge_patches=tuple(yaml.safe_load(each["patchData"]) for each in given.get("mergePatches") or ()),
        strategic_patches=tuple(yaml.safe_load(each["patchData"]) for each in given.get("strategicPatches") or ()))


def _operation(given: Mapping[str, Any]) -> dict[str, Any]:
    operation = {"op": given["operation"], "path": given["path"]}
    if given["operation"] in ("move", "copy"):
        return {**operation, "from": given["from"]}
    if given["operation"] == "remove":
        return operation
    return {**operation, "value": value_of(given.get("value"))}


def _rule_mistakes(rule: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(rule, ("conditions", *LANGUAGES), "")
    if len([each for each in LANGUAGES if rule.get(each)]) != 1:
        yield f": give it exactly one of {', '.join(LANGUAGES)}"
    conditions = rule.get("conditions")
    if isinstance(conditions, dict):
        yield from _condition_mistakes(conditions)
    else:
        yield ".conditions: they are missing"
    for place, patch in _mappings(rule, "patches", ""):
        yield from _operation_mistakes(patch, place) if isinstance(patch, dict) else [f"{place}: it is not a mapping"]
    for language in LANGUAGES[1:]:
        for place, patch in _mappings(rule, language, ""):
            yield from _data_mistakes(patch, place) if isinstance(patch, dict) else [f"{place}: it is not a mapping"]


def _condition_mistakes(conditions: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(conditions, _CONDITIONS, ".conditions")
    pattern = conditions.get("groupResource")
    if not pattern or not isinstance(pattern, str):
        yield ".conditions.groupResource: it is missing"
    else:
        yield from _raised(lambda: globs.compiled(pattern, separator="."), ".conditions.groupResource")
    if not isinstance(conditions.get("namespaces") or [], list):
        yield ".conditions.namespaces: it is not a list"
    yield from _raised(lambda: re.compile(str(conditions.get("resourceNameRegex") or "")),
                       ".conditions.resourceNameRegex")
    selector = conditions.get("labelSelector") or {}
    for problem in selectors.problems(selector) if isinstance(selector, dict) else ["it is not a mapping"]:
        yield f".conditions.labelSelector: {problem}"
    for place, match in _mappings(conditions, "matches", ".conditions"):
        if not isinstance(match, dict):
            yield f"{place}: it is not a mapping"
            continue
        yield from _unknown(match, ("path", "value"), place)
        yield from _path_mistakes(match, "path", place)
        yield from _value_mistakes(match, place)


def _operation_mistakes(patch: Mapping[str, Any], place: str) -> Iterator[str]:
    yield from _unknown(patch, _PATCH, place)
    if patch.get("operation") not in jsonpatch.OPERATIONS:
        yield f"{place}.operation: it is not one of {', '.join(jsonpatch.OPERATIONS)}"
    yield from _path_mistakes(patch, "path", place)
    if patch.get("operation") in ("move", "copy"):
        yield from _path_mistakes(patch, "from", place)
    yield from _value_mistakes(patch, place)


def _path_mistakes(given: Mapping[str, Any], field: str, place: str) -> Iterator[str]:
    if not isinstance(given.get(field), str) or not given[field].startswith("/"):
        yield f"{place}.{field}: it is not a path such as /spec/replicas"


def _value_mistakes(given: Mapping[str, Any], place: str) -> Iterator[str]:
    value = given.get("value")
    if value is not None and not isinstance(value, str):
        yield f'{place}.value: put it into quotes: it is always a text, and "5" means the number'
    else:
        yield from _raised(lambda: value_of(value), f"{place}.value")


def _data_mistakes(patch: Mapping[str, Any], place: str) -> Iterator[str]:
    yield from _unknown(patch, ("patchData",), place)
    try:
        parsed = yaml.safe_load(str(patch.get("patchData") or ""))
    except yaml.YAMLError as error:
        yield f"{place}.patchData: it is neither YAML nor JSON: {' '.join(str(error).split())}"
        return
    if not isinstance(parsed, dict):
        yield f"{place}.patchData: it is not a mapping"


def _raised(call: Callable[[], object], place: str) -> Iterator[str]:
    try:
        call()
    except (ValueError, re.error) as error:
        yield f"{place}: {error}"


def _mappings(given: Mapping[str, Any], field: str, place: str) -> Iterator[tuple[str, Any]]:
    found = given.get(field)
    for index, each in enumerate(found if isinstance(found, list) else ()):
        yield f"{place}.{field}[{index}]", each


def _unknown(given: Mapping[str, Any], known: tuple[str, ...], place: str) -> Iterator[str]:
    for key in given:
        if key not in known:
            yield f"{place}.{key}: there is no such field"
