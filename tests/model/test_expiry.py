"""Expiry: which backups go, and what keeps those that would."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from kubectl_ark.model import expiry, times

NOW = datetime.datetime(2024, 6, 15, 12, tzinfo=datetime.timezone.utc)


def at(days: float) -> str:
    """The moment so many days ago."""
    return times.format_time(NOW - datetime.timedelta(days=days))


def backup(name: str, *, days: float, ttl: float | None = 30, schedule: str | None = None, phase: str = "Completed",
           by_hand: bool = False, **annotations: str) -> expiry.Dated:
    """A backup begun so many days ago. ttl: days, None for ever."""
    if schedule and not by_hand:
        annotations["job"] = f"{schedule}-1/uid"
    status = {"phase": phase, "startTimestamp": at(days), "storageLocation": "default"}
    if ttl is not None:
        status["expiration"] = at(days - ttl)
    return expiry.dated({"metadata": {
        "name": name, "uid": f"uid-{name}", "creationTimestamp": at(days),
        "labels": {"ark.heptio.com/schedule-name": schedule} if schedule else {},
        "annotations": {f"ark.heptio.com/{key.replace('_', '-')}": value for key, value in annotations.items()},
    }, "status": status})


def due(*backups: expiry.Dated, **schedules: dict[str, Any]) -> list[str]:
    """Names of those that go."""
    return [each.name for each, _ in expiry.due(backups, schedules, now=NOW)]


def test_a_backup_goes_when_its_ttl_is_over_and_one_without_ttl_stays() -> None:
    assert due(backup("old", days=31), backup("new", days=29), backup("ever", days=999, ttl=None)) == ["old"]


@pytest.mark.parametrize("phase", ["New", "InProgress", "Deleting", "Queued"])
def test_what_runs_or_is_being_deleted_does_not_expire(phase: str) -> None:
    assert due(backup("b", days=31, phase=phase)) == []


def test_the_newest_completed_backup_of_a_schedule_stays_without_the_schedule_too() -> None:
    members = [backup("a", days=90, schedule="s"), backup("b", days=60, schedule="s"),
               backup("c", days=50, schedule="s", phase="PartiallyFailed"),
               backup("d", days=40, schedule="s", phase="Failed")]
    assert due(*members) == ["a", "c", "d"]
    assert due(*members[:1], backup("b", days=60, schedule="s", expire_last="true")) == ["a", "b"]


def test_without_a_ttl_of_its_own_a_schedules_retention_decides_alone() -> None:
    members = [backup(f"d{days:02}", days=days, schedule="s") for days in (1, 2, 3, 40)]
    assert due(*members, s={"retention": {"keepLast": 2}}) == ["d40", "d03"]
    assert due(*members, s={"retention": {"keepMonthly": 12}}) == ["d03", "d02"]


def test_a_backup_made_from_a_schedule_by_hand_goes_by_its_ttl_and_takes_no_others_place() -> None:
    members = [backup("night", days=2.5, schedule="s"), backup("by-hand", days=2.2, schedule="s", by_hand=True),
               backup("next-night", days=1.5, schedule="s")]
    assert due(*members, s={"retention": {"keepLast": 2}}) == []
    assert due(*members, s={"retention": {"keepLast": 1}}) == ["night"]
    old = backup("old", days=31, schedule="s", by_hand=True)
    assert due(*members, old, s={"retention": {"keepLast": 2}}) == ["old"]


def test_the_ttl_of_a_schedules_template_is_one_more_rule_that_keeps() -> None:
    members = [backup(f"d{days:02}", days=days, schedule="s") for days in (1, 2, 3, 40)]
    spec = {"retention": {"keepLast": 1}, "template": {"ttl": "720h"}}
    assert due(*members, s=spec) == ["d40"]
    assert due(*members, s={**spec, "retention": {"keepMonthly": 12}}) == []


def test_retention_counts_good_backups_and_leaves_the_others_to_their_ttl() -> None:
    members = [backup("good", days=3, schedule="s"), backup("bad", days=1, schedule="s", phase="PartiallyFailed"),
               backup("worse", days=31, schedule="s", phase="Failed")]
    assert due(*members, s={"retention": {"keepLast": 1}}) == ["worse"]


def test_retention_that_makes_no_sense_deletes_nothing_that_its_ttl_keeps() -> None:
    assert due(backup("a", days=2, schedule="s"), backup("b", days=1, schedule="s"),
               s={"retention": {"keepLast": -1}}) == []


@pytest.mark.parametrize(("location", "words"), [
    (None, "does not exist"), ({"spec": {"accessMode": "ReadOnly"}}, "ReadOnly"),
    ({"status": {"phase": "Unavailable"}}, "Unavailable"), ({}, "not synced yet"),
    ({"status": {"firstSyncedTime": at(0.5)}}, "nothing in it expires before 2024-06-16T00:00:00Z"),
])
def test_what_keeps_a_backup_that_is_due_is_said(location: dict[str, Any] | None, words: str) -> None:
    hindrance = expiry.hindrance(backup("b", days=31), location, now=NOW)
    assert hindrance and words in hindrance and '"default"' in hindrance


def test_nothing_keeps_one_in_a_location_that_is_known_for_a_day() -> None:
    assert expiry.hindrance(backup("b", days=31), {"status": {"firstSyncedTime": at(1.1)}}, now=NOW) is None
