"""What a Restore's spec must look like.

Rules are Velero's (its restore controller). All mistakes are listed, not just the first. What only the cluster and the
bucket can tell (is the backup there, is it whole) is not checked here. Fields of ours beside Velero's: items,
allowPartiallyFailed, anyCluster, existingVolumes, stopWorkloads, resourcePriorities, qps, parallel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubectl_ark.model import exclusions, items, names, restore_hooks, shapes, spec_rules, times

_FILTERS = ("includedNamespaces", "excludedNamespaces", "includedResources", "excludedResources", "labelSelector",
            "orLabelSelectors")

POLICIES = ("none", "update")

_WITH_RESTIK = ("restik", "uploaderConfig", "qps", "parallel")

VOLUME_POLICIES = ("none", "restore")
"""Of existingVolumes: what becomes of the data in a claim that exists."""

_NAMESPACES_AND_KINDS = {f"{verb}{what}": [str] for verb in ("included", "excluded") for what in (
    "Namespaces", "Resources")}
_HOOK = {
    "exec": {"container": str, "command": [str], "onError": str, "execTimeout": str, "waitTimeout": str,
             "waitForReady": bool},
    "init": {"timeout": str, "initContainers": [{"name": str, "image": str, "command": [str]}]},
}
_SHAPE: dict[str, Any] = {
    **_NAMESPACES_AND_KINDS, "backupName": str, "scheduleName": str, "allowPartiallyFailed": bool, "anyCluster": bool,
    "items": [str], "labelSelector": shapes.SELECTOR, "orLabelSelectors": [shapes.SELECTOR],
    "includeClusterResources": bool, "namespaceMapping": {"*": str}, "existingResourcePolicy": str,
    "restoreStatus": {"includedResources": [str], "excludedResources": [str]}, "preserveNodePorts": bool,
    "resourceModifier": {"apiGroup": str, "kind": str, "name": str}, "resourcePriorities": [str],
    "itemOperationTimeout": str, "restorePVs": bool, "existingVolumes": str, "stopWorkloads": bool,
    "uploaderConfig": {"writeSparseFiles": bool, "parallelFilesDownload": int},
    "restik": dict.fromkeys(("namespace", "name", "at", "pod", "toClaim"), str),
    "hooks": {"resources": [{
        **_NAMESPACES_AND_KINDS, "name": str, "labelSelector": shapes.SELECTOR, "postHooks": [_HOOK]}]},
}


def problems(spec: Mapping[str, Any]) -> list[str]:
    """Every mistake in a Restore's spec, as sentences; empty if there is none."""
    if misshapen := shapes.problems(spec, _SHAPE, "spec"):
        return misshapen
    found = _source(spec) + _volumes(spec)
    policy = spec.get("existingResourcePolicy")
    if policy and policy not in POLICIES:
        found.append(f'spec.existingResourcePolicy: "{policy}" is neither none nor update')
    found += spec_rules.selection(spec) + spec_rules.duration(spec, "itemOperationTimeout") + spec_rules.pace(spec)
    for kind in spec.get("includedResources") or []:
        if exclusions.names_never_restored(kind):
            found.append(f"spec.includedResources: {kind} cannot be restored")
    return (found + _items(spec) + _mapping(spec) + _status(spec) + _priorities(spec) + _modifier(spec)
            + restore_hooks.problems(spec))


def _source(spec: Mapping[str, Any]) -> list[str]:
    backup, schedule = spec.get("backupName"), spec.get("scheduleName")
    if spec.get("restik"):
        return _restik(spec)
    if backup and schedule:
        return ["spec.backupName and spec.scheduleName exclude each other: name the one to restore from"]
    if not backup and not schedule:
        return ["spec.backupName: name the backup to restore from, or its schedule in spec.scheduleName"]
    return [f"spec.{field}: it goes with spec.scheduleName only" for field in ("allowPartiallyFailed", "anyCluster")
            if spec.get(field) and not schedule]


def _restik(spec: Mapping[str, Any]) -> list[str]:
    """Snapshots of a Restik are data alone: whatever chooses objects has no meaning."""
    restik = spec["restik"]
    found = [f"spec.restik and spec.{field} exclude each other" for field, value in spec.items()
             if value and field not in _WITH_RESTIK]
    found += [f"spec.restik.{field}: it must be given" for field in ("namespace", "name", "toClaim")
              if not restik.get(field)]
    if restik.get("at"):
        try:
            times.parse_time(restik["at"])
        except ValueError:
            found.append(f'spec.restik.at: "{restik["at"]}" is not a time such as 2026-01-31T03:00:00Z')
    return found


def _volumes(spec: Mapping[str, Any]) -> list[str]:
    found, existing = spec_rules.at_once(spec, "parallelFilesDownload"), spec.get("existingVolumes")
    if existing and existing not in VOLUME_POLICIES:
        found.append(f'spec.existingVolumes: "{existing}" is neither none nor restore')
    elif existing == "restore" and spec.get("restorePVs") is False:
        found.append("spec.existingVolumes: restore brings data back, spec.restorePVs: false brings none; choose one")
    if spec.get("stopWorkloads") and existing != "restore":
        found.append("spec.stopWorkloads: it goes with spec.existingVolumes: restore only")
    return found


def _items(spec: Mapping[str, Any]) -> list[str]:
    given = spec.get("items") or []
    found = [f"spec.items and spec.{field} exclude each other" for field in _FILTERS if given and spec.get(field)]
    for text in given:
        try:
            item = items.parse(str(text))
        except ValueError as error:
            found.append(f"spec.items: {error}")
            continue
        if exclusions.names_never_restored(item.kind):
            found.append(f"spec.items: {item.kind} cannot be restored")
    return found


def _mapping(spec: Mapping[str, Any]) -> list[str]:
    found = []
    for old, new in (spec.get("namespaceMapping") or {}).items():
        for name in (old, new):
            problem = names.dns_name_problem(str(name or ""))
            if problem or "." in str(name):
                found.append(f"spec.namespaceMapping: {problem or f'{name} is not the name of a namespace'}")
    return found


def _status(spec: Mapping[str, Any]) -> list[str]:
    lists = spec.get("restoreStatus") or {}
    return spec_rules.selection({field: lists.get(field) for field in ("includedResources", "excludedResources")
                                 if lists.get(field) != ["*"]}, at="spec.restoreStatus")


def _priorities(spec: Mapping[str, Any]) -> list[str]:
    given = spec.get("resourcePriorities") or []
    found = [] if given.count("-") < 2 else ['spec.resourcePriorities: "-" stands once, between first and last']
    words = [word for word in given if word != "-"]
    found += [f"spec.resourcePriorities: {word} stands there twice" for word in sorted(set(words))
              if words.count(word) > 1]
    return found + (["spec.resourcePriorities: a kind must not be empty"] if "" in words else [])


def _modifier(spec: Mapping[str, Any]) -> list[str]:
    reference = spec.get("resourceModifier")
    if not reference:
        return []
    if str(reference.get("kind", "")).lower() != "configmap" or reference.get("apiGroup"):
        return ["spec.resourceModifier: it must name a ConfigMap"]
    return [] if reference.get("name") else ["spec.resourceModifier.name: name the ConfigMap"]
