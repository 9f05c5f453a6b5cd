"""What a Backup's spec must look like, and what it means where it is silent.

Rules are Velero's (its backup controller). All mistakes are listed, not just the first. What only the cluster can
tell (is the location there) is not checked here. Fields of ours beside Velero's: includeUnmountedClaims, qps, parallel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kubectl_ark.model import hooks, selectors, shapes, spec_rules, times

DEFAULT_TTL = "720h0m0s"

SCOPED = ("includedClusterScopedResources", "excludedClusterScopedResources", "includedNamespaceScopedResources",
          "excludedNamespaceScopedResources")
"""Velero's scoped filters, in the order: cluster-scoped and namespaced, included and excluded."""

ALWAYS_EXCLUDED = ("volumesnapshots.snapshot.storage.k8s.io", "volumesnapshotcontents.snapshot.storage.k8s.io")
"""Velero appends these to every backup's excludes: they are made anew from volume information."""

BY_DEFAULT = ("defaultVolumesToFsBackup", "defaultVolumesToRestic")
"""Two names of one field: whether every volume of a pod is saved, its files one by one; the second is the older."""

OLD = ("includedResources", "excludedResources", "includeClusterResources")

VOLUME_GROUP_KEY = "velero.io/volume-group"
"""Velero's default of volumeGroupSnapshotLabelKey, which stored specs have."""

_STORED_DEFAULTS = {
    "csiSnapshotTimeout": "10m0s", "itemOperationTimeout": "4h0m0s", "volumeGroupSnapshotLabelKey": VOLUME_GROUP_KEY,
    "snapshotMoveData": False,
}

_EXEC = [{"exec": {"container": str, "command": [str], "onError": str, "timeout": str}}]
_SHAPE: dict[str, Any] = {
    **{f"{verb}{what}": [str] for verb in ("included", "excluded") for what in (
        "Namespaces", "Resources", "ClusterScopedResources", "NamespaceScopedResources")},
    "includeClusterResources": bool, "labelSelector": shapes.SELECTOR, "orLabelSelectors": [shapes.SELECTOR],
    "orderedResources": {"*": str}, "metadata": {"labels": {"*": str}}, "resourcePolicy": {"kind": str, "name": str},
    **dict.fromkeys(BY_DEFAULT, bool), "includeUnmountedClaims": bool, "uploaderConfig": {"parallelFilesUpload": int},
    "snapshotVolumes": bool, "snapshotMoveData": bool, "volumeSnapshotLocations": [str],
    "ttl": str, "csiSnapshotTimeout": str, "itemOperationTimeout": str, "storageLocation": str,
    "hooks": {"resources": [{
        "name": str, "labelSelector": shapes.SELECTOR, "includedNamespaces": [str], "excludedNamespaces": [str],
        "includedResources": [str], "excludedResources": [str], hooks.PRE: _EXEC, hooks.POST: _EXEC}]},
}

_LATER = ("datamover",)


def problems(spec: Mapping[str, Any]) -> list[str]:
    """Every mistake in a Backup's spec, as sentences; empty if there is none."""
    if misshapen := shapes.problems(spec, _SHAPE, "spec"):
        return misshapen
    found = spec_rules.not_yet(spec, _LATER)
    if spec.get("volumeGroupSnapshotLabelKey") not in (None, "", VOLUME_GROUP_KEY):
        found += spec_rules.not_yet(spec, ("volumeGroupSnapshotLabelKey",))
    found += spec_rules.selection(spec) + _scoped(spec) + spec_rules.pace(spec)
    for field in ("csiSnapshotTimeout", "itemOperationTimeout"):
        found += spec_rules.duration(spec, field)
    found += hooks.problems(spec.get("hooks") or {}) + _volumes(spec) + _snapshots(spec)
    for kind, text in (spec.get("orderedResources") or {}).items():
        found += _ordered(kind, text)
    labels = (spec.get("metadata") or {}).get("labels") or {}
    found += [f"spec.metadata.labels: {problem}" for problem in selectors.problems({"matchLabels": labels})]
    found += _policy(spec.get("resourcePolicy") or {})
    ttl = spec_rules.duration(spec, "ttl")
    if not ttl and spec.get("ttl") and times.parse_duration(spec["ttl"]) < 0:
        ttl = [f'spec.ttl: "{spec["ttl"]}" is less than nothing']
    return found + ttl


