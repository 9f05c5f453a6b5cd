"""What tells this cluster from every other."""

from __future__ import annotations

from kubectl_ark.kube.api import Api


def cluster_id(api: Api) -> str:
    """The uid of the kube-system namespace, which lives as long as the cluster. Raises ApiError."""
    return str(api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"])
