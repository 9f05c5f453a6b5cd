"""Jobs for Backups and Restores that somebody has created without one, by ``kubectl apply`` say.

The Job is the very one that the plugin would have made, and its name holds the CR's uid: whoever comes second, be it
the plugin or another pass, meets a 409.
"""

from __future__ import annotations

import datetime
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.pages import items
from kubectl_ark.model import kinds, labels, phases, times
from kubectl_ark.model.resources import JOBS, custom
from kubectl_ark.model.settings import Settings
from kubectl_ark.render import jobs
from kubectl_ark.runner import installed
from kubectl_ark.runner.upkeep.upkeep import Upkeep

PLUGIN = "kubectl-ark"
"""Field manager of what the plugin creates."""

PLUGIN_SECONDS = 10
"""The plugin is left this long to make the Job itself: only it knows of --memory-limit."""


def attend(upkeep: Upkeep) -> None:
    """Start what is due. Raises InvalidInput where the settings are no good, ApiError."""
    settings: Settings | None = None
    for kind in (kinds.BACKUP, kinds.RESTORE):
        for resource in items(upkeep.api, custom(kind), upkeep.namespace):
            if not is_due(resource, upkeep.now):
                continue
            settings = settings or installed.settings(upkeep.api, upkeep.namespace)
            _start(upkeep, kind, resource, settings)


def is_due(resource: dict[str, Any], now: datetime.datetime) -> bool:
    """Whether a Backup or Restore waits for somebody to start it, and that is not somebody else."""
    metadata, status = resource["metadata"], resource.get("status") or {}
    annotations = metadata.get("annotations") or {}
    if phases.phase_of(resource) != phases.Phase.NEW or status.get("claim") or metadata.get("deletionTimestamp"):
        return False
    if labels.SYNCED in annotations or labels.JOB in annotations:
        return False
    by_plugin = any(each.get("manager") == PLUGIN and each.get("operation") == "Update"
                    for each in metadata.get("managedFields") or [])
    age = now - times.parse_time(metadata["creationTimestamp"])
    return not by_plugin or age > datetime.timedelta(seconds=PLUGIN_SECONDS)


def _start(upkeep: Upkeep, kind: kinds.Kind, resource: dict[str, Any], settings: Settings) -> None:
    name = resource["metadata"]["name"]
    job = jobs.run_job(kind, resource, settings)
    try:
        upkeep.api.create(JOBS.path(upkeep.namespace), job)
    except errors.Conflict:
        return
    except errors.ApiError as failure:
        upkeep.trouble(f"{kind.singular}/{name} cannot be started: {failure.sentence}")
        return
    upkeep.say(f"{kind.singular}/{name}: started Job {job['metadata']['name']}")
