"""Names that Kubernetes takes, and the ones we make."""

import datetime

import pytest

from kubectl_ark.model import names


@pytest.mark.parametrize("name", ["a", "nightly-1", "a.b-c", "x" * 253, "0"])
def test_a_dns_subdomain_can_name_an_object(name: str) -> None:
    assert names.dns_name_problem(name) is None


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a..b", "a/b", "x" * 254, "ü", "a\n"])
def test_anything_else_is_refused_with_a_reason(name: str) -> None:
    assert names.dns_name_problem(name)


def test_the_same_cr_gives_the_same_job_and_a_new_cr_another() -> None:
    first = names.job_name("backup", "nightly", "11111111-2222-3333-4444-555555555555")
    assert first == names.job_name("backup", "nightly", "11111111-2222-3333-4444-555555555555")
    assert first != names.job_name("backup", "nightly", "99999999-2222-3333-4444-555555555555")


@pytest.mark.parametrize("name", ["n" * 253, "a." * 100 + "a", "short"])
def test_a_job_name_is_a_dns_label(name: str) -> None:
    made = names.job_name("restore", name, "11111111-2222-3333-4444-555555555555")
    assert len(made) <= 63 and "." not in made and names.dns_name_problem(made) is None


def test_a_generated_name_ends_with_the_time_in_utc() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    moment = datetime.datetime(2026, 5, 1, 1, 2, 3, tzinfo=zone)
    assert names.timestamped_name("shop", moment) == "shop-20260430230203"
    assert names.dns_name_problem(names.timestamped_name("n" * 253, moment)) is None
