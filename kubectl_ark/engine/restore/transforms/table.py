"""Which function serves which kind (ark-format.md §9); a kind that is not here only gets ``generic.strip``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kubectl_ark.engine.restore.order import CLAIMS, CRDS, VOLUMES
from kubectl_ark.engine.restore.transforms import accounts, extensions, generic, services, storage, workloads
from kubectl_ark.engine.restore.transforms.generic import Object

TRANSFORMS: Mapping[str, Callable[[Object], None]] = {
    "pods": workloads.pod,
    "jobs.batch": workloads.job,
    "services": services.service,
    "serviceaccounts": accounts.service_account,
    "secrets": accounts.secret,
    VOLUMES: storage.volume,
    CLAIMS: storage.claim,
    CRDS: extensions.custom_resource_definition,
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": extensions.webhooks,
    "validatingwebhookconfigurations.admissionregistration.k8s.io": extensions.webhooks,
    "schedules.ark.heptio.com": extensions.paused,
    "schedules.velero.io": extensions.paused,
    "restiks.backup.appscode.com": extensions.paused,
}
"""RoleBindings change only with a namespace mapping, which is not supported yet."""


def apply(group_resource: str, item: Object, *, keep_node_ports: bool = False) -> None:
    """Make the item ready to be created, its labels aside. In place. keep_node_ports: spec.preserveNodePorts."""
    transform = TRANSFORMS.get(group_resource)
    if keep_node_ports and transform is services.service:
        transform = services.addresses
    if transform is not None:
        transform(item)
    generic.strip(item)
