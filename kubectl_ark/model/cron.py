"""When a schedule is due: cron's five fields as Kubernetes' CronJob reads them (robfig/cron's standard parser).

Velero takes more than a CronJob does: ``CRON_TZ=Zone`` before the fields becomes the CronJob's time zone, ``@every``
becomes fields where that is exact. What cannot be said in five fields is refused in words.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import zoneinfo

from kubectl_ark.model import times

UTC = "Etc/UTC"
"""The zone of schedules that name none, whatever the controller manager's own may be."""

HORIZON_DAYS = 5 * 366
"""As far ahead a next time is looked for: 29 February comes every four years."""

_MONTHS = {name: number for number, name in enumerate(
    "jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)}
_DAYS = {name: number for number, name in enumerate("sun mon tue wed thu fri sat".split())}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}), ("hour", 0, 23, {}), ("day of the month", 1, 31, {}), ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _DAYS))
_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}
_ZONE = re.compile(r"(?:CRON_TZ|TZ)=(\S*)\s*(.*)", re.S)
_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")
_MINUTES = 60
_HOURS = 24 * _MINUTES
_WEEK = 7 * _HOURS


@dataclasses.dataclass(frozen=True)
class Cron:
    """A schedule that a CronJob takes. fields: its text, "0 3 * * *"; zone: an IANA name."""

    fields: str
    zone: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    either_day: bool
    """Both kinds of days are restricted: then a day of either kind will do, as in every cron."""

    def following(self, moment: datetime.datetime) -> datetime.datetime | None:
        """The first time after ``moment``, in UTC; None if there is none within five years.

        A time that a zone's clock leaps over does not come that day, and one that it shows twice comes twice, as with
        robfig/cron. Raises ZoneInfoNotFoundError where this machine does not know the zone.
        """
        zone = zoneinfo.ZoneInfo(self.zone)
        at = moment.astimezone(datetime.timezone.utc).replace(second=0, microsecond=0) + datetime.timedelta(minutes=1)
        end = at + datetime.timedelta(days=HORIZON_DAYS)
        while at < end:
            local = at.astimezone(zone)
            if local.month not in self.months or not self._is_day(local):
                midnight = local.replace(hour=0, minute=0, fold=0) + datetime.timedelta(days=1)
                at = max(midnight.astimezone(datetime.timezone.utc), at + datetime.timedelta(minutes=1))
            elif local.hour not in self.hours:
                at += datetime.timedelta(minutes=60 - local.minute)
            elif local.minute not in self.minutes:
                at += datetime.timedelta(minutes=1)
            else:
                return at
        return None

    def _is_day(self, local: datetime.datetime) -> bool:
        by_month, by_week = local.day in self.days, local.isoweekday() % 7 in self.weekdays
        return by_month or by_week if self.either_day else by_month and by_week


def parse(schedule: str, *, zone: str | None = None) -> Cron:
    """The schedule that ``spec.schedule`` and ``spec.timeZone`` mean. Raises ValueError with a sentence."""
    text = schedule.strip()
    if found := _ZONE.fullmatch(text):
        if zone and zone != found[1]:
            raise ValueError(f'the schedule is in zone "{found[1]}" and the time zone is "{zone}"; leave out one')
        zone, text = found[1], found[2].strip()
    zone = _checked_zone(UTC if zone is None else zone)
    if text.startswith("@"):
        text = _described(text)
    words = text.split()
    if len(words) != len(_FIELDS):
        more = ": leave out the seconds" if len(words) == 6 else ""
        raise ValueError(f'"{schedule}" has {len(words)} fields instead of five (minute, hour, day of the month, '
                         f"month, day of the week){more}")
    minutes, hours, days, months, weekdays = (
        _values(word, *field) for word, field in zip(words, _FIELDS))
    cron = Cron(" ".join(words), zone, minutes, hours, days, months, weekdays,
                either_day=not (_is_star(words[2]) or _is_star(words[4])))
    if not cron.either_day and _never(cron):
        raise ValueError(f'"{schedule}" never comes: none of its months has such a day')
    return cron


