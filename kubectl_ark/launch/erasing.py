"""Backups and Restores deleted with what they have in the bucket: asked for by CRs, carried out by a pass."""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from collections.abc import Sequence
from typing import Any

from kubectl_ark import errors
from kubectl_ark.launch import cancelling, passes, paths, runs
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import deletions, kinds, labels, names, phases, times

TOPIC = "deletions"


@dataclasses.dataclass(frozen=True)
class Wish:
    """One object that is to go. ``request``: the DeleteBackupRequest for it, None for a Restore."""

    kind: kinds.Kind
    name: str
    request: str | None


def ask(kubectl: Kubectl, kind: kinds.Kind, objects: Sequence[dict[str, Any]], *, any_cluster: bool) -> list[Wish]:
    """Ask for the deletion of these Backups or Restores, in order. any_cluster: also what another cluster made.

    Raises KubectlFailed where a Restore has not ended: nothing is asked for then; and at the first that cannot be asked
    for: what was asked for before it stays so.
    """
    for each in objects if kind == kinds.RESTORE else ():
        if not phases.is_finished(each):
            name = each["metadata"]["name"]
            raise errors.KubectlFailed(f"restore/{name} is {phases.phase_of(each)}",
                                       hint=f'stop it with "kubectl ark cancel restore {name}" first')
    who = cancelling.who(kubectl)
    wishes = []
    for each in objects:
        metadata = each["metadata"]
        if kind == kinds.BACKUP:
            request = kubectl.create(paths.custom(kinds.DELETE_REQUEST, metadata["namespace"]),
                                     _request(metadata, who, any_cluster))
            wishes.append(Wish(kind, metadata["name"], request["metadata"]["name"]))
            continue
        kubectl.patch(kind.full_name, metadata["name"], metadata["namespace"], {"metadata": {
            "uid": metadata["uid"],
            "annotations": {labels.DELETE_REQUESTED: f"{times.format_time(times.now())} {who}"}}})
        wishes.append(Wish(kind, metadata["name"], None))
    return wishes


def carry_out(kubectl: Kubectl, namespace: str, wishes: Sequence[Wish]) -> None:
    """Have a Job make the pass that deletes, and wait for its end. Raises KubectlFailed where it cannot run."""
    job = passes.start(kubectl, namespace, only=(TOPIC,))
    for _ in passes.page(kubectl, job):
        pass
    # The log of a pod that the node has much to do with may end before the pod does.
    if any(failure(kubectl, namespace, wish) for wish in wishes):
        with contextlib.suppress(errors.KubectlFailed):  # what could not be done is asked about next
            passes.outcome(kubectl, job)


def failure(kubectl: Kubectl, namespace: str, wish: Wish) -> str | None:
    """Why what was wished for has not come true; None if it has. Raises KubectlError."""
    if wish.request is None:
        try:
            runs.read(kubectl, wish.kind, wish.name, namespace)
        except KubectlError as error:
            if error.status_reason == "NotFound":
                return None
            raise
        return 'it is still there; "kubectl ark reconcile --wait" tells why'
    request = runs.read(kubectl, kinds.DELETE_REQUEST, wish.request, namespace)
    reasons = "; ".join((request.get("status") or {}).get("errors") or [])
    if deletions.is_processed(request):
        return reasons or None
    if reasons:
        return (f"{reasons}; every pass until {times.format_time(deletions.tried_until(request))} tries again, and "
                f'deletebackuprequest/{wish.request} tells what came of it')
    return f"the request is still {phases.phase_of(request)}; another pass has it or will take it up"


def remark(kubectl: Kubectl, namespace: str, wish: Wish) -> str:
    """What is to be known of a deletion that was carried out; "" for nothing. Raises KubectlError."""
    if wish.request is None:
        return ""
    request = runs.read(kubectl, kinds.DELETE_REQUEST, wish.request, namespace)
    return str((request.get("status") or {}).get("message") or "")


def _request(backup: dict[str, Any], who: str, any_cluster: bool) -> dict[str, Any]:
    annotations = {labels.REQUESTED_BY: who, **({labels.ANY_CLUSTER: "true"} if any_cluster else {})}
    return {
        "apiVersion": kinds.API_VERSION, "kind": kinds.DELETE_REQUEST.kind,
        "metadata": {"name": names.with_tail(backup["name"], uuid.uuid4().hex[:8]), "namespace": backup["namespace"],
                     "labels": labels.of_delete_request(backup["name"], backup["uid"]), "annotations": annotations},
        "spec": {"backupName": backup["name"]}}
