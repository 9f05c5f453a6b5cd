"""Restiks from the user's side: their kind, their CronJobs kept in step with the user's own rights."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from kubectl_ark.launch import paths
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import kinds, names, restik_cron_jobs, restik_plans, times
from kubectl_ark.model.restik_workloads import WORKLOADS
from kubectl_ark.model.restiks import CONFIG
from kubectl_ark.model.settings import Settings
from kubectl_ark.render import jobs

MANAGER = "kubectl-ark-reconcile"
"""Field manager of the CronJobs, the same as a pass has: either may change what the other has made."""

Object = dict[str, Any]


def make_kind(kubectl: Kubectl) -> bool:
    """Make the custom resource definition if it is not there; whether it was made. Raises KubectlFailed."""
    from kubectl_ark.render.jobspecs import render

    name = kinds.RESTIK.full_name
    try:
        kubectl.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")
        return False
    except KubectlError as error:
        if error.status_reason == "Forbidden":  # whether it is there will be seen
            return False
        if error.status_reason != "NotFound":
            raise
    kubectl.run("apply", "--server-side", "--field-manager=kubectl-ark", "-f", "-",
                stdin=json.dumps(render("restik-crd", {})[0]).encode())
    kubectl.run("wait", "--for=condition=Established", "--timeout=60s", f"crd/{name}")
    return True


def collections(namespaces: Iterable[str]) -> list[tuple[str, str]]:
    """(kind, API path) of Restiks and of labelled workloads. namespaces: where; none for everywhere."""
    places = [f"/namespaces/{quote(each)}" for each in namespaces] or [""]
    found = [(kinds.RESTIK.kind, f"/apis/{kinds.RESTIK.api_version}{place}/{kinds.RESTIK.plural}") for place in places]
    for kind in WORKLOADS:
        root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
        found += [(kind.kind, f"{root}{place}/{kind.plural}?labelSelector={quote(CONFIG)}") for place in places]
    return found


def cron_job_name(restik: Object) -> str:
    """The name of a Restik's CronJob."""
    metadata = restik["metadata"]
    return names.restik_cron_job_name(metadata["namespace"], metadata["name"], metadata["uid"])


def present(kubectl: Kubectl, ark: str) -> dict[str, Object]:
    """The CronJobs of Restiks, by name. ark: Ark's namespace. Raises KubectlError."""
    path = f"/apis/batch/v1/namespaces/{quote(ark)}/cronjobs?labelSelector={quote(restik_cron_jobs.SELECTOR)}"
    return {each["metadata"]["name"]: each for each in kubectl.get(path)["items"]}


def keep(kubectl: Kubectl, ark: str, restik: Object, covered: Sequence[Any], settings: Settings) -> str:
    """Bring the CronJob of a Restik in step, and its status; a sentence about what is so now. Raises KubectlError."""
    plan, name = restik_plans.plan(restik, covered), cron_job_name(restik)
    before = present(kubectl, ark).get(name)
    said = plan.message
    if plan.has_cron_job:
        wanted = jobs.restik_cron_job(restik, settings, namespace=ark, suspend=plan.suspended)
        after = json.loads(kubectl.run(
            "apply", "--server-side", f"--field-manager={MANAGER}", "--force-conflicts", "-o", "json", "-f", "-",
            stdin=json.dumps(wanted).encode()))
        if before is None or before["metadata"]["resourceVersion"] != after["metadata"]["resourceVersion"]:
            said = f"{restik_cron_jobs.told(before, after)}; {plan.message}"
    elif before is not None and plan.reason == restik_plans.NOT_USED:
        said = remove(kubectl, before, plan.message)
    elif before is not None and not before["spec"].get("suspend"):
        kubectl.patch("cronjobs.batch", name, ark, {"spec": {"suspend": True}})
    _tell(kubectl, restik, restik_plans.changed(
        restik, restik_plans.status(restik, plan, cron_job=name, now=times.now())))
    return "; ".join([said, *plan.warnings])


def remove(kubectl: Kubectl, cron_job: Object, why: str) -> str:
    """Take a CronJob away and write the Event that tells of it; what it tells. Raises KubectlError."""
    metadata = cron_job["metadata"]
    kubectl.delete(f"/apis/batch/v1/namespaces/{quote(metadata['namespace'])}/cronjobs/{quote(metadata['name'])}")
    event = restik_cron_jobs.farewell(cron_job, why, mark=uuid.uuid4().hex[:16], moment=times.format_time(times.now()))
    if event is None:
        return f"CronJob {metadata['name']} removed: {why}"
    try:
        kubectl.create(paths.core("events", event["metadata"]["namespace"]), event)
    except KubectlError:  # the user may not, or the namespace is gone with all that was in it
        pass
    return str(event["message"])


def _tell(kubectl: Kubectl, restik: Object, fields: Object) -> None:
    """Who may not write the status leaves that to the next pass."""
    if not fields:
        return
    metadata = restik["metadata"]
    try:
        kubectl.patch(kinds.RESTIK.full_name, metadata["name"], metadata["namespace"], {"status": fields}, status=True)
    except KubectlError as error:
        if error.status_reason not in ("Forbidden", "NotFound", "Conflict"):
            raise
