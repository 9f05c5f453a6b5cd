"""Moments and durations as Kubernetes and Go write them."""

import datetime

import pytest

from kubectl_ark.model import times


@pytest.mark.parametrize(("text", "seconds"), [
    ("720h0m0s", 2592000), ("1.5h", 5400), ("0", 0), ("300ms", 0.3), ("-1m", -60), ("1h2m3s", 3723),
])
def test_go_durations_are_understood(text: str, seconds: float) -> None:
    assert times.parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "1d", "h", "1h 2m", "1h2x"])
def test_what_go_refuses_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        times.parse_duration(text)


def test_a_duration_survives_the_round_trip() -> None:
    for seconds in (0, 59, 60, 3661, 2592000):
        assert times.parse_duration(times.format_duration(seconds)) == seconds


def test_a_moment_survives_the_round_trip_in_utc() -> None:
    text = "2024-05-01T10:00:00Z"
    assert times.format_time(times.parse_time(text)) == text
    assert times.parse_time("2024-05-01T12:00:00+02:00") == times.parse_time(text)
    assert times.parse_time(text).tzinfo == datetime.timezone.utc


@pytest.mark.parametrize(("seconds", "text"), [
    (-5, "<invalid>"), (-1, "0s"), (95, "95s"), (192, "3m12s"), (240, "4m"), (7500, "125m"), (11100, "3h5m"),
    (14400, "4h"),
    (108000, "30h"), (187200, "2d4h"), (34560000, "400d"), (96336000, "3y20d"), (9 * 31536000, "9y"),
])
def test_ages_read_as_in_kubectl(seconds: int, text: str) -> None:
    assert times.human_duration(seconds) == text
