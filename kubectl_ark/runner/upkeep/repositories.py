"""Jobs that tidy and check restic repositories, each as often as its ResticRepository says. Nothing is forgotten by
them: which backups are kept is decided by backups alone.

A Job's name holds the uid of the ResticRepository: there is one at a time, and after one that has failed the next
comes when that is cleared away.
"""

from __future__ import annotations

import datetime
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.pages import items
from kubectl_ark.model import deadruns, kinds, phases, repositories, times
from kubectl_ark.model.resources import EVENTS, JOBS, PODS, custom
from kubectl_ark.model.sight import CONTROLLER_UID
from kubectl_ark.render import jobs
from kubectl_ark.runner import installed, locations
from kubectl_ark.runner.cluster import cluster_id
from kubectl_ark.runner.repositories import REPOSITORIES, write
from kubectl_ark.runner.upkeep.upkeep import Upkeep
from kubectl_ark.runner.validate import UNAVAILABLE

RESTORES = custom(kinds.POD_VOLUME_RESTORE)


def attend(upkeep: Upkeep) -> None:
    """Start what is due, and say what became of the last Job. Raises InvalidInput, ApiError."""
    due = [each for each in items(upkeep.api, REPOSITORIES, upkeep.namespace) if _is_due(upkeep, each)]
    if not due:
        return
    places = {each["metadata"]["name"]: each for each in locations.everyone(upkeep.api, upkeep.namespace)}
    for repository in due:
        place = places.get(repository["spec"]["backupStorageLocation"])
        if place is None:
            message = f'storage location "{repository["spec"]["backupStorageLocation"]}" does not exist'
            write(upkeep.api, repository, phase=repositories.NOT_READY, message=message)
            upkeep.write(f"{upkeep.topic}: {_title(repository)} is left alone: {message}")
        elif (place.get("spec") or {}).get("accessMode") == "ReadOnly":
            upkeep.write(f"{upkeep.topic}: {_title(repository)} is left alone: its location is ReadOnly")
        elif (place.get("status") or {}).get("phase") != UNAVAILABLE and not _is_read(upkeep, repository):
            _start(upkeep, repository)


def _title(repository: dict[str, Any]) -> str:
    return f"{kinds.RESTIC_REPOSITORY.singular}/{repository['metadata']['name']}"


def _is_due(upkeep: Upkeep, repository: dict[str, Any]) -> bool:
    try:
        return not repository["metadata"].get("deletionTimestamp") and repositories.is_due(repository, upkeep.now)
    except ValueError as wrong:
        upkeep.trouble(f"{_title(repository)}: spec.maintenanceFrequency: {wrong}")
        return False


def _is_read(upkeep: Upkeep, repository: dict[str, Any]) -> bool:
    """Whether volumes are being brought back from it: that takes no lock, and needs the packs that are there now."""
    source = repository["spec"]["volumeNamespace"]
    busy = any(not _is_over(each) and source == _source(each)
               for each in items(upkeep.api, RESTORES, upkeep.namespace))
    if busy:
        upkeep.write(f"{upkeep.topic}: {_title(repository)} waits: volumes are being brought back from it")
    return busy


def _source(restore: dict[str, Any]) -> str:
    """The namespace that a PodVolumeRestore's volume was saved from."""
    spec = restore["spec"]
    return str(spec.get("sourceNamespace") or (spec.get("pod") or {}).get("namespace"))


def _is_over(restore: dict[str, Any]) -> bool:
    return phases.phase_of(restore) in ("Completed", "Failed", "Canceled")


def _start(upkeep: Upkeep, repository: dict[str, Any]) -> None:
    settings = installed.settings(upkeep.api, upkeep.namespace)
    job = jobs.repository_job(repository, settings, cluster_id=cluster_id(upkeep.api))
    try:
        upkeep.api.create(JOBS.path(upkeep.namespace), job)
    except errors.Conflict:
        _look(upkeep, repository, job["metadata"]["name"])
        return
    except errors.ApiError as failure:
        upkeep.trouble(f"{_title(repository)} cannot be tidied: {failure.sentence}")
        return
    upkeep.say(f"{_title(repository)}: started Job {job['metadata']['name']}")


def _look(upkeep: Upkeep, repository: dict[str, Any], name: str) -> None:
    """What hinders the Job that is there; one that died without a word is written down in its place."""
    try:
        job = upkeep.api.get(JOBS.path(upkeep.namespace, name))
    except errors.NotFound:
        return
    pods = upkeep.api.get(PODS.path(upkeep.namespace), params={
        "labelSelector": f"{CONTROLLER_UID}={job['metadata']['uid']}"})["items"]
    refusals = upkeep.api.get(EVENTS.path(upkeep.namespace), params={"fieldSelector": "type=Warning"})["items"]
    verdict = deadruns.judge({**repository, "status": {"phase": phases.Phase.IN_PROGRESS.value}}, job, now=upkeep.now,
                             pods=pods, events=refusals)
    begun = times.parse_time(job["metadata"]["creationTimestamp"])
    if verdict is None or _has_told(repository, begun):
        return
    message = (f"{verdict.message}; raise volumeMemoryLimit in ConfigMap ark-settings"
               if verdict.reason == "OOMKilled" else verdict.sentence)
    if not any(each.get("type") == "Failed" and each.get("status") == "True"
               for each in (job.get("status") or {}).get("conditions") or []):
        upkeep.write(f"{upkeep.topic}: {_title(repository)}: Job {name} waits: {message}")
        return
    write(upkeep.api, repository, **repositories.tidied(repository, begun=begun, ended=upkeep.now, message=message,
                                                        failed=True))
    upkeep.trouble(f"{_title(repository)} was not tidied: {message}")


def _has_told(repository: dict[str, Any], begun: datetime.datetime) -> bool:
    """Whether the Job that was made then has written down how it ended."""
    told = (repository.get("status") or {}).get("recentMaintenance") or []
    return any(times.parse_time(each["startTimestamp"]) >= begun for each in told)