def with_defaults(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec with what it is silent about filled in. The location's name is for the runner to find."""
    return {**spec, "ttl": _filled_ttl(spec), "includedNamespaces": spec.get("includedNamespaces") or ["*"]}


def stored(spec: Mapping[str, Any], *, hidden: Sequence[str]) -> dict[str, Any]:
    """The spec as it stands in the bucket, which says what was done, in Velero's way (ark-format.md §5.1).

    spec: with defaults. hidden: namespaces that a label of theirs kept out. Where no filter narrowed the backup, every
    cluster-scoped kind is in it, and the spec says so: Velero 1.17 and later would take its silence for less.
    """
    result = {**_STORED_DEFAULTS, **{field: value for field, value in spec.items() if value is not None},
              BY_DEFAULT[0]: saves_by_default(spec)}
    everything = not result.get("excludedNamespaces") and set(result["includedNamespaces"]) == {"*"}
    namespaced, cluster = ALWAYS_EXCLUDED
    if any(result.get(field) for field in SCOPED):
        narrowed = result.get(SCOPED[3]) or set(result.get(SCOPED[2]) or ()) - {"*"}
        if everything and not narrowed and not result.get(SCOPED[0]) and not result.get(SCOPED[1]):
            result[SCOPED[0]] = ["*"]
        _exclude(result, SCOPED[1], [cluster])
        _exclude(result, SCOPED[3], [namespaced])
    else:
        if everything and result.get("includeClusterResources") is None:
            result["includeClusterResources"] = True
        _exclude(result, "excludedResources", ALWAYS_EXCLUDED)
    if hidden:
        _exclude(result, "excludedNamespaces", hidden)
    return result


def saves_by_default(spec: Mapping[str, Any]) -> bool:
    """True if every volume of a pod is saved unless the pod opts it out, False if it must opt it in."""
    return any(spec.get(field) for field in BY_DEFAULT)


def ordered_names(text: str) -> list[str]:
    """The names in one value of ``spec.orderedResources``: "shop/a,shop/b"."""
    return [name.strip() for name in text.split(",")]


def uses_old_filters(spec: Mapping[str, Any]) -> bool:
    """True if the spec has one of the filters that the scoped ones cannot stand beside."""
    return any(spec.get(field) not in (None, []) for field in OLD)


def _exclude(spec: dict[str, Any], field: str, more: Sequence[str]) -> None:
    present = list(spec.get(field) or ())
    if "*" not in present:
        spec[field] = present + [each for each in more if each not in present]


def _scoped(spec: Mapping[str, Any]) -> list[str]:
    found = []
    if uses_old_filters(spec) and (given := [field for field in SCOPED if spec.get(field)]):
        found.append(f"spec.{given[0]}: filters by scope cannot stand beside includedResources, excludedResources and "
                     "includeClusterResources")
    for included, excluded in (SCOPED[:2], SCOPED[2:]):
        excludes = spec.get(excluded) or []
        if "*" in excludes and (len(excludes) > 1 or spec.get(included)):
            found.append(f'spec.{excluded}: "*" leaves nothing, so it stands alone and without {included}')
        found += spec_rules.lists(spec, included, excluded)
    return found


def _ordered(kind: str, text: str) -> list[str]:
    names, at = ordered_names(text), f"spec.orderedResources.{kind}"
    found = [f'{at}: "{name}" is not NAME or NAMESPACE/NAME' for name in names
             if not name or name.count("/") > 1 or name.startswith("/") or name.endswith("/")]
    return found + [f'{at}: "{name}" is there twice' for name in sorted({each for each in names
                                                                        if names.count(each) > 1})]


def _volumes(spec: Mapping[str, Any]) -> list[str]:
    new, old = (spec.get(field) for field in BY_DEFAULT)
    found = [] if None in (new, old) or new == old else [
        f"spec.{BY_DEFAULT[1]} is another name of spec.{BY_DEFAULT[0]}, and they differ; leave one of them out"]
    return found + spec_rules.at_once(spec, "parallelFilesUpload")


def _snapshots(spec: Mapping[str, Any]) -> list[str]:
    found, places = [], spec.get("volumeSnapshotLocations") or []
    if spec.get("snapshotMoveData"):
        found.append("spec.snapshotMoveData: a snapshot's data stays at its storage in this version; what is to lie "
                     f"in the bucket is saved by spec.{BY_DEFAULT[0]}: true")
    if spec.get("snapshotVolumes") is False and places:
        found.append("spec.volumeSnapshotLocations: no snapshots are taken, as spec.snapshotVolumes is false; leave "
                     "one of them out")
    found += [f"spec.volumeSnapshotLocations: {name} is there twice" for name in sorted(set(places))
              if places.count(name) > 1]
    given = spec.get("csiSnapshotTimeout")
    if given and not spec_rules.duration(spec, "csiSnapshotTimeout") and times.parse_duration(given) < 0:
        found.append(f'spec.csiSnapshotTimeout: "{given}" is less than nothing')
    return found


def _policy(reference: Mapping[str, Any]) -> list[str]:
    if not reference:
        return []
    if str(reference.get("kind", "")).lower() != "configmap" or not reference.get("name"):
        return ["spec.resourcePolicy: it names a ConfigMap, as {kind: ConfigMap, name: …}"]
    return []


def _filled_ttl(spec: Mapping[str, Any]) -> str:
    seconds = times.parse_duration(spec["ttl"]) if spec.get("ttl") else 0
    return times.format_duration(seconds) if seconds else DEFAULT_TTL
