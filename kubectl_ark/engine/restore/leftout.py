"""Items that are selected and yet not created, because something else makes them or they belong to the past."""

from __future__ import annotations

from collections.abc import Callable

from kubectl_ark.engine.restore.archive import Object
from kubectl_ark.engine.restore.transforms.accounts import is_auto_made_token
from kubectl_ark.engine.restore.transforms.workloads import JOB_UID_LABELS
from kubectl_ark.model import labels

BY_CONTROLLER = "made again by its controller"
COMPLETED = "it had completed"

SLICE_MANAGER = "endpointslice.kubernetes.io/managed-by"
SLICE_CONTROLLERS = ("endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io")
ENDPOINTS_TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"
ENDPOINTS_MANAGER = "endpoints.kubernetes.io/managed-by"

SNAPSHOTS = frozenset({"volumesnapshots.snapshot.storage.k8s.io", "volumesnapshotcontents.snapshot.storage.k8s.io"})
"""Velero keeps them in its archive; created as they were, they would have snapshots taken anew."""

OUR_RUNS = frozenset({"pods", "jobs.batch", "cronjobs.batch", "secrets"})


def reason(group_resource: str, item: Object) -> str | None:
    """Why the item is left out, or None. Cheap: it looks at the item alone."""
    if group_resource in OUR_RUNS \
            and (item["metadata"].get("labels") or {}).get(labels.MANAGED_BY) == labels.MANAGER:
        return "it belongs to kubectl-ark"
    if group_resource in SNAPSHOTS:
        return "snapshots come back with the claims that they are of"
    rule = _RULES.get(group_resource)
    return rule(item) if rule else None


def _pod(item: Object) -> str | None:
    """Mirror pods and completed ones (Velero, restore.go), and pods of Jobs.

    A Job gets a new selector with its new uid and never adopts its old pods: brought back, such a pod would do the
    Job's work a second time and stay for ever.
    """
    metadata = item["metadata"]
    if "kubernetes.io/config.mirror" in (metadata.get("annotations") or {}):
        return "made again by its node"
    if (item.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return COMPLETED
    if any(label in (metadata.get("labels") or {}) for label in JOB_UID_LABELS):
        return BY_CONTROLLER
    return None


def _job(item: Object) -> str | None:
    return COMPLETED if (item.get("status") or {}).get("completionTime") else None


def _secret(item: Object) -> str | None:
    return BY_CONTROLLER if is_auto_made_token(item) else None


def _config_map(item: Object) -> str | None:
    """The cluster's own CA, which the controller manager puts into every namespace: that of another cluster is wrong.

    So it is neither created nor compared; a pod that mounts it gets this cluster's.
    """
    return BY_CONTROLLER if item["metadata"]["name"] == "kube-root-ca.crt" else None


def _endpoint_slice(item: Object) -> str | None:
    """Without the ownerReference to its Service a controller-made slice would stay for ever beside the new one."""
    metadata = item["metadata"]
    manager = (metadata.get("labels") or {}).get(SLICE_MANAGER)
    return BY_CONTROLLER if manager in SLICE_CONTROLLERS or _is_api_server(item) else None


def _endpoints(item: Object) -> str | None:
    """Those of a Service with a selector; addresses that a user entered for one without are kept."""
    metadata = item["metadata"]
    made = (ENDPOINTS_MANAGER in (metadata.get("labels") or {})
            or ENDPOINTS_TRIGGER in (metadata.get("annotations") or {}) or _is_api_server(item))
    return BY_CONTROLLER if made else None


def _is_api_server(item: Object) -> bool:
    metadata = item["metadata"]
    return (metadata.get("namespace"), metadata["name"]) == ("default", "kubernetes")


def _api_service(item: Object) -> str | None:
    """Velero, apiservice_action.go."""
    automanaged = "kube-aggregator.kubernetes.io/automanaged" in (item["metadata"].get("labels") or {})
    return "made again by the API server" if automanaged else None


def _node_lease(item: Object) -> str | None:
    return "made again by its node" if item["metadata"].get("namespace") == "kube-node-lease" else None


_RULES: dict[str, Callable[[Object], str | None]] = {
    "pods": _pod,
    "jobs.batch": _job,
    "secrets": _secret,
    "configmaps": _config_map,
    "endpointslices.discovery.k8s.io": _endpoint_slice,
    "endpoints": _endpoints,
    "apiservices.apiregistration.k8s.io": _api_service,
    "leases.coordination.k8s.io": _node_lease,
    # Service addresses (KEP 1880): each new Service gets its own, an old one would only block an address.
    "ipaddresses.networking.k8s.io": lambda item: "made again by the API server",
}
