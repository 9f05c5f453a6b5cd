"""What a Schedule's CronJob starts: the Backup that is due now is made and run in this very pod.

Its name comes from when it was due, so that the Job's next pod finds the Backup that an earlier one has made; its
annotation says whose it is, so that a pass starts no second Job for it.
"""

from __future__ import annotations

import dataclasses
import datetime
import logging
from typing import Any

from kubectl_ark import errors
from kubectl_ark.model import kinds, labels, schedules, times
from kubectl_ark.model.resources import JOBS, custom
from kubectl_ark.runner import backup as backups
from kubectl_ark.runner import statuses
from kubectl_ark.runner.work import Work

logger = logging.getLogger(__name__)

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
"""Kubernetes puts it onto the Jobs of CronJobs: the time that they were due."""


def schedule(work: Work) -> None:
    """Make the Backup that is due, and run it. Raises InvalidInput, RunLost, ApiError, and what ``backup`` raises."""
    try:
        found = work.api.get(custom(kinds.SCHEDULE).path(work.namespace, work.name))
    except errors.NotFound:
        raise errors.RunLost(f"schedule {work.namespace}/{work.name} was deleted") from None
    job = work.api.get(JOBS.path(work.namespace, work.identity.job_name)) if work.identity.job_name else None
    if (found.get("spec") or {}).get("paused") and job and SCHEDULED in (job["metadata"].get("annotations") or {}):
        raise errors.RunLost(f"schedule {work.namespace}/{work.name} is paused")
    due = due_time(job)
    resource = schedules.backup(found, name=schedules.backup_name(work.name, due))
    if job is not None:
        annotations = resource["metadata"].setdefault("annotations", {})
        annotations[labels.JOB] = f"{job['metadata']['name']}/{job['metadata']['uid']}"
    name = _made(work, resource)
    _note(work, found, due)
    # The Job belongs to the Schedule; which Backup this run is about is settled here.
    identity = dataclasses.replace(work.identity, run_uid="")
    backups.backup(dataclasses.replace(work, name=name, identity=identity))


def due_time(job: dict[str, Any] | None) -> datetime.datetime:
    """When the Backup was due: as the CronJob's controller says, else when the Job was made by hand, else now."""
    if job is None:
        return times.now()
    metadata = job["metadata"]
    said = (metadata.get("annotations") or {}).get(SCHEDULED)
    try:
        return times.parse_time(said or metadata["creationTimestamp"])
    except ValueError as error:
        raise errors.InvalidInput(f"Job {metadata['name']}: {SCHEDULED} is no time: {said}") from error


def _made(work: Work, resource: dict[str, Any]) -> str:
    """The name of the Backup, which is there then: new, or left by an earlier pod of this Job. Raises NameTaken."""
    metadata = resource["metadata"]
    name = str(metadata["name"])
    path = custom(kinds.BACKUP).path(work.namespace)
    try:
        work.api.create(path, resource)
        logger.info("backup %s/%s is made for schedule %s", work.namespace, name, work.name)
    except errors.Conflict:
        present = work.api.get(f"{path}/{name}")["metadata"]
        ours = (metadata.get("annotations") or {}).get(labels.JOB)
        if (present.get("annotations") or {}).get(labels.JOB) != ours:
            raise errors.NameTaken(
                f"schedule {work.namespace}/{work.name}: backup {name} is there already and was made by somebody else",
                hint="it is left as it is; the schedule goes on at its next time") from None
    return name


def _note(work: Work, found: dict[str, Any], due: datetime.datetime) -> None:
    """Tell the Schedule. A pass does so too, so that this may fail."""
    path = custom(kinds.SCHEDULE).path(work.namespace, work.name, "status")
    try:
        statuses.write(work.api, path, found, lastBackup=times.format_time(due))
    except errors.ApiError as failure:
        logger.warning("the status of schedule %s/%s could not be written: %s", work.namespace, work.name, failure)
