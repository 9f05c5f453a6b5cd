"""CronJobs of Restiks: which they are, whose each is, and what is told when one comes, changes or goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubectl_ark.model import kinds, labels, restiks

SELECTOR = f"{labels.RUN_KIND}={kinds.RESTIK.singular}"
"""Labels of all of them."""

UNSCHEDULED = "Unscheduled"
"""Reason of the Event that tells of one that goes."""

Object = Mapping[str, Any]


def subject(cron_job: Object) -> tuple[str, str]:
    """Namespace and name of the Restik; ("", "") where somebody has removed the annotation."""
    namespace, _, name = ((cron_job["metadata"].get("annotations") or {}).get(labels.RESTIK) or "").partition("/")
    return namespace, name


def told(before: Object | None, after: Object) -> str:
    """What became of one, for the page of a pass and for who watches. before: None for one that is new."""
    spec = after["spec"]
    timing = f"{spec['schedule']} {spec['timeZone']}"
    if before is None:
        return f"CronJob {after['metadata']['name']} made, {'paused' if spec['suspend'] else timing}"
    if bool(before["spec"].get("suspend")) != bool(spec["suspend"]):
        return "paused" if spec["suspend"] else f"unpaused, {timing}"
    return f"CronJob brought up to date, {timing}"


def farewell(cron_job: Object, why: str, *, mark: str, moment: str) -> dict[str, Any] | None:
    """The Event that tells that no more snapshots are taken; None where nobody knows whose they were.

    why: a sentence. mark: makes the Event's name. moment: RFC 3339.
    """
    namespace, name = subject(cron_job)
    if not name:
        return None
    uid = (cron_job["metadata"].get("labels") or {}).get(labels.RUN_UID) or ""
    return restiks.event(
        {"metadata": {"namespace": namespace, "name": name, "uid": uid}}, name=f"{name[:200]}.{mark}",
        reason=UNSCHEDULED, moment=moment, warns=False, message=f"no more snapshots are taken: {why}; those that were "
        "taken stay where they are")
