"""Jobs for Backups and Restores that somebody has created without one, by ``kubectl apply`` say.

The Job is the very one that the plugin would have made, and its name holds the CR's uid: whoever comes second, be it
the plugin or another pass, meets a 409.
"""

from __future__ import annotations

from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.pages import items
from kubectl_ark.model import due, kinds
from kubectl_ark.model.resources import JOBS, custom
from kubectl_ark.model.settings import Settings
from kubectl_ark.render import jobs
from kubectl_ark.runner import installed
from kubectl_ark.runner.upkeep.upkeep import Upkeep


def attend(upkeep: Upkeep) -> None:
    """Start what is due. Raises InvalidInput where the settings are no good, ApiError."""
    settings: Settings | None = None
    for kind in (kinds.BACKUP, kinds.RESTORE):
        for resource in items(upkeep.api, custom(kind), upkeep.namespace):
            if not due.is_due(resource, upkeep.now):
                continue
            settings = settings or installed.settings(upkeep.api, upkeep.namespace)
            _start(upkeep, kind, resource, settings)


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
