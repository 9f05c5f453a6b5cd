"""When a volume's Job must let go of its disk: the pod that uses it leaves the node, or the claim is to go."""

from __future__ import annotations

from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.volumes.placing import place_of
from kubectl_ark.kube.api import Api
from kubectl_ark.model.resources import CLAIMS, PODS

Object = dict[str, Any]


def hindrance(api: Api, pod: Object, claim: Object) -> str | None:
    """Why the Job must let go of the disk at once, None while it need not. pod, claim: as they were at first."""
    try:
        now = api.get(CLAIMS.path(claim["metadata"]["namespace"], claim["metadata"]["name"]))
    except errors.NotFound:
        return "its claim is gone"
    if now["metadata"].get("deletionTimestamp"):
        return "its claim is being deleted"
    node = place_of(pod, claim, "").node
    if node is None:
        return None
    metadata = pod["metadata"]
    try:
        now = api.get(PODS.path(metadata["namespace"], metadata["name"]))
    except errors.NotFound:
        return f"pod {metadata['name']} is gone from node {node}, which must be able to let go of the disk"
    if now["metadata"]["uid"] != metadata["uid"] or now["metadata"].get("deletionTimestamp"):
        return f"pod {metadata['name']} leaves node {node}, which must be able to let go of the disk"
    return None
