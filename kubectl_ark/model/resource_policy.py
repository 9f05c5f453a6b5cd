"""The document that ``spec.resourcePolicy`` names, as Velero has it (ark-format.md §7): what it may say and what for.

Its volume policies are checked whole, since to ignore a mistake in one would lose data silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubectl_ark.model import backup_spec, shapes, volume_policies

FILTERS = "includeExcludePolicy"
VOLUMES = "volumePolicies"


def problems(document: Any, spec: Mapping[str, Any]) -> list[str]:
    """Every mistake in the document, and in its standing beside ``spec``; each a sentence about spec.resourcePolicy."""
    if not isinstance(document, dict):
        return ["it is no mapping"]
    found = shapes.unknown(document, {"version", VOLUMES, FILTERS}, "the document")
    if document.get("version") != "v1":
        found.append(f'version: "{document.get("version")}" is not v1')
    filters, policies = document.get(FILTERS) or {}, document.get(VOLUMES) or []
    if not isinstance(filters, dict) or not isinstance(policies, list):
        return [*found, f"{FILTERS} is a mapping and {VOLUMES} a list"]
    found += shapes.unknown(filters, set(backup_spec.SCOPED), FILTERS)
    for field in backup_spec.SCOPED:
        words = filters.get(field) or []
        if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            found.append(f"{FILTERS}.{field} is a list of kinds")
        elif "*" in words:
            found.append(f'{FILTERS}.{field}: "*" may not stand in a policy')
    if any(filters.values()) and backup_spec.uses_old_filters(spec):
        found.append(f"{FILTERS} cannot stand beside includedResources, excludedResources and includeClusterResources")
    for index, policy in enumerate(policies):
        found += volume_policies.problems(policy, f"{VOLUMES}[{index}]")
    return found


def merged(spec: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """The spec with the policy's filters: excludes first, each kind that the spec does not speak of itself."""
    result, filters = dict(spec), document.get(FILTERS) or {}
    for included, excluded in (backup_spec.SCOPED[:2], backup_spec.SCOPED[2:]):
        for field in (excluded, included):
            spoken_of = {*(result.get(included) or ()), *(result.get(excluded) or ())}
            more = [word for word in filters.get(field) or () if word not in spoken_of]
            if more:
                result[field] = [*(result.get(field) or ()), *more]
    return result


def volumes(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The document's volume policies, in their order, as ``volume_policies.action`` takes them."""
    return list(document.get(VOLUMES) or [])
