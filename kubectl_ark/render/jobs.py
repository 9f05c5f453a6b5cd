"""Job objects, rendered for one CR each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kubectl_ark import __version__, errors
from kubectl_ark.model import cron, kinds, labels, lock_hosts, names, restiks, schedules
from kubectl_ark.model.settings import CONFIG_MAP, Settings

FETCHED_FILE = "/tmp/fetched"
"""Where the fetching pod puts the file; the admission policy allows exec to read just this and the next."""

FACTS_FILE = FETCHED_FILE + ".json"
"""And what it knows of it: {"size": bytes, "sha256": hex, "checked": "manifest", "archive" or ""}."""

RECONCILE_CRON_JOB = "ark-reconcile"

DEFAULT_SECRET = ("cloud-credentials", "cloud")
"""Velero's Secret and key where a location names none."""


def run_job(kind: kinds.Kind, resource: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The Job that runs one Backup or Restore. resource: the CR as the server returned it (it has a uid)."""
    return _render(f"{kind.singular}-job", kind, resource, settings, component=kind.singular,
                   arguments=[kind.singular, resource["metadata"]["name"]])


def validation_job(location: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The Job that tries one BackupStorageLocation."""
    return _render("validate-location-job", kinds.STORAGE_LOCATION, location, settings, component="validate",
                   arguments=["validate-location", location["metadata"]["name"]])


def repository_job(repository: dict[str, Any], settings: Settings, *, cluster_id: str) -> dict[str, Any]:
    """The Job that tidies and checks the repository of one ResticRepository."""
    metadata = repository["metadata"]
    host = lock_hosts.name(cluster_id, metadata["uid"])
    return _render("repository-job", kinds.RESTIC_REPOSITORY, repository, settings, component="repository",
                   arguments=["repository", metadata["name"]], marks={labels.LOCK_HOST: host},
                   repository={"host": host, "go_memory": settings.go_memory})


def fetch_job(request: dict[str, Any], settings: Settings, *, location: dict[str, Any], key: str,
              has_secret: bool, owner: str | None = None) -> dict[str, Any]:
    """The Job that fetches ``key`` for one DownloadRequest. location: the BackupStorageLocation.

    has_secret: whether there are credentials to mount; without, the pod's surroundings must give them. owner: uid of
    the Restore whose file it must be, None for whatever lies there.
    """
    credential = location["spec"].get("credential")
    secret = {"name": credential["name"], "key": credential["key"]} if credential \
        else dict(zip(("name", "key"), DEFAULT_SECRET))
    authority = (location["spec"].get("objectStorage") or {}).get("caCertRef")
    fetch = {"location": json.dumps(location["spec"], sort_keys=True), "location_name": location["metadata"]["name"],
             "key": key, "owner": owner, "output": FETCHED_FILE, "secret": secret if has_secret else None,
             "authority": authority}
    return _render("fetch-job", kinds.DOWNLOAD_REQUEST, request, settings, component="fetch",
                   arguments=["fetch", "--output", FETCHED_FILE], fetch=fetch)


def reconcile_job(namespace: str, settings: Settings, *, token: str, only: Sequence[str] = ()) -> dict[str, Any]:
    """The Job that makes one pass over everything. only: names of topics; all if empty.

    token: a text that no other pass has. Nobody owns the Job; it goes when its time to live is over.
    """
    from kubectl_ark.render.jobspecs import render_one

    arguments = ["reconcile", "--namespace", namespace] + (["--only", ",".join(only)] if only else [])
    return render_one("reconcile-job", {
        "namespace": namespace, "settings": settings, "args": arguments,
        "job": {"name": names.job_name("reconcile", "", token), "owner": None, "labels": labels.run_labels(
            component="reconcile", name="reconcile", uid="", version=__version__)}})


def reconcile_cron_job(namespace: str, settings: Settings) -> dict[str, Any]:
    """The CronJob that makes a pass again and again, as often as the settings say. Raises InvalidInput."""
    from kubectl_ark.render.jobspecs import render_one

    job = reconcile_job(namespace, settings, token="cronjob")
    try:
        timing = cron.parse(settings.reconcile_schedule)
    except ValueError as error:
        raise errors.InvalidInput(f"ConfigMap {CONFIG_MAP}: reconcileSchedule: {error}") from error
    return render_one("reconcile-cronjob", {
        "namespace": namespace, "settings": settings, "job": job, "cron": timing})


def schedule_cron_job(schedule: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The CronJob of a Schedule, as the server returned that. Raises ValueError where its timing makes no sense."""
    from kubectl_ark.render.jobspecs import render_one

    metadata, spec = schedule["metadata"], schedule.get("spec") or {}
    job = _render("schedule-job", kinds.SCHEDULE, schedule, settings, component="schedule",
                  arguments=["schedule", metadata["name"]])
    return render_one("schedule-cronjob", {
        "namespace": metadata["namespace"], "settings": settings, "job": job,
        "name": names.cron_job_name(metadata["name"], metadata["uid"]), "cron": schedules.timing(spec),
        "deadline": spec.get("startingDeadlineSeconds") or schedules.DEADLINE_SECONDS,
        "suspend": bool(spec.get("paused")), "owner": job["metadata"]["ownerReferences"][0]})


def restik_cron_job(restik: dict[str, Any], settings: Settings, *, namespace: str, suspend: bool) -> dict[str, Any]:
    """The CronJob of a Restik, as the server returned that. namespace: Ark's, where the CronJob lies.

    Nobody owns it: an owner in another namespace would be none. Raises ValueError where its timing makes no sense.
    """
    from kubectl_ark.render.jobspecs import render_one

    metadata = restik["metadata"]
    subject = f"{metadata['namespace']}/{metadata['name']}"
    name = names.restik_cron_job_name(metadata["namespace"], metadata["name"], metadata["uid"])
    job = render_one("restik-job", {
        "namespace": namespace, "settings": settings, "args": ["restik", subject, "--namespace", namespace],
        "job": {"name": name, "owner": None, "labels": labels.run_labels(
            component="restik", name=metadata["name"], uid=metadata["uid"], version=__version__)}})
    return render_one("restik-cronjob", {
        "namespace": namespace, "settings": settings, "job": job, "name": name,
        "cron": restiks.timing(restik.get("spec") or {}).cron, "suspend": suspend,
        "annotations": {labels.RESTIK: subject}})


def job_name(component: str, resource: dict[str, Any]) -> str:
    """The name of the Job of one CR."""
    metadata = resource["metadata"]
    return names.job_name(component, metadata["name"], metadata["uid"])


def _render(jobspec: str, kind: kinds.Kind, resource: dict[str, Any], settings: Settings, *, component: str,
            arguments: list[str], marks: Mapping[str, str] | None = None, **values: Any) -> dict[str, Any]:
    """marks: further labels of Job and pod. values: further ones that the jobspec wants."""
    from kubectl_ark.render.jobspecs import render_one

    metadata = resource["metadata"]
    if component != "fetch":
        arguments = [*arguments, "--namespace", metadata["namespace"]]
    return render_one(jobspec, {
        "namespace": metadata["namespace"],
        "settings": settings,
        "args": arguments,
        "job": {
            "name": job_name(component, resource),
            "labels": {**labels.run_labels(component=component, name=metadata["name"], uid=metadata["uid"],
                                           version=__version__), **(marks or {})},
            "owner": {"apiVersion": kinds.API_VERSION, "kind": kind.kind, "name": metadata["name"],
                      "uid": metadata["uid"], "controller": True},
        },
        **values,
    })
