"""Schedules: make and change them, and have their CronJobs follow at once."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from kubectl_ark.launch import passes, paths
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import kinds, labels


def create(kubectl: Kubectl, resource: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
    """The Schedule as the server made it. dry_run: it is only checked. Raises KubectlError."""
    return kubectl.create(paths.custom(kinds.SCHEDULE, resource["metadata"]["namespace"]), resource, dry_run=dry_run)


def change(kubectl: Kubectl, schedule: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    """Set fields of a Schedule's spec; False if they were so already. Raises KubectlError.

    One that is paused shows no next backup from then on.
    """
    present = schedule.get("spec") or {}
    if all(bool(present.get(field)) == value for field, value in spec.items()):
        return False
    metadata = schedule["metadata"]
    kubectl.patch(kinds.SCHEDULE.full_name, metadata["name"], metadata["namespace"], {"spec": dict(spec)})
    if spec.get("paused"):
        with contextlib.suppress(KubectlError):  # it shows none already, or its user leaves that to the next pass
            kubectl.patch(kinds.SCHEDULE.full_name, metadata["name"], metadata["namespace"], [
                {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
                {"op": "remove", "path": "/status/nextBackup"}], status=True)
    return True


def newest_backup(kubectl: Kubectl, name: str, namespace: str) -> str | None:
    """The name of the newest Backup of a schedule; None if it has none. Raises KubectlError."""
    selector = "?labelSelector=" + quote(f"{labels.SCHEDULE_NAME}={labels.label_value(name)}")
    found = kubectl.get(paths.custom(kinds.BACKUP, namespace) + selector)["items"]
    newest = max(found, key=lambda each: str(each["metadata"]["creationTimestamp"]), default=None)
    return None if newest is None else str(newest["metadata"]["name"])


def follow_up(kubectl: Kubectl, namespace: str) -> str:
    """Start a pass over schedules; "", or why the user may not. Raises KubectlFailed."""
    try:
        passes.start(kubectl, namespace, only=["schedules"])
    except KubectlError as error:
        if error.status_reason != "Forbidden":
            raise
        return error.message
    return ""
