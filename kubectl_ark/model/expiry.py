"""Which backups are not to be kept any longer.

A backup goes once its ttl is over. Where its Schedule has rules of retention, they decide instead: it is kept as long
as a rule keeps it, or the ttl that the Schedule's own template gives. They decide about what the schedule made itself:
a backup that somebody made from it by hand goes by its ttl, and takes no other's place. The newest Completed backup of
a schedule is kept whatever its ttl, by the label, so also when the Schedule is gone.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kubectl_ark.model import labels, phases, retention, stored_backup, times
from kubectl_ark.model.phases import Phase

GRACE = datetime.timedelta(hours=24)
"""How long a location that was synced for the first time lets nothing expire."""

_ENDED = {Phase.COMPLETED.value, Phase.PARTIALLY_FAILED.value, Phase.FAILED.value, Phase.FAILED_VALIDATION.value,
          "WaitingForPluginOperations", "WaitingForPluginOperationsPartiallyFailed", "Finalizing",
          "FinalizingPartiallyFailed"}


@dataclasses.dataclass(frozen=True)
class Dated:
    """What of a Backup matters here; of thousands no more is held."""

    name: str
    uid: str
    phase: str
    location: str | None
    schedule: str | None
    """Label value of the schedule that it is of."""
    started: datetime.datetime
    expiration: datetime.datetime | None
    by_hand: bool
    """Whether it was made by somebody, not when the schedule was due."""
    may_be_last: bool
    """Whether it may go although it is the last good one of its schedule."""


def dated(backup: dict[str, Any]) -> Dated:
    """From the CR."""
    metadata, status = backup["metadata"], backup.get("status") or {}
    annotations, expiration = metadata.get("annotations") or {}, status.get("expiration")
    return Dated(
        name=metadata["name"], uid=metadata["uid"], phase=phases.phase_of(backup),
        location=stored_backup.location_of(backup),
        schedule=labels.schedule_of(metadata.get("labels")),
        started=times.parse_time(status.get("startTimestamp") or metadata["creationTimestamp"]),
        expiration=times.parse_time(expiration) if expiration else None,
        by_hand=labels.JOB not in annotations,
        may_be_last=annotations.get(labels.EXPIRE_LAST) == "true")


def due(backups: Iterable[Dated], schedules: Mapping[str, Mapping[str, Any]], *,
        now: datetime.datetime) -> list[tuple[Dated, str]]:
    """The backups to be deleted, each with the reason, oldest first. schedules: spec by name."""
    by_schedule: dict[str, list[Dated]] = defaultdict(list)
    found = []
    for backup in backups:
        if backup.schedule:
            by_schedule[backup.schedule].append(backup)
        elif reason := _ttl_is_over(backup, now):
            found.append((backup, reason))
    specs = {labels.label_value(name): spec for name, spec in schedules.items()}
    for schedule, members in by_schedule.items():
        found += _of_schedule(members, specs.get(schedule) or {}, now)
    return sorted(found, key=lambda each: (each[0].started, each[0].name))


def hindrance(backup: Dated, location: dict[str, Any] | None, *, now: datetime.datetime) -> str | None:
    """Why a backup that is due stays all the same; None if nothing keeps it. location: its own, None if it is gone."""
    if backup.location is None:
        return None
    if location is None:
        return f'storage location "{backup.location}" does not exist'
    spec, status = location.get("spec") or {}, location.get("status") or {}
    if spec.get("accessMode") == "ReadOnly":
        return f'storage location "{backup.location}" is ReadOnly'
    if status.get("phase") == "Unavailable":
        return f'storage location "{backup.location}" is Unavailable'
    first = status.get("firstSyncedTime")
    if not first:
        return f'storage location "{backup.location}" was not synced yet'
    ends = times.parse_time(first) + GRACE
    if ends > now:
        return (f'storage location "{backup.location}" was synced for the first time at {first}, '
                f"so nothing in it expires before {times.format_time(ends)}")
    return None


def _of_schedule(members: list[Dated], spec: Mapping[str, Any], now: datetime.datetime) -> list[tuple[Dated, str]]:
    good = [each for each in members if each.phase == Phase.COMPLETED.value]
    last = max(good, key=lambda each: (each.started, each.name), default=None)
    rules = spec.get("retention") or {}
    if rules and retention.problems(rules):
        rules = {}  # what makes no sense deletes nothing; the Schedule says so
    ruled = {each.name: each.started for each in good if rules and not each.by_hand}
    kept = retention.kept(list(ruled.items()), rules, zone=_zone(spec)) if ruled else set()
    holds = bool((spec.get("template") or {}).get("ttl"))
    found = []
    for backup in members:
        over = _ttl_is_over(backup, now)
        if backup.name in ruled:
            goes = "no rule of its schedule's retention keeps it" if over or not holds else None
        else:
            goes = over
        if goes and backup.name not in kept and (backup is not last or backup.may_be_last):
            found.append((backup, goes))
    return found


def _ttl_is_over(backup: Dated, now: datetime.datetime) -> str | None:
    if backup.phase not in _ENDED or backup.expiration is None or backup.expiration > now:
        return None
    return f"it expired at {times.format_time(backup.expiration)}"


def _zone(spec: Mapping[str, Any]) -> datetime.tzinfo:
    try:
        return ZoneInfo(spec.get("timeZone") or "Etc/UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return datetime.timezone.utc
