"""Schedules: what a CronJob takes, what Velero takes besides, and when the next time is.

That the API server takes just what is taken here is tested on it (tests/runner/test_schedules.py).
"""

from __future__ import annotations

import datetime
import random
import zoneinfo

import pytest

from kubectl_ark.model import cron

UTC = datetime.timezone.utc
TAKEN = {
    "0 3 * * *": "0 3 * * *", "*/15 0-6,22 1,15 jan-mar MON-fri": "*/15 0-6,22 1,15 jan-mar MON-fri",
    "  0   3 * * ?  ": "0 3 * * ?", "5/15 * * * *": "5/15 * * * *", "1-50/7 * * * *": "1-50/7 * * * *",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
    "@every 1m": "* * * * *", "@every 20m": "*/20 * * * *", "@every 60m": "0 * * * *", "@every 1h": "0 * * * *",
    "@every 6h": "0 */6 * * *", "@every 24h": "0 0 * * *", "@every 168h": "0 0 * * 0", "@every 1h0m0s": "0 * * * *",
    "0 0 29 2 *": "0 0 29 2 *", "0 0 31 2 1": "0 0 31 2 1",
}
REFUSED = {
    "": "0 fields instead of five", "0 3 * *": "4 fields", "0 0 3 * * *": "6 fields.*leave out the seconds",
    "60 * * * *": "minute \"60\" is not within 0 and 59", "* 24 * * *": "hour", "* * 0 * *": "day of the month",
    "* * 32 * *": "day of the month", "* * * 13 *": "month", "* * * * 7": "Sunday is 0", "* * * * 1-7": "Sunday is 0",
    "30-10 * * * *": "ends before it begins",
    "*/0 * * * *": "step of 0", "a * * * *": "not a number",
    "1,, * * * *": "not a number",
    "-1 * * * *": "not a number", "* * * foo *": "a name", "1-2-3 * * * *": "not a number",
    "*-3 * * * *": "not a number",
    "٣ * * * *": "not a number", "jan * * * *": "not a number", "*/*/2 * * * *": "not a",
    "0 0 30 2 *": "never comes", "0 0 31 4,6 *": "never comes",
    "@sometimes": "is not a schedule", "@reboot": "is not a schedule", "@every": "not a duration",
    "@every 90m": "cannot be said exactly", "@every 45s": "cannot be said", "@every 7m": "cannot be said",
    "@every 48h": "cannot be said", "@every 5h": "cannot be said", "@every 1m30s": "cannot be said",
    "@every -1h": "cannot be said",
    "CRON_TZ= 0 3 * * *": "not a time zone", "TZ=Mars/Base 0 3 * * *": "not a time zone",
    "CRON_TZ=Europe/Berlin": "0 fields",
}


@pytest.mark.parametrize("schedule", TAKEN)
def test_it_becomes_five_fields(schedule: str) -> None:
    assert cron.parse(schedule).fields == TAKEN[schedule] and cron.problems(schedule) == []


@pytest.mark.parametrize("schedule", REFUSED)
def test_it_is_refused_in_words(schedule: str) -> None:
    with pytest.raises(ValueError, match=REFUSED[schedule]):
        cron.parse(schedule)
    [sentence] = cron.problems(schedule)
    assert "\n" not in sentence


@pytest.mark.parametrize("prefix", ["CRON_TZ=", "TZ="])
def test_a_zone_before_the_fields_is_the_time_zone(prefix: str) -> None:
    assert cron.parse(f"{prefix}Europe/Berlin 0 3 * * *").zone == "Europe/Berlin"
    assert cron.parse(f"{prefix}Asia/Tokyo @daily", zone="Asia/Tokyo").fields == "0 0 * * *"
    with pytest.raises(ValueError, match="leave out one"):
        cron.parse(f"{prefix}Europe/Berlin 0 3 * * *", zone="Asia/Tokyo")


@pytest.mark.parametrize("zone", ["", "Local", "../etc/passwd", "/etc/localtime", "Europe/Atlantis", "europe berlin"])
def test_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone"):
        cron.parse("0 3 * * *", zone=zone)


