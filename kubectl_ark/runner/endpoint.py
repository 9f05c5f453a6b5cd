"""Where the Jobs of volumes reach this run: an address that stays when the run's Job starts another pod."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.model import labels, names
from kubectl_ark.model.resources import SERVICES
from kubectl_ark.model.volume_work import PORT
from kubectl_ark.runner.identity import Identity
from kubectl_ark.runner.parent import Parent

HOST_VARIABLE = "ARK_BROKER_HOST"
"""Outside a pod: the address of this machine at which pods reach it. There is no other way to know it."""


def port(identity: Identity) -> int:
    """The port to listen on; 0 is any."""
    return PORT if identity.job_uid else 0


def host(api: Api, parent: Parent, identity: Identity, *, environment: Mapping[str, str] = os.environ) -> str:
    """The address at which pods reach this process. In a pod it is that of a Service which its parent owns.

    Raises InvalidInput outside a pod where nobody has said it, ApiError.
    """
    if not identity.job_uid:
        if given := environment.get(HOST_VARIABLE):
            return given
        raise errors.InvalidInput("volumes cannot be saved or brought back by a runner outside the cluster",
                                  hint=f"set {HOST_VARIABLE} to the address at which pods reach this machine")
    wanted = _service(parent, identity)
    path = SERVICES.path(parent.namespace)
    try:
        service = api.create(path, wanted)
    except errors.Conflict:
        service = api.get(SERVICES.path(parent.namespace, wanted["metadata"]["name"]))
    return str(service["spec"]["clusterIP"])


def _service(parent: Parent, identity: Identity) -> dict[str, Any]:
    return {
        "apiVersion": "v1", "kind": "Service",
        "metadata": {
            "name": names.service_name(parent.component, parent.name, parent.uid), "namespace": parent.namespace,
            "labels": {labels.MANAGED_BY: labels.MANAGER, labels.RUN_UID: parent.uid,
                       labels.EXCLUDE_FROM_BACKUP[0]: "true"},
            "ownerReferences": [parent.reference]},
        "spec": {
            # A pod that was replaced is no endpoint any more; the next one is there before it is Ready.
            "selector": {"batch.kubernetes.io/controller-uid": identity.job_uid}, "publishNotReadyAddresses": True,
            "ports": [{"name": "restic", "port": PORT, "targetPort": PORT, "protocol": "TCP"}]}}
