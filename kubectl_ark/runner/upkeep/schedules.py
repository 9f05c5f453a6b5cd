"""A CronJob for each Schedule, kept in step with it; the Schedule's status tells what came of it.

The CronJob is owned by its Schedule and goes with it. Its pod reads the template when it starts, so that only timing
and pausing are kept in step here.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Mapping
from typing import Any

import orjson

from kubectl_ark import errors
from kubectl_ark.kube.pages import items
from kubectl_ark.model import kinds, labels, names, schedules, times
from kubectl_ark.model.resources import CRON_JOBS, custom
from kubectl_ark.model.settings import Settings
from kubectl_ark.render import jobs
from kubectl_ark.runner import installed, statuses
from kubectl_ark.runner.upkeep.upkeep import Upkeep

APPLY = "application/apply-patch+yaml"
MANAGER = "kubectl-ark-reconcile"


def attend(upkeep: Upkeep) -> None:
    """Bring all CronJobs in step. Raises InvalidInput where the settings are no good, ApiError."""
    listed = [each for each in items(upkeep.api, custom(kinds.SCHEDULE), upkeep.namespace)
              if not each["metadata"].get("deletionTimestamp")]
    if not listed:
        return
    settings = installed.settings(upkeep.api, upkeep.namespace)
    newest = _newest_backups(upkeep)
    for schedule in listed:
        name = schedule["metadata"]["name"]
        try:
            _keep(upkeep, schedule, settings, newest.get(labels.label_value(name)))
        except (errors.NotFound, errors.Conflict):
            continue  # deleted meanwhile
        except errors.ApiError as failure:
            upkeep.trouble(f"schedule/{name} cannot be kept in step: {failure.sentence}")


def _keep(upkeep: Upkeep, schedule: dict[str, Any], settings: Settings, newest: str | None) -> None:
    """One Schedule. newest: when its newest Backup began, None if it has none."""
    metadata, spec = schedule["metadata"], schedule.get("spec") or {}
    status = schedule.get("status") or {}
    name = metadata["name"]
    fields: dict[str, Any] = {"observedGeneration": metadata.get("generation", 1)}
    fields["lastBackup"] = max(filter(None, (status.get("lastBackup"), newest)), default=None)
    problems = schedules.problems(spec)
    if not problems:
        try:
            fields |= _applied(upkeep, schedule, settings)
        except errors.Rejected as refusal:  # the API server knows time zones that this image does not
            problems = [refusal.sentence]
    if problems:
        _suspend(upkeep, metadata)
        fields |= {"phase": "FailedValidation", "validationErrors": problems, "nextBackup": None}
        if status.get("phase") != "FailedValidation" or status.get("validationErrors") != problems:
            upkeep.say(f"schedule/{name} is not valid and makes no backups: {'; '.join(problems)}")
    changed = {field: value for field, value in fields.items() if status.get(field) != value}
    if changed:
        statuses.write(upkeep.api, custom(kinds.SCHEDULE).path(upkeep.namespace, name, "status"), schedule, **changed)


def _applied(upkeep: Upkeep, schedule: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Create or change the CronJob; the fields of the Schedule's status that follow. Raises Rejected, ApiError."""
    metadata, spec = schedule["metadata"], schedule.get("spec") or {}
    wanted = jobs.schedule_cron_job(schedule, settings)
    path = CRON_JOBS.path(upkeep.namespace, wanted["metadata"]["name"])
    before = _cron_job(upkeep, path)
    fields: dict[str, Any] = {"phase": "Enabled", "validationErrors": None, "cronJob": wanted["metadata"]["name"]}
    if before is not None and spec.get("skipImmediately") and before["spec"]["suspend"] and not spec.get("paused"):
        # What was missed while it was paused is not made up for: the controller counts from the last time.
        moment = times.format_time(upkeep.now)
        upkeep.api.patch_merge(path + "/status", {"status": {"lastScheduleTime": moment}})
        before, fields["lastSkipped"] = _cron_job(upkeep, path), moment
    after = orjson.loads(upkeep.api.raw("PATCH", path, body=orjson.dumps(wanted), content_type=APPLY, params={
        "fieldManager": MANAGER, "force": "true"}))
    if before is None or before["metadata"]["resourceVersion"] != after["metadata"]["resourceVersion"]:
        upkeep.say(f"schedule/{metadata['name']}: {_told(before, after)}")
    return {**fields, "nextBackup": next_time(spec, upkeep.now)}


def next_time(spec: Mapping[str, Any], now: datetime.datetime) -> str | None:
    """When a Schedule that is valid is next due; None while it is paused, and where this image lacks its zone."""
    if spec.get("paused"):
        return None
    try:
        following = schedules.timing(spec).following(now)
    except zoneinfo.ZoneInfoNotFoundError:
        return None
    return times.format_time(following) if following else None


def _told(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str:
    """What became of a CronJob, for the page."""
    spec = after["spec"]
    timing = f"{spec['schedule']} {spec['timeZone']}"
    if before is None:
        return f"CronJob {after['metadata']['name']} made, {'paused' if spec['suspend'] else timing}"
    if before["spec"]["suspend"] != spec["suspend"]:
        return "paused" if spec["suspend"] else f"unpaused, {timing}"
    return f"CronJob brought up to date, {timing}"


def _suspend(upkeep: Upkeep, metadata: Mapping[str, Any]) -> None:
    """What is not valid any more must not go on as it was."""
    path = CRON_JOBS.path(upkeep.namespace, names.cron_job_name(metadata["name"], metadata["uid"]))
    found = _cron_job(upkeep, path)
    if found is not None and not found["spec"]["suspend"]:
        upkeep.api.patch_merge(path, {"spec": {"suspend": True}})


def _cron_job(upkeep: Upkeep, path: str) -> dict[str, Any] | None:
    try:
        return upkeep.api.get(path)
    except errors.NotFound:
        return None


def _newest_backups(upkeep: Upkeep) -> dict[str, str]:
    """When the newest Backup of each schedule began, by the value of the label that names the schedule."""
    newest: dict[str, str] = {}
    for backup in items(upkeep.api, custom(kinds.BACKUP), upkeep.namespace, label_selector=labels.SCHEDULE_NAME):
        began = (backup.get("status") or {}).get("startTimestamp")
        schedule = backup["metadata"]["labels"][labels.SCHEDULE_NAME]
        if began and began > newest.get(schedule, ""):
            newest[schedule] = began
    return newest