def test_without_a_zone_it_is_utc() -> None:
    assert cron.parse("0 3 * * *").zone == "Etc/UTC"


def test_a_machine_without_zones_leaves_them_to_the_api_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> zoneinfo.ZoneInfo:
        raise zoneinfo.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(zoneinfo, "ZoneInfo", unknown)
    assert cron.problems("0 3 * * *", "Europe/Berlin") == [] == cron.problems("0 3 * * *", "Europe/Atlantis")
    assert cron.problems("0 3 * * *", "../etc/passwd")


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("schedule", "after", "expected"), [
    ("0 3 * * *", "2026-01-01T03:00", "2026-01-02T03:00"), ("0 3 * * *", "2026-01-01T02:59", "2026-01-01T03:00"),
    ("0 0 29 2 *", "2026-01-01T00:00", "2028-02-29T00:00"), ("0 0 1 * 1", "2026-01-02T00:00", "2026-01-05T00:00"),
    ("0 0 13 * 5", "2026-02-01T00:00", "2026-02-06T00:00"), ("0 0 */2 * 1", "2026-01-01T00:00", "2026-01-03T00:00"),
    ("CRON_TZ=Europe/Berlin 0 3 * * *", "2026-07-01T00:00", "2026-07-01T01:00"),
    # The night in which clocks go from 2:00 to 3:00 has no 2:30.
    ("CRON_TZ=Europe/Berlin 30 2 * * *", "2026-03-28T12:00", "2026-03-30T00:30"),
    # The night in which they go back from 3:00 to 2:00 has two.
    ("CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-24T12:00", "2026-10-25T00:30"),
    ("CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-25T00:30", "2026-10-25T01:30"),
    # A day that begins at one o'clock.
    ("CRON_TZ=Africa/Cairo 0 1 * * *", "2026-04-23T12:00", "2026-04-23T22:00"),
    ("CRON_TZ=Asia/Kolkata 0 0 * * *", "2026-01-01T00:00", "2026-01-01T18:30"),
])
def test_the_next_time_is(schedule: str, after: str, expected: str) -> None:
    assert cron.parse(schedule).following(moment(after)) == moment(expected)


def by_hand(schedule: cron.Cron, at: datetime.datetime, minutes: int) -> datetime.datetime | None:
    """Minute after minute, by what the local clock shows."""
    zone = zoneinfo.ZoneInfo(schedule.zone)
    at = at.replace(second=0, microsecond=0)
    for _ in range(minutes):
        at += datetime.timedelta(minutes=1)
        local = at.astimezone(zone)
        days, weekdays = local.day in schedule.days, (local.weekday() + 1) % 7 in schedule.weekdays
        fits = days or weekdays if schedule.either_day else days and weekdays
        fits = fits and local.month in schedule.months
        if fits and local.minute in schedule.minutes and local.hour in schedule.hours:
            return at
    return None


def test_any_schedule_in_any_zone_comes_when_the_local_clock_first_shows_it() -> None:
    chance = random.Random(4)
    zones = ["Etc/UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu",
             "America/Havana", "Pacific/Apia"]
    changes = [moment("2026-03-28T00:00"), moment("2026-10-24T00:00"), moment("2026-04-04T10:00"),
               moment("2026-03-08T00:00"), moment("2026-11-01T00:00"), moment("2026-04-23T18:00")]
    for _ in range(150):
        fields = [chance.choice(["*", "0", "30", "*/7", "10-20", "5,45"]), chance.choice(["*", "0", "2", "1-3", "*/5"]),
                  chance.choice(["*", "*", "24-31", "1", "*/2"]), chance.choice(["*", "*", "3-11"]),
                  chance.choice(["*", "*", "0", "sat,sun"])]
        schedule = cron.parse(" ".join(fields), zone=chance.choice(zones))
        start = chance.choice(changes) + datetime.timedelta(minutes=chance.randrange(-600, 600), seconds=17)
        expected = by_hand(schedule, start, 4 * 24 * 60)
        found = schedule.following(start)
        if expected is not None or (found and found <= start + datetime.timedelta(days=4)):
            assert found == expected, (schedule.fields, schedule.zone, start)
