"""Which Backups and Restores wait for somebody to start them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from kubectl_ark.model import labels, phases, times

PLUGIN = "kubectl-ark"
"""Field manager of what the plugin creates."""

PLUGIN_SECONDS = 10
"""The plugin is left this long to make the Job itself: only it knows of --memory-limit."""


def is_due(resource: dict[str, Any], now: datetime.datetime) -> bool:
    """Whether a Backup or Restore waits for somebody to start it, and that is not somebody else."""
    return is_unstarted(resource) and not left_to_plugin(resource, now)


def is_unstarted(resource: dict[str, Any]) -> bool:
    """Whether nobody runs a Backup or Restore that is one to be run."""
    metadata, status = resource["metadata"], resource.get("status") or {}
    annotations = metadata.get("annotations") or {}
    if phases.phase_of(resource) != phases.Phase.NEW or status.get("claim") or metadata.get("deletionTimestamp"):
        return False
    return labels.SYNCED not in annotations and labels.JOB not in annotations


def left_to_plugin(resource: Mapping[str, Any], now: datetime.datetime) -> bool:
    """Whether it is so new that the plugin, which made it, may still start it."""
    metadata = resource["metadata"]
    by_plugin = any(each.get("manager") == PLUGIN and each.get("operation") == "Update"
                    for each in metadata.get("managedFields") or [])
    age = now - times.parse_time(metadata["creationTimestamp"])
    return by_plugin and age <= datetime.timedelta(seconds=PLUGIN_SECONDS)
