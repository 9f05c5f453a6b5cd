"""Retention: which backups of a schedule are kept."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest

from kubectl_ark.model import retention

UTC = datetime.timezone.utc
START = datetime.datetime(2024, 1, 1, 3, tzinfo=UTC)  # a Monday
DAILY = [(f"d{number:03}", START + datetime.timedelta(days=number)) for number in range(100)]


@pytest.mark.parametrize(("rules", "expected"), [
    ({"keepLast": 2}, ["d098", "d099"]),
    ({"keepLast": 0, "keepDaily": 3}, ["d097", "d098", "d099"]),
    ({"keepWeekly": 2}, ["d097", "d099"]),  # the 97th is a Sunday, the last but one week's newest
    ({"keepMonthly": 12}, ["d030", "d059", "d090", "d099"]),
    ({"keepLast": 1, "keepMonthly": 2}, ["d090", "d099"]),
    ({"keepLast": 1000}, [name for name, _ in DAILY]),
])
def test_a_backup_is_kept_if_any_rule_keeps_it(rules: dict[str, int], expected: list[str]) -> None:
    assert sorted(retention.kept(reversed(DAILY), rules)) == expected


def test_of_several_in_a_day_the_newest_is_kept() -> None:
    several = [(f"h{hour:02}", START + datetime.timedelta(hours=hour)) for hour in range(30)]
    assert retention.kept(several, {"keepDaily": 5}) == {"h20", "h29"}


def test_days_begin_when_they_do_in_the_schedules_time_zone() -> None:
    pair = [("before", datetime.datetime(2024, 1, 1, 14, 30, tzinfo=UTC)),
            ("after", datetime.datetime(2024, 1, 1, 15, 30, tzinfo=UTC))]
    assert retention.kept(pair, {"keepDaily": 5}) == {"after"}
    assert retention.kept(pair, {"keepDaily": 5}, zone=ZoneInfo("Asia/Tokyo")) == {"before", "after"}


def test_days_without_a_backup_do_not_count() -> None:
    sparse = [("old", START), ("older", START - datetime.timedelta(days=400))]
    assert retention.kept(sparse, {"keepDaily": 2}) == {"old", "older"}


@pytest.mark.parametrize(("rules", "word"), [
    ({"keepYearly": 1}, "keepYearly is not known"), ({"keepLast": -1}, "not a number"),
    ({"keepLast": True}, "not a number"), ({"keepDaily": "7"}, "not a number"), ({"keepLast": 0}, "keep nothing"),
])
def test_what_makes_no_sense_is_named(rules: dict[str, object], word: str) -> None:
    assert word in retention.problems(rules)[0]


def test_no_rules_are_no_problem() -> None:
    assert retention.problems({}) == [] == retention.problems({"keepLast": 1, "keepDaily": 0})
