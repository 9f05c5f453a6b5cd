"""Restiks: what is refused, when they are due, what is kept, what their snapshots and Events are called."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_ark.model import restiks

SPEC: dict[str, Any] = {"source": {"volumeName": "data", "path": "/data"}, "schedule": "0 3 * * *",
                        "destination": {"repositorySecretName": "password"}}


@pytest.mark.parametrize(("schedule", "fields"), [
    ("0 3 * * *", "0 3 * * *"), ("0 0 3 * * *", "0 3 * * *"), ("30 */5 * * * *", "*/5 * * * *"),
    ("@every 1m", "* * * * *"), ("@every 6h", "0 */6 * * *"), ("@hourly", "0 * * * *"),
    ("CRON_TZ=Europe/Berlin 15 0 3 * * mon", "0 3 * * mon"),
])
def test_a_schedule_of_five_or_six_fields_or_every_so_often_is_taken(schedule: str, fields: str) -> None:
    found = restiks.timing({"schedule": schedule})
    assert found.cron.fields == fields
    assert bool(found.warning) is (len(schedule.removeprefix("CRON_TZ=Europe/Berlin ").split()) == 6)
    assert restiks.problems({**SPEC, "schedule": schedule}) == []


def test_seconds_are_dropped_with_a_warning() -> None:
    assert restiks.timing({"schedule": "30 0 3 * * *"}).warning == (
        'spec.schedule: the seconds "30" are dropped: a CronJob starts when the minute begins')


@pytest.mark.parametrize(("schedule", "words"), [
    ("@every 30s", "less than a minute"), ("@every 59s", "less than a minute"), ("*/10 * * * * *", "more than once a"),
    ("* * * * * *", "more than once a minute"), ("0,30 * * * * *", "more than once a minute"), ("", "say when"),
    ("61 * * * *", "minute"), ("60 0 3 * * *", "not a second of a minute"), ("@every 7m", "cannot be said"),
    ("0 3 * *", "4 fields"), ("0 0 3 * * * *", "7 fields"), ("@every soon", "not a duration"),
    ("0 0 0 30 2 *", "never"),
])
def test_a_schedule_that_no_cron_job_has_is_refused(schedule: str, words: str) -> None:
    [problem] = restiks.problems({**SPEC, "schedule": schedule})
    assert problem.startswith("spec.schedule: ") and words in problem


@pytest.mark.parametrize(("changed", "words"), [
    ({"source": {}}, "spec.source.volumeName: name the volume"), ({"destination": {}}, "name the Secret"),
    ({"destination": {"repositorySecretName": "s", "volume": {"name": "v"}, "path": "/repo"}}, "storage location"),
    ({"tags": ["a,b"]}, "comma"), ({"tags": [1]}, "not text"), ({"paused": "yes"}, "not true or false"),
    ({"retentionPolicy": {"keepLastSnapshots": 0}}, "keep nothing"),
    ({"retentionPolicy": {"retainTags": ["a"]}}, "keeps none"),
    ({"retentionPolicy": {"keepLastSnapshots": -1}}, "below 0"),
])
def test_what_makes_no_sense_is_said(changed: dict[str, Any], words: str) -> None:
    [problem] = restiks.problems({**SPEC, **changed})
    assert words in problem


@pytest.mark.parametrize(("policy", "arguments"), [
    (None, None), ({}, None),
    ({"keepLastSnapshots": 3}, "--keep-last 3 --group-by host,paths --tag restik=n/r"),
    ({"keepHourlySnapshots": 1, "keepDailySnapshots": 2, "keepWeeklySnapshots": 3, "keepMonthlySnapshots": 4,
      "keepYearlySnapshots": 5, "keepTags": ["t"]}, "--keep-hourly 1 --keep-daily 2 --keep-weekly 3 --keep-monthly 4 "
     "--keep-yearly 5 --keep-tag t --group-by host,paths --tag restik=n/r"),
    ({"keepLastSnapshots": 1, "retainTags": ["a", "b"], "retainHostname": "db-0"},
     "--keep-last 1 --group-by host,paths --tag restik=n/r,pod=db-0,a --tag restik=n/r,pod=db-0,b"),
])
def test_the_policy_is_carried_out_within_the_restiks_own_tag(policy: Any, arguments: str | None) -> None:
    found = restiks.forget_arguments("n", "r", {"retentionPolicy": policy})
    assert found == (arguments.split() if arguments is not None else None)


def test_the_restiks_own_tag_comes_first_and_once() -> None:
    restik = {"metadata": {"namespace": "n", "name": "r"}, "spec": {**SPEC, "tags": ["a", "restik=n/r", "a"]}}
    assert restiks.tags(restik, pod="p", workload="Deployment/w", claim="c") == (
        "restik=n/r", "a", "pod=p", "workload=Deployment/w", "volume=data", "claim=c")


def test_an_event_is_called_by_the_config_and_its_number() -> None:
    assert restiks.event_name("nightly", 12) == "nightly-12"
    long = restiks.event_name("x" * 253, 7)
    assert len(long) == 253 and long.endswith("x-7")


def test_a_duration_is_written_as_go_does() -> None:
    assert [restiks.format_seconds(seconds) for seconds in (2.46, 59.9, 61)] == ["2.5s", "59.9s", "1m1s"]
