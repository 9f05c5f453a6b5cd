"""A Schedule: what its spec must look like, when it is due, and the Backups that it makes.

What a Backup takes over from its Schedule is Velero's rule: labels (those of the template's metadata, else the
Schedule's own), annotations, and the owner if that is asked for.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from kubectl_ark.model import backup_spec, cron, kinds, labels, names, retention, selectors, shapes

DEADLINE_SECONDS = 24 * 3600
"""A start that was missed (the cluster was down, the former backup took too long) is made up for within this time."""

LEAST_DEADLINE_SECONDS = 10
"""The CronJob controller looks every ten seconds: with less than that a CronJob never fires."""

_SHAPE = {
    "schedule": str, "timeZone": str, "startingDeadlineSeconds": int, "paused": bool, "skipImmediately": bool,
    "useOwnerReferencesInBackup": bool, "retention": dict, "template": {"metadata": {"labels": {"*": str}}},
}

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def problems(spec: Mapping[str, Any]) -> list[str]:
    """Every mistake in a Schedule's spec, as sentences; empty if there is none."""
    if misshapen := shapes.problems(spec, _SHAPE, "spec"):
        return misshapen
    found = [f"spec.schedule: {problem}" for problem in cron.problems(
        str(spec.get("schedule") or ""), spec.get("timeZone") or None)]
    deadline = spec.get("startingDeadlineSeconds")
    if deadline is not None and deadline < LEAST_DEADLINE_SECONDS:
        found.append(f"spec.startingDeadlineSeconds: with less than {LEAST_DEADLINE_SECONDS} it would never start")
    found += retention.problems(spec.get("retention") or {})
    given = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    found += [f"spec.template.metadata.labels: {problem}" for problem in selectors.problems({"matchLabels": given})]
    return found + [f"spec.template: {problem}" for problem in backup_spec.problems(template(spec))]


def timing(spec: Mapping[str, Any]) -> cron.Cron:
    """When it is due. Raises ValueError where ``problems`` would say so."""
    return cron.parse(str(spec.get("schedule") or ""), zone=spec.get("timeZone") or None)


def template(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of its Backups; the template's metadata is none of a Backup's spec."""
    return {field: value for field, value in (spec.get("template") or {}).items() if field != "metadata"}


def backup(schedule: Mapping[str, Any], *, name: str) -> dict[str, Any]:
    """The Backup that a Schedule makes, to be created. name: see ``backup_name``."""
    metadata, spec = schedule["metadata"], schedule.get("spec") or {}
    given = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or metadata.get("labels") or {}
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != LAST_APPLIED}
    made: dict[str, Any] = {"name": name, "namespace": metadata["namespace"], "labels": {
        **given, labels.SCHEDULE_NAME: labels.label_value(metadata["name"])}}
    if annotations:
        made["annotations"] = annotations
    if spec.get("useOwnerReferencesInBackup"):
        made["ownerReferences"] = [{"apiVersion": kinds.API_VERSION, "kind": kinds.SCHEDULE.kind,
                                    "name": metadata["name"], "uid": metadata["uid"], "controller": True}]
    return {"apiVersion": kinds.API_VERSION, "kind": kinds.BACKUP.kind, "metadata": made, "spec": template(spec)}


def backup_name(schedule: str, moment: datetime.datetime) -> str:
    """``<schedule>-<YYYYMMDDhhmmss>`` in UTC. moment: when the Backup was due."""
    return names.timestamped_name(schedule, moment)
