"""What a Backup's spec must look like, and what it means where it is silent.

Rules are Velero's (its backup controller). All mistakes are listed, not just the first. What only the cluster can
tell (is the location there) is not checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubectl_ark.model import hooks, spec_rules, times

DEFAULT_TTL = "720h0m0s"

_LATER = (
    "includedClusterScopedResources", "excludedClusterScopedResources", "includedNamespaceScopedResources",
    "excludedNamespaceScopedResources", "orLabelSelectors", "snapshotMoveData", "datamover", "snapshotVolumes",
    "defaultVolumesToFsBackup", "defaultVolumesToRestic", "uploaderConfig", "volumeSnapshotLocations",
    "orderedResources", "resourcePolicy", "metadata", "volumeGroupSnapshotLabelKey",
)


def problems(spec: Mapping[str, Any]) -> list[str]:
    """Every mistake in a Backup's spec, as sentences; empty if there is none."""
    found = spec_rules.not_yet(spec, _LATER) + spec_rules.selection(spec)
    for field in ("csiSnapshotTimeout", "itemOperationTimeout"):
        found += spec_rules.duration(spec, field)
    found += hooks.problems(spec.get("hooks") or {})
    ttl = spec_rules.duration(spec, "ttl")
    if not ttl and spec.get("ttl") and times.parse_duration(spec["ttl"]) < 0:
        ttl = [f'spec.ttl: "{spec["ttl"]}" is less than nothing']
    return found + ttl


def with_defaults(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec with what it is silent about filled in. The location's name is for the runner to find."""
    return {**spec, "ttl": _filled_ttl(spec), "includedNamespaces": spec.get("includedNamespaces") or ["*"]}


def _filled_ttl(spec: Mapping[str, Any]) -> str:
    seconds = times.parse_duration(spec["ttl"]) if spec.get("ttl") else 0
    return times.format_duration(seconds) if seconds else DEFAULT_TTL
