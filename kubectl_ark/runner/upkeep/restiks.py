"""A CronJob for each Restik that a workload names in its label, kept in step with both.

The CronJob lies in Ark's namespace, so that no Restik can own it: what is of no use any more is removed here, and an
Event tells that the data stays.
"""

from __future__ import annotations

import contextlib
import uuid
from typing import Any

import orjson

from kubectl_ark import errors
from kubectl_ark.kube.pages import items
from kubectl_ark.model import names, restik_cron_jobs, restik_plans, restik_workloads, times
from kubectl_ark.model.resources import CRON_JOBS, EVENTS
from kubectl_ark.model.settings import Settings
from kubectl_ark.render import jobs
from kubectl_ark.runner import installed, restik_sources, statuses
from kubectl_ark.runner.restik_counts import RESTIKS
from kubectl_ark.runner.upkeep.schedules import APPLY, MANAGER
from kubectl_ark.runner.upkeep.upkeep import Upkeep

Object = dict[str, Any]


def attend(upkeep: Upkeep) -> None:
    """Bring all CronJobs in step. Raises InvalidInput where the settings are no good, ApiError."""
    present = {each["metadata"]["name"]: each for each in items(
        upkeep.api, CRON_JOBS, upkeep.namespace, label_selector=restik_cron_jobs.SELECTOR)}
    settings = Settings()
    with contextlib.suppress(errors.InvalidInput):  # what is not installed may have nothing to see to
        settings = installed.settings(upkeep.api, upkeep.namespace)
    places: list[str | None] = list(settings.reach) or [None]
    try:
        found = [each for place in places for each in items(upkeep.api, RESTIKS, place)
                 if not each["metadata"].get("deletionTimestamp")]
        workloads = [each for place in places for each in restik_sources.labelled(upkeep.api, place)] if found else []
    except errors.NotFound:
        return  # no such kind is installed
    if found:
        settings = installed.settings(upkeep.api, upkeep.namespace)
    wanted = set()
    for restik in found:
        metadata = restik["metadata"]
        name = names.restik_cron_job_name(metadata["namespace"], metadata["name"], metadata["uid"])
        wanted.add(name)
        covered = restik_workloads.covered(workloads, metadata["namespace"], metadata["name"])
        try:
            _keep(upkeep, restik, restik_plans.plan(restik, covered), settings, present.get(name), name)
        except (errors.NotFound, errors.Conflict):
            continue  # deleted meanwhile
        except errors.ApiError as failure:
            upkeep.trouble(f"restik/{metadata['name']} of namespace {metadata['namespace']} cannot be kept in step: "
                           f"{failure.sentence}")
    for name in sorted(present.keys() - wanted):
        _remove(upkeep, present[name], "it was deleted")


def _keep(upkeep: Upkeep, restik: Object, plan: restik_plans.Plan, settings: Settings, before: Object | None,
          name: str) -> None:
    metadata = restik["metadata"]
    title = f"restik/{metadata['name']} of namespace {metadata['namespace']}"
    if plan.has_cron_job:
        cron_job = jobs.restik_cron_job(restik, settings, namespace=upkeep.namespace, suspend=plan.suspended)
        after = orjson.loads(upkeep.api.raw(
            "PATCH", CRON_JOBS.path(upkeep.namespace, name), body=orjson.dumps(cron_job), content_type=APPLY,
            params={"fieldManager": MANAGER, "force": "true"}))
        if before is None or before["metadata"]["resourceVersion"] != after["metadata"]["resourceVersion"]:
            upkeep.say(f"{title}: {restik_cron_jobs.told(before, after)}")
    elif before is not None and plan.reason == restik_plans.NOT_USED:
        _remove(upkeep, before, plan.message)
    elif before is not None and not before["spec"].get("suspend"):
        upkeep.api.patch_merge(CRON_JOBS.path(upkeep.namespace, name), {"spec": {"suspend": True}})
        upkeep.say(f"{title} is not valid and takes no snapshots: {'; '.join(plan.problems)}")
    fields = restik_plans.changed(restik, restik_plans.status(restik, plan, cron_job=name, now=upkeep.now))
    if fields:
        statuses.write(upkeep.api, RESTIKS.path(metadata["namespace"], metadata["name"], "status"), restik, **fields)


def _remove(upkeep: Upkeep, cron_job: Object, why: str) -> None:
    """Take a CronJob away, with the run that may go on, and tell those who look at the workloads."""
    upkeep.delete(CRON_JOBS.path(upkeep.namespace, cron_job["metadata"]["name"]))
    event = restik_cron_jobs.farewell(cron_job, why, mark=uuid.uuid4().hex[:16], moment=times.format_time(upkeep.now))
    if event is None:
        return
    upkeep.say(f"restik/{event['involvedObject']['name']} of namespace {event['metadata']['namespace']}: "
               f"{event['message']}")
    try:
        upkeep.api.create(EVENTS.path(event["metadata"]["namespace"]), event)
    except errors.ApiError as failure:  # the namespace may be gone with all that was in it
        upkeep.write(f"{upkeep.topic}: the Event could not be written: {failure.message}")
