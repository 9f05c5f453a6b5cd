"""A run at one moment: what to look at, what there is to see, and the patch that ends one which cannot end itself.

Shared by the plugin, which looks through kubectl, and by the pass, which looks through the API.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from kubectl_ark.model import deadruns, labels, phases, times
from kubectl_ark.model.phases import Phase

CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
"""Label that Kubernetes puts on a Job's pods."""


@dataclasses.dataclass(frozen=True)
class Sight:
    """All there is to see of a run; ``resource`` None: it is gone."""

    resource: dict[str, Any] | None
    job: dict[str, Any] | None = None
    pods: tuple[dict[str, Any], ...] = ()
    events: tuple[dict[str, Any], ...] = ()
    nodes: tuple[dict[str, Any], ...] = ()

    had_job: bool = False
    """Whoever looks knows that a Job was made."""

    hidden: bool = False
    """Whoever looks may not see Jobs: that there is none says nothing."""

    def verdict(self) -> deadruns.Verdict | None:
        """What is wrong with the run, None if nothing is."""
        if self.resource is None or self.hidden:
            return None
        return deadruns.judge(self.resource, self.job, now=times.now(), pods=self.pods, events=self.events,
                              nodes=self.nodes, had_job=self.had_job or _job_of_schedule(self.resource) is not None)

    def job_to_stop(self) -> str | None:
        """The name of the run's Job if that might still start a pod."""
        if self.job is None or any(each.get("type") in ("Failed", "Complete") and each.get("status") == "True"
                                   for each in (self.job.get("status") or {}).get("conditions") or []):
            return None
        return str(self.job["metadata"]["name"])


def job_query(resource: Mapping[str, Any]) -> dict[str, str]:
    """The query of the list of Jobs that has a run's Job alone. A schedule's pod runs its Backup in its own Job."""
    if job := _job_of_schedule(resource):
        return {"fieldSelector": f"metadata.name={job[0]}"}
    return {"labelSelector": f"{labels.RUN_UID}={resource['metadata']['uid']}"}


def job_of(resource: Mapping[str, Any], jobs: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The run's Job among what ``job_query`` found. One that only has the name that the Backup gives is another's."""
    claimed = _job_of_schedule(resource)
    return next((each for each in jobs if claimed is None or each["metadata"]["uid"] == claimed[1]), None)


def pod_query(resource: Mapping[str, Any]) -> dict[str, str]:
    """The query of the list of pods that has a run's pods alone."""
    if job := _job_of_schedule(resource):
        return {"labelSelector": f"{CONTROLLER_UID}={job[1]}"}
    return job_query(resource)


def nodes_of(pods: tuple[dict[str, Any], ...]) -> set[str]:
    """Names of the nodes that pods run on."""
    return {pod["spec"]["nodeName"] for pod in pods if pod["spec"].get("nodeName")
            and (pod.get("status") or {}).get("phase") in ("Running", "Unknown")}


def failed_patch(resource: Mapping[str, Any], message: str) -> list[dict[str, Any]]:
    """The JSON patch of a CR's status that makes it Failed, if nobody has written to it since it was read."""
    metadata, status = resource["metadata"], resource.get("status") or {}
    moment = times.format_time(times.now())
    fields = {
        "phase": Phase.FAILED.value, "failureReason": message, "completionTimestamp": moment,
        "conditions": phases.conditions(Phase.FAILED, message=message, moment=moment,
                                        generation=metadata.get("generation", 1), former=status.get("conditions")),
    }
    patch: list[dict[str, Any]] = [
        {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
        {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
    ]
    if status.get("claim"):
        patch.append({"op": "test", "path": "/status/claim", "value": status["claim"]})
    if not status:
        patch.append({"op": "add", "path": "/status", "value": {}})
    return patch + [{"op": "add", "path": f"/status/{field}", "value": value} for field, value in fields.items()]


def _job_of_schedule(resource: Mapping[str, Any]) -> tuple[str, str] | None:
    """Name and uid of the Job whose pod made this Backup; None for one that others made."""
    name, slash, uid = ((resource["metadata"].get("annotations") or {}).get(labels.JOB) or "").partition("/")
    return (name, uid) if slash else None
