"""The shop before its loss and after its restore, object by object: what differs that must not."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from typing import Any

from tests.e2e.shop import Objects, text

ASSIGNED = {
    ("Service", "spec.clusterIP"): "the API server gives a Service an address of its own, unless it is None",
    ("Service", "spec.clusterIPs"): "the same, with its second family",
    ("Service", "spec.ports[b].nodePort"): "port b of web-nodeport names none and gets any; port a keeps its",
    ("Pod", "spec.nodeName"): "the scheduler chooses the node",
    ("PersistentVolume", "spec.claimRef.uid"): "the volume is bound to the restored claim",
    ("PersistentVolume", "spec.claimRef.resourceVersion"): "the same",
}
"""What the API server and its controllers assign, beside metadata other than labels and annotations, and status."""

MADE_BY_CONTROLLERS = {
    ("Endpoints", ""): "made from Services and the addresses of their pods",
    ("EndpointSlice.discovery.k8s.io", ""): "the same, and under another name each time",
    ("ConfigMap", "kube-root-ca.crt"): "put into every namespace",
    ("ServiceAccount", "default"): "made with every namespace",
}
"""Objects that are there before a restore can make them, or not as it makes them; "" stands for every name."""

NOT_RESTORED = {
    ("ConfigMap", "skip-me"): "labelled velero.io/exclude-from-backup",
    ("Job.batch", "migrate"): "completed; it must not run twice",
    ("Pod", "migrate"): "the same",
}


def missing_and_surplus(before: Objects, after: Objects) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Kinds and names that did not come back, and that came without having been there; pods by their name's begin."""
    def names(keys: set[tuple[str, str]]) -> set[tuple[str, str]]:
        return {(kind, name.partition("-")[0] if kind == "Pod" else name) for kind, name in keys
                if not is_made_by_controllers(kind, name)}
    return names(before.keys() - after.keys()), names(after.keys() - before.keys())


def differences(before: Objects, after: Objects, *, marks: Collection[str]) -> list[str]:
    """Where objects that are in both differ in spec, labels, annotations or data. marks: labels of the restore."""
    found = []
    for key in sorted(before.keys() & after.keys()):
        if not is_made_by_controllers(*key):
            found += [f"{key}: {each}" for each in
                      _differences(_comparable(before[key], marks), _comparable(after[key], marks))]
    return found


def is_made_by_controllers(kind: str, name: str) -> bool:
    return (kind, "") in MADE_BY_CONTROLLERS or (kind, name) in MADE_BY_CONTROLLERS


def _comparable(item: dict[str, Any], marks: Collection[str]) -> dict[str, Any]:
    """Everything but what is assigned; ports by their name."""
    item = copy.deepcopy(item)
    item.pop("status", None)
    metadata = item.pop("metadata")
    labels = {name: value for name, value in (metadata.get("labels") or {}).items() if name not in marks}
    item["labels"], item["annotations"] = labels, metadata.get("annotations") or {}
    if item["kind"] == "Service":
        item["spec"]["ports"] = {port.get("name", "-"): port for port in item["spec"]["ports"]}
    for kind, path in ASSIGNED:
        if kind == item["kind"]:
            *parents, last = path.replace("[", ".").replace("]", "").split(".")
            place: Any = item
            for part in parents:
                place = place.get(part) or {}
            if last != "clusterIP" and last != "clusterIPs" or place.get("clusterIP") != "None":
                place.pop(last, None)
    return item


def _differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _differences(before.get(key), after.get(key), f"{path}.{key}")
    elif before != after:
        yield f"{path}: {text(before)} became {text(after)}"
