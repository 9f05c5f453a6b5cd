"""Services: addresses and node ports that the cluster chose are left to the cluster (Velero, service_action.go)."""

from __future__ import annotations

import json
from typing import Any

from kubectl_ark.engine.restore.transforms.generic import Object

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def service(item: Object) -> None:
    """Drop cluster IPs (not "None") and the node ports that nobody asked for.

    NB: needs managedFields, so it runs before they are taken off.
    """
    addresses(item)
    _node_ports(item)


def addresses(item: Object) -> None:
    """Drop cluster IPs (not "None") alone: what is left of ``service`` with preserveNodePorts."""
    spec = item.get("spec") or {}
    if spec.get("clusterIP") != "None":
        spec.pop("clusterIP", None)
        spec.pop("clusterIPs", None)


def _node_ports(item: Object) -> None:
    spec = item.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return
    applied = _last_applied(item)
    fields = [] if applied is not None else _spec_fields(item)
    for port in spec.get("ports") or ():
        if "nodePort" not in port:
            continue
        asked = _applied(port, applied) if applied is not None else _managed(port, fields)
        if not asked:
            del port["nodePort"]
    if "healthCheckNodePort" in spec:
        asked = bool(applied.get("healthCheckNodePort")) if applied is not None \
            else any("f:healthCheckNodePort" in each for each in fields)
        if not asked:
            del spec["healthCheckNodePort"]


def _last_applied(item: Object) -> dict[str, Any] | None:
    """The spec that kubectl apply was given, None where the annotation is missing or not readable."""
    text = (item["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    if not text:
        return None
    try:
        spec = json.loads(text).get("spec")
    except (ValueError, AttributeError):
        return None
    return spec if isinstance(spec, dict) else {}


def _applied(port: dict[str, Any], applied: dict[str, Any]) -> bool:
    """Named ports are known by their name, unnamed ones by their number."""
    for each in applied.get("ports") or ():
        if each.get("nodePort"):
            if port.get("name") and each.get("name") == port["name"]:
                return True
            if not port.get("name") and not each.get("name") and each["nodePort"] == port["nodePort"]:
                return True
    return False


def _spec_fields(item: Object) -> list[dict[str, Any]]:
    entries = item["metadata"].get("managedFields") or ()
    return [(each.get("fieldsV1") or {}).get("f:spec") or {} for each in entries]


def _managed(port: dict[str, Any], fields: list[dict[str, Any]]) -> bool:
    """True if some manager owns the nodePort of this port; its key there is {"port":80,"protocol":"TCP"}."""
    wanted = {"port": port.get("port"), "protocol": port.get("protocol", "TCP")}
    for spec in fields:
        for key, value in (spec.get("f:ports") or {}).items():
            if key.startswith("k:") and "f:nodePort" in value and json.loads(key[2:]) == wanted:
                return True
    return False
