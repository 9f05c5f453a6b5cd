"""The directory that a node's kubelet has for one volume of a pod (Kubernetes, pkg/kubelet/kubelet_getters.go)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

PLUGINS = {"emptyDir": "empty-dir", "csi": "csi", "local": "local-volume", "nfs": "nfs", "iscsi": "iscsi", "fc": "fc"}
"""Kind of volume → the kubelet's plugin for it. What is made from Secrets and tokens must never be among them."""

_MIGRATED = frozenset({"awsElasticBlockStore", "azureDisk", "azureFile", "cinder", "gcePersistentDisk",
                       "portworxVolume", "vsphereVolume"})
"""Kinds that a CSI driver serves in their name."""

_UID = "[0-9a-f-]{32,36}"
_NAME = "[a-z0-9]([a-z0-9.-]*[a-z0-9])?"

Object = Mapping[str, Any]


class NoDirectory(ValueError):
    """The node has no directory for the volume that could be given to a Job; the text is half a sentence."""


def path(pod: Object, volume: str, persistent: Object | None, *, root: str) -> str:
    """The directory. volume: its name in the pod. persistent: the PersistentVolume behind its claim, None for a volume
    without one. root: the kubelet's own directory.

    Raises NoDirectory.
    """
    spec = pod.get("spec") or {}
    if not spec.get("nodeName"):
        raise NoDirectory("its pod is on no node")
    if persistent is not None:
        source, name = persistent.get("spec") or {}, str(persistent["metadata"]["name"])
        plugin = "csi" if _MIGRATED.intersection(source) else _plugin(source)
    else:
        source, name = next((each for each in spec.get("volumes") or () if each["name"] == volume), {}), volume
        plugin = _plugin(source)
    if "hostPath" in source:
        raise NoDirectory("it is a directory of the node's own (hostPath)")
    if not plugin:
        raise NoDirectory("where a node has it is not known for its kind of volume")
    directory = f"{_pods(root)}/{pod['metadata']['uid']}/volumes/kubernetes.io~{plugin}/{name}"
    found = f"{directory}/mount" if plugin == "csi" else directory
    if not re.fullmatch(pattern(root), found):
        raise NoDirectory(f"its directory on the node would be {found}, and a kubelet makes none of such a name")
    return found


def _plugin(source: Object) -> str:
    return next((plugin for kind, plugin in PLUGINS.items() if kind in source), "")


def pattern(root: str) -> str:
    """The regular expression (RE2) that every such path matches, and nothing else that a kubelet has."""
    plugins = "|".join(sorted(set(PLUGINS.values()) - {"csi"}))
    return (f"^{re.escape(_pods(root))}/{_UID}/volumes/kubernetes\\.io~"
            f"(({plugins})/{_NAME}|csi/{_NAME}/mount)$")


def root_problem(root: str) -> str:
    """Why this cannot be a kubelet's directory, as half a sentence; "" if it can."""
    if not root.startswith("/") or ":" in root:
        return "it is no absolute path"
    parts = root.rstrip("/").split("/")[1:]
    if not parts or "" in parts or ".." in parts or "." in parts:
        return "it is no plain path of a directory below the root"
    return ""


def _pods(root: str) -> str:
    return f"{root.rstrip('/')}/pods"
