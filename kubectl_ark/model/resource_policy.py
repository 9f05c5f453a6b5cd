"""The document that ``spec.resourcePolicy`` names, as Velero has it (ark-format.md §7): what it may say and what for.

Its volume policies are checked whole; those that would save data of volumes are refused as long as this version
saves none, since to ignore one would lose data silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubectl_ark.model import backup_spec

FILTERS = "includeExcludePolicy"
VOLUMES = "volumePolicies"
_CONDITIONS: dict[str, type] = {
    "capacity": str, "storageClass": list, "nfs": dict, "csi": dict, "volumeTypes": list, "pvcLabels": dict,
    "pvcPhase": list}
_ACTIONS = ("skip", "fs-backup", "snapshot", "custom")


def problems(document: Any, spec: Mapping[str, Any]) -> list[str]:
    """Every mistake in the document, and in its standing beside ``spec``; each a sentence about spec.resourcePolicy."""
    if not isinstance(document, dict):
        return ["it is no mapping"]
    found = _unknown(document, {"version", VOLUMES, FILTERS}, "the document")
    if document.get("version") != "v1":
        found.append(f'version: "{document.get("version")}" is not v1')
    filters, policies = document.get(FILTERS) or {}, document.get(VOLUMES) or []
    if not isinstance(filters, dict) or not isinstance(policies, list):
        return [*found, f"{FILTERS} is a mapping and {VOLUMES} a list"]
    found += _unknown(filters, set(backup_spec.SCOPED), FILTERS)
    for field in backup_spec.SCOPED:
        words = filters.get(field) or []
        if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            found.append(f"{FILTERS}.{field} is a list of kinds")
        elif "*" in words:
            found.append(f'{FILTERS}.{field}: "*" may not stand in a policy')
    if any(filters.values()) and backup_spec.uses_old_filters(spec):
        found.append(f"{FILTERS} cannot stand beside includedResources, excludedResources and includeClusterResources")
    for index, policy in enumerate(policies):
        found += _volume_policy(policy, f"{VOLUMES}[{index}]")
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


def _volume_policy(policy: Any, at: str) -> list[str]:
    if not isinstance(policy, dict):
        return [f"{at} is no mapping"]
    found = _unknown(policy, {"conditions", "action"}, at)
    conditions, action = policy.get("conditions") or {}, policy.get("action") or {}
    if not isinstance(conditions, dict) or not isinstance(action, dict):
        return [*found, f"{at}: conditions and action are mappings"]
    found += _unknown(conditions, set(_CONDITIONS), f"{at}.conditions")
    found += [f"{at}.conditions.{key}: it is no {_CONDITIONS[key].__name__}" for key, value in conditions.items()
              if key in _CONDITIONS and not isinstance(value, _CONDITIONS[key])]
    found += _unknown(action, {"type", "parameters"}, f"{at}.action")
    kind = action.get("type")
    if kind not in _ACTIONS:
        found.append(f'{at}.action.type: "{kind}" is none of {", ".join(_ACTIONS)}')
    elif kind != "skip":
        found.append(f"{at}.action.type: this version does not save the data of volumes yet, so that only skip can be "
                     f"carried out, not {kind}")
    return found


def _unknown(mapping: Mapping[str, Any], known: set[str], at: str) -> list[str]:
    return [f'{at}: "{key}" is unknown' for key in sorted(map(str, set(mapping) - known))]
