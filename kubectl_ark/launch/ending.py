"""The end of a run that is dead: written by whoever finds it, or by a pass where something must be run first."""

from __future__ import annotations

from typing import Any

from kubectl_ark.launch import passes, runs
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import kinds
from kubectl_ark.model.sight import Sight


def end_if_dead(kubectl: Kubectl, kind: kinds.Kind, seen: Sight) -> dict[str, Any] | None:
    """Write Failed if the run is dead, and return the CR then; None if it is not dead or has moved meanwhile.

    One that has left post hooks undone is for a pass to end, which runs them first: it is started, and None is
    returned.
    """
    verdict = seen.verdict()
    if verdict is None or not verdict.dead or seen.resource is None:
        return None
    if (seen.resource.get("status") or {}).get("pendingHooks"):
        _have_it_ended(kubectl, seen.resource)
        return None
    return runs.end(kubectl, kind, seen.resource, message=verdict.sentence, stop_job=seen.job_to_stop())


def _have_it_ended(kubectl: Kubectl, resource: dict[str, Any]) -> None:
    """Once for each run: the Job's name holds its uid. Who may not create Jobs leaves it to the next pass."""
    metadata = resource["metadata"]
    try:
        passes.start(kubectl, metadata["namespace"], only=["deadruns"], token=metadata["uid"])
    except KubectlError as error:
        if error.status_reason not in ("AlreadyExists", "Forbidden"):
            raise
