"""Settings survive the ConfigMap, and a memory limit never falls below the request."""

import pytest

from kubectl_ark import errors
from kubectl_ark.model import settings
from kubectl_ark.model.settings import Settings


def test_settings_survive_the_config_map() -> None:
    chosen = Settings(image="x:1", active_deadline_seconds=60, host_path_volumes=True)
    assert settings.from_data(chosen.to_data()) == chosen


def test_missing_keys_have_defaults_and_unknown_ones_are_left_to_later_versions() -> None:
    assert settings.from_data({"image": "x:1", "later": "y"}) == Settings(image="x:1")


@pytest.mark.parametrize(("text", "on"), [("true", True), ("false", False)])
def test_what_is_on_or_off_is_true_or_false(text: str, on: bool) -> None:
    assert settings.from_data({"hostPathVolumes": text}).host_path_volumes is on
    with pytest.raises(errors.InvalidInput, match="hostPathVolumes"):
        settings.from_data({"hostPathVolumes": text.upper()})


@pytest.mark.parametrize("text", ["", "4h", "-1", "0"])
def test_a_deadline_that_is_no_number_of_seconds_is_named(text: str) -> None:
    with pytest.raises(errors.InvalidInput, match="activeDeadlineSeconds"):
        settings.from_data({"activeDeadlineSeconds": text})


def test_the_request_follows_a_limit_below_it() -> None:
    assert Settings().with_memory_limit("64Mi").memory_request == "64Mi"
    assert Settings().with_memory_limit("1Gi").memory_request == Settings().memory_request


@pytest.mark.parametrize("text", ["", "lots", "512MB", "0", "-1Gi"])
def test_what_is_no_amount_of_memory_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidInput):
        settings.size_in_bytes(text)


@pytest.mark.parametrize("text", ["10", "63Mi", "1k"])
def test_a_limit_that_nothing_can_start_with_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidInput, match="too little"):
        Settings().with_memory_limit(text)


@pytest.mark.parametrize(("limit", "twice"), [("256Mi", "512Mi"), ("1.5Gi", "3Gi"), ("28Mi", "64Mi"), ("9", "64Mi"),
                                              ("268435456", "536870912")])
def test_twice_as_much_is_in_the_same_unit_and_enough(limit: str, twice: str) -> None:
    assert settings.doubled(limit) == twice
