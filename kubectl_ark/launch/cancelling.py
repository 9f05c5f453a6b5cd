"""Ask a run to stop, or end one that nobody has taken up yet."""

from __future__ import annotations

import getpass

from kubectl_ark import errors
from kubectl_ark.launch import audit, runs
from kubectl_ark.launch.kubectl import Kubectl
from kubectl_ark.model import kinds, labels, phases, times
from kubectl_ark.render import jobs


def cancel(kubectl: Kubectl, kind: kinds.Kind, name: str, namespace: str) -> str:
    """What was done: "cancelled" or "cancel requested". Raises KubectlFailed if the run has ended already."""
    by = who(kubectl)
    for _ in range(5):
        resource = runs.read(kubectl, kind, name, namespace)
        if phases.is_finished(resource):
            raise errors.KubectlFailed(f"{kind.singular}/{name} has ended already: it is {phases.phase_of(resource)}")
        if (resource.get("status") or {}).get("claim"):
            request = f"{times.format_time(times.now())} {by}"
            kubectl.patch(kind.full_name, name, namespace, {"metadata": {
                "uid": resource["metadata"]["uid"], "annotations": {labels.CANCEL: request}}})
            return "cancel requested"
        if runs.end(kubectl, kind, resource, message=f"cancelled by {by} before it began",
                    stop_job=jobs.job_name(kind.singular, resource)):
            return "cancelled"
    raise errors.KubectlFailed(f"{kind.singular}/{name} changes too fast", hint="try again")


def who(kubectl: Kubectl) -> str:
    """The user as the API server knows him, else as this machine does."""
    return audit.user(kubectl) or getpass.getuser()
