"""Which of a schedule's backups are kept: restic's rules (its ``forget``), counted in backups and calendar periods.

A backup is kept if any rule keeps it. ``keepLast: 3`` keeps the newest three; ``keepDaily: 7`` the newest of each of
the last seven days that have one; weeks are ISO weeks.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping

FIELDS = ("keepLast", "keepDaily", "keepWeekly", "keepMonthly")

_PERIODS: dict[str, Callable[[datetime.datetime], tuple[int, ...]]] = {
    "keepDaily": lambda moment: (moment.year, moment.month, moment.day),
    "keepWeekly": lambda moment: tuple(moment.isocalendar()[:2]),
    "keepMonthly": lambda moment: (moment.year, moment.month),
}


def problems(retention: Mapping[str, object]) -> list[str]:
    """Everything that is wrong with a Schedule's spec.retention; {} is fine, and means that ttl alone counts."""
    found = []
    for field, value in retention.items():
        if field not in FIELDS:
            found.append(f"spec.retention.{field} is not known; use {', '.join(FIELDS)}")
        elif not isinstance(value, int) or isinstance(value, bool) or value < 0:
            found.append(f"spec.retention.{field}: {value!r} is not a number of backups")
    if retention and not found and not any(retention.values()):
        found.append("spec.retention would keep nothing; give one rule a number above 0")
    return found


def kept(backups: Iterable[tuple[str, datetime.datetime]], retention: Mapping[str, int], *,
         zone: datetime.tzinfo = datetime.timezone.utc) -> set[str]:
    """Names of the backups that a rule keeps. backups: name and moment of each. zone: whose days and weeks count."""
    newest_first = sorted(backups, key=lambda each: (each[1], each[0]), reverse=True)
    result = {name for name, _ in newest_first[:retention.get("keepLast") or 0]}
    for field, period_of in _PERIODS.items():
        periods: set[tuple[int, ...]] = set()
        for name, moment in newest_first:
            period = period_of(moment.astimezone(zone))
            if len(periods) < (retention.get(field) or 0) and period not in periods:
                periods.add(period)
                result.add(name)
    return result
