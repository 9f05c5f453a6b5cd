"""What a Backup's or Restore's spec must look like, and what it means where it is silent.

Rules are Velero's (its backup and restore controllers). Fields that this version cannot act on yet are refused with
their name, never ignored. All mistakes are listed, not just the first. What only the cluster can tell (is the
location there, is the backup whole) is not checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubectl_ark.model import exclusions, globs, selectors, times

DEFAULT_TTL = "720h0m0s"

_REFUSED_CHARACTERS = frozenset("|()!,")

_BACKUP_LATER = (
    "includedClusterScopedResources", "excludedClusterScopedResources", "includedNamespaceScopedResources",
    "excludedNamespaceScopedResources", "orLabelSelectors", "snapshotMoveData", "datamover", "snapshotVolumes",
    "defaultVolumesToFsBackup", "defaultVolumesToRestic", "uploaderConfig", "hooks", "volumeSnapshotLocations",
    "orderedResources", "resourcePolicy", "metadata", "volumeGroupSnapshotLabelKey",
)
_RESTORE_LATER = (
    "scheduleName", "namespaceMapping", "orLabelSelectors", "restorePVs", "restoreStatus", "hooks",
    "resourceModifier", "uploaderConfig",
)


def validate_backup(spec: Mapping[str, Any]) -> list[str]:
    """Every mistake in a Backup's spec, as sentences; empty if there is none."""
    problems = _not_yet(spec, _BACKUP_LATER) + _selection(spec)
    for field in ("csiSnapshotTimeout", "itemOperationTimeout"):
        problems += _duration(spec, field)
    ttl = _duration(spec, "ttl")
    if not ttl and spec.get("ttl") and times.parse_duration(spec["ttl"]) < 0:
        ttl = [f'spec.ttl: "{spec["ttl"]}" is less than nothing']
    return problems + ttl


def validate_restore(spec: Mapping[str, Any]) -> list[str]:
    """Every mistake in a Restore's spec, as sentences; empty if there is none."""
    problems = _not_yet(spec, _RESTORE_LATER)
    if not spec.get("backupName") and not spec.get("scheduleName"):
        problems.append("spec.backupName: name the backup to restore from")
    policy = spec.get("existingResourcePolicy")
    if policy == "update":
        problems.append("spec.existingResourcePolicy: this version does not support update yet; use none")
    elif policy not in (None, "", "none"):
        problems.append(f'spec.existingResourcePolicy: "{policy}" is neither none nor update')
    problems += _selection(spec) + _duration(spec, "itemOperationTimeout")
    for kind in spec.get("includedResources") or []:
        if exclusions.names_never_restored(kind):
            problems.append(f"spec.includedResources: {kind} cannot be restored")
    return problems


def with_backup_defaults(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec with what it is silent about filled in. The location's name is for the runner to find."""
    return {**spec, "ttl": _filled_ttl(spec), "includedNamespaces": spec.get("includedNamespaces") or ["*"]}


def _filled_ttl(spec: Mapping[str, Any]) -> str:
    seconds = times.parse_duration(spec["ttl"]) if spec.get("ttl") else 0
    return times.format_duration(seconds) if seconds else DEFAULT_TTL


def _not_yet(spec: Mapping[str, Any], fields: tuple[str, ...]) -> list[str]:
    return [f"spec.{field}: this version does not support it yet; leave it out" for field in fields
            if _says_something(spec.get(field))]


def _says_something(value: Any) -> bool:
    """False for what is unset, off or empty all through, such as {"resources": []}."""
    if isinstance(value, Mapping):
        return any(_says_something(each) for each in value.values())
    return bool(value)


def _selection(spec: Mapping[str, Any]) -> list[str]:
    problems = []
    for what in ("Namespaces", "Resources"):
        included, excluded = f"included{what}", f"excluded{what}"
        includes, excludes = spec.get(included) or [], spec.get(excluded) or []
        if "*" in includes and len(includes) > 1:
            problems.append(f'spec.{included}: "*" already means all; leave out the others')
        if "*" in excludes:
            problems.append(f'spec.{excluded}: "*" would leave nothing')
        for name in sorted(set(includes) & set(excludes) - {"*"}):
            problems.append(f'"{name}" is both in spec.{included} and in spec.{excluded}')
        for field, values in ((included, includes), (excluded, excludes)):
            for value in values:
                problems += [f"spec.{field}: {problem}" for problem in _pattern(value, field)]
    problems += [f"spec.labelSelector: {problem}" for problem in selectors.problems(spec.get("labelSelector") or {})]
    return problems


def _pattern(text: str, field: str) -> list[str]:
    if not text:
        return ["a name must not be empty"]
    if field.endswith("Namespaces") and ("**" in text or (
            not _REFUSED_CHARACTERS.isdisjoint(text) and not {"{", "["} & set(text))):
        return [f'"{text}" is not a pattern: use *, ?, [abc] and {{a,b}}']
    try:
        globs.compiled(text)
    except ValueError as error:
        return [str(error)]
    return []


def _duration(spec: Mapping[str, Any], field: str) -> list[str]:
    try:
        times.parse_duration(spec.get(field) or "0")
    except ValueError as error:
        return [f"spec.{field}: {error}"]
    return []
