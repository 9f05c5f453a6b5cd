"""Custom resource definitions: custom resources can be created only when the server has taken them up."""

from __future__ import annotations

import time
from collections.abc import Iterable

from kubectl_ark import errors
from kubectl_ark.engine.restore.archive import RELATED, WANTED, Object
from kubectl_ark.engine.restore.context import Context
from kubectl_ark.engine.restore.order import CRDS
from kubectl_ark.engine.results import CLUSTER
from kubectl_ark.kube.discovery import discover

WAIT_SECONDS = 600.0
"""Velero's limit for a CRD to become ready."""

DISCOVERY_SECONDS = 30.0
"""Discovery follows an established CRD within a second or two."""

POLL_SECONDS = 0.2


def take_needed(context: Context) -> None:
    """Mark the CRDs of wanted custom resources that the cluster does not serve: without them nothing comes back."""
    needed = {type.group_resource for type, group in context.archive.groups.items() if WANTED in group.states}
    for group in context.archive.of_kind(CRDS):
        for position, name in enumerate(group.names):
            if group.states[position] == RELATED and name in needed and context.catalog.get(name) is None:
                group.states[position] = WANTED


def wait(context: Context, names: Iterable[str]) -> None:
    """Wait until the CRDs of these names are established and discovery shows their kinds; renews the catalog."""
    served = [name for name in sorted(names) if _established(context, name)]
    deadline = time.monotonic() + DISCOVERY_SECONDS
    while True:
        context.catalog = discover(context.api)
        if all(context.catalog.get(name) for name in served) or time.monotonic() > deadline:
            return
        context.progress.checkpoint()
        time.sleep(POLL_SECONDS)


def is_ready(crd: Object) -> bool:
    """True once the server serves its objects (Velero, pkg/util/kube IsV1CRDReady)."""
    conditions = {each.get("type"): each.get("status") for each in (crd.get("status") or {}).get("conditions") or ()}
    return conditions.get("Established") == "True" and conditions.get("NamesAccepted") == "True"


def _established(context: Context, name: str) -> bool:
    resource = context.catalog.get(CRDS)
    if resource is None:
        return False
    context.progress.step(f"waiting for the CRD {name}")
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        context.progress.checkpoint()
        try:
            crd = context.api.get(resource.path(name=name))
        except (errors.NotFound, errors.Forbidden):
            return False
        if is_ready(crd):
            return True
        conditions = {each.get("type"): each for each in (crd.get("status") or {}).get("conditions") or ()}
        refused = conditions.get("NamesAccepted", {}).get("status") == "False"
        if refused or time.monotonic() > deadline:
            words = conditions.get("NamesAccepted" if refused else "Established", {}).get("message", "it says not why")
            context.log.error(
                f'CustomResourceDefinition "{name}" was created but is not served: {words}; objects of that kind '
                "cannot be restored", place=CLUSTER, resource=CRDS, name=name)
            return False
        time.sleep(POLL_SECONDS)
