"""When a volume's Job must let go of its disk: the pod that uses it leaves the node, or the claim is to go."""

from __future__ import annotations

from kubectl_ark import errors
from kubectl_ark.engine.volumes.placing import Subject
from kubectl_ark.kube.api import Api
from kubectl_ark.model.resources import CLAIMS, PODS


def hindrance(api: Api, subject: Subject, *, node: str | None) -> str | None:
    """Why the Job must let go of the disk at once, None while it need not.

    subject: pod and claim as they were at first. node: the only one where the volume can be had, None for any.
    """
    if subject.claim is not None:
        try:
            now = api.get(CLAIMS.path(subject.claim["metadata"]["namespace"], subject.claim["metadata"]["name"]))
        except errors.NotFound:
            return "its claim is gone"
        if now["metadata"].get("deletionTimestamp"):
            return "its claim is being deleted"
    if node is None:
        return None
    metadata = subject.pod["metadata"]
    try:
        now = api.get(PODS.path(metadata["namespace"], metadata["name"]))
    except errors.NotFound:
        return f"pod {metadata['name']} is gone from node {node}, which must be able to let go of the disk"
    if now["metadata"]["uid"] != metadata["uid"] or now["metadata"].get("deletionTimestamp"):
        return f"pod {metadata['name']} leaves node {node}, which must be able to let go of the disk"
    return None