def problems(schedule: str, zone: str | None = None) -> list[str]:
    """What is wrong with a schedule, as sentences; empty if nothing is."""
    try:
        parse(schedule, zone=zone)
    except ValueError as error:
        return [str(error)]
    return []


def _values(word: str, name: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    """Numbers that one field stands for: a list of "*", "a", "a-b", each perhaps with "/step"."""
    found: set[int] = set()
    for part in word.split(","):
        body, slash, step_text = part.partition("/")
        first, dash, last = body.partition("-")
        if first in ("*", "?") and not dash:
            begin, end = low, high
        else:
            begin = _number(first, part, name, names)
            end = _number(last, part, name, names) if dash else high if slash else begin
        step = _number(step_text, part, name, {}) if slash else 1
        if begin < low or end > high:
            raise ValueError(f'{name} "{part}" is not within {low} and {high}'
                             + ("; Sunday is 0" if (low, high) == (0, 6) and "7" in part else ""))
        if begin > end:
            raise ValueError(f'{name} "{part}" ends before it begins')
        if step == 0:
            raise ValueError(f'{name} "{part}" has a step of 0')
        found.update(range(begin, end + 1, step))
    return frozenset(found)


def _number(text: str, part: str, name: str, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f'{name} "{part}" is not a number' + (", a name" if names else "") + ", a range or a step")
    return int(text)


def _is_star(word: str) -> bool:
    """Whether a field leaves its days open; "*/2" does not."""
    return any(part in ("*", "?", "*/1", "?/1") for part in word.split(","))


def _never(cron: Cron) -> bool:
    longest = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
    return not any(min(cron.days) <= longest.get(month, 31) for month in cron.months)


def _described(text: str) -> str:
    """The fields that "@daily" or "@every 6h" stand for. Raises ValueError."""
    word, _, rest = text.partition(" ")
    if word == "@every":
        return _every(rest.strip())
    if text not in _DESCRIPTORS:
        raise ValueError(f'"{text}" is not a schedule: use five fields, {", ".join(_DESCRIPTORS)} or @every 6h')
    return _DESCRIPTORS[text]


def _every(text: str) -> str:
    """Fields that come at exactly this interval for ever: it must divide the hour, the day or the week."""
    try:
        minutes = times.parse_duration(text) / 60
    except ValueError as error:
        raise ValueError(f"@every: {error}") from None
    if minutes >= 1 and minutes == int(minutes):
        whole = int(minutes)
        if whole == 1:
            return "* * * * *"
        if whole < _MINUTES and _MINUTES % whole == 0:
            return f"*/{whole} * * * *"
        if whole == _MINUTES:
            return "0 * * * *"
        if whole < _HOURS and _HOURS % whole == 0 and whole % _MINUTES == 0:
            return f"0 */{whole // _MINUTES} * * *"
        if whole == _HOURS:
            return "0 0 * * *"
        if whole == _WEEK:
            return "0 0 * * 0"
    raise ValueError(f'"@every {text}" cannot be said exactly in cron\'s five fields: use an interval that divides an '
                     "hour or a day, such as 30m or 6h, or 24h or 168h, or write the fields yourself")


def _checked_zone(zone: str) -> str:
    """The zone, if it is one. A machine without a table of zones, as a user's may be, lets all that look like one pass;
    the API server has a table of its own. Raises ValueError."""
    if zone == "Local" or not _ZONE_NAME.fullmatch(zone):
        raise ValueError(f'"{zone}" is not a time zone such as Europe/Berlin or Etc/UTC')
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError):
        if _has_zones():
            raise ValueError(f'"{zone}" is not a time zone such as Europe/Berlin or Etc/UTC') from None
    return zone


def _has_zones() -> bool:
    try:
        zoneinfo.ZoneInfo("Europe/Berlin")
    except (zoneinfo.ZoneInfoNotFoundError, OSError):
        return False
    return True
