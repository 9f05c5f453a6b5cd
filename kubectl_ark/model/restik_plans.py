"""What is to become of a Restik now: a CronJob or none, and what its status says of it.

A pass and ``watch`` go by it alike.
"""

from __future__ import annotations

import dataclasses
import datetime
import zoneinfo
from collections.abc import Mapping, Sequence
from typing import Any

from kubectl_ark.model import restiks, times
from kubectl_ark.model.cron import Cron
from kubectl_ark.model.restik_workloads import title

SCHEDULED, PAUSED, INVALID, NOT_USED = "Scheduled", "Paused", "Invalid", "NotUsed"
"""Reasons of the condition Scheduled."""

MOST_WORKLOADS = 100
"""So many are named in the status."""

MOST_SENTENCES = 20
"""Of warnings and of mistakes."""

Object = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Plan:
    """cron: what the CronJob goes by; None where there is to be none, or none that starts anything."""

    reason: str
    message: str
    cron: Cron | None
    warnings: Sequence[str] = ()
    problems: Sequence[str] = ()
    workloads: Sequence[str] = ()

    @property
    def has_cron_job(self) -> bool:
        """Whether there is to be a CronJob; one of a Restik that is not valid any more is only held still."""
        return self.reason in (SCHEDULED, PAUSED)

    @property
    def suspended(self) -> bool:
        """Whether that is to start nothing."""
        return self.reason != SCHEDULED


def plan(restik: Object, covered: Sequence[Object]) -> Plan:
    """covered: the workloads that it saves, see ``restik_workloads.covered``."""
    spec = restik.get("spec") or {}
    names = [title(each) for each in covered][:MOST_WORKLOADS]
    if found := restiks.problems(spec):
        return Plan(INVALID, f"no snapshots are taken: {'; '.join(found)}", None, problems=found[:MOST_SENTENCES],
                    workloads=names)
    timing = restiks.timing(spec)
    warnings = [timing.warning] if timing.warning else []
    if not covered:
        return Plan(NOT_USED, f"no workload of namespace {restik['metadata']['namespace']} has the label "
                    f"{restiks.CONFIG}: {restik['metadata']['name']}", None, warnings)
    if spec.get("paused"):
        return Plan(PAUSED, "it is paused", timing.cron, warnings, workloads=names)
    return Plan(SCHEDULED, f"snapshots of {', '.join(names)} are due at {timing.cron.fields} {timing.cron.zone}"[:1000],
                timing.cron, warnings, workloads=names)


def status(restik: Object, found: Plan, *, cron_job: str, now: datetime.datetime) -> dict[str, Any]:
    """The fields of the status that a plan makes; None removes one. Those that are so already are among them.

    cron_job: its name.
    """
    metadata, former = restik["metadata"], restik.get("status") or {}
    condition = {
        "type": "Scheduled", "status": "True" if found.reason == SCHEDULED else "False", "reason": found.reason,
        "message": found.message, "observedGeneration": int(metadata.get("generation", 1))}
    before: Object = next((each for each in former.get("conditions") or () if each.get("type") == "Scheduled"), {})
    moment = times.format_time(now) if before.get("status") != condition["status"] else before["lastTransitionTime"]
    return {
        "observedGeneration": condition["observedGeneration"],
        "conditions": [{**condition, "lastTransitionTime": moment}], "warnings": list(found.warnings) or None,
        "validationErrors": list(found.problems) or None, "workloads": list(found.workloads) or None,
        "cronJob": cron_job if found.has_cron_job else None, "nextBackupTime": _following(found, now)}


def changed(restik: Object, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the fields that are not so already."""
    former = restik.get("status") or {}
    return {field: value for field, value in fields.items() if former.get(field) != value}


def _following(found: Plan, now: datetime.datetime) -> str | None:
    if found.suspended or found.cron is None:
        return None
    try:
        following = found.cron.following(now)
    except zoneinfo.ZoneInfoNotFoundError:  # the API server has a table of zones of its own
        return None
    return times.format_time(following) if following else None
