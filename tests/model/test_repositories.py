"""ResticRepositories: names, when their upkeep is due, what is remembered of it; and whose a lock's host name is."""

import datetime
from typing import Any

import pytest

from kubectl_ark.model import lock_hosts, names, repositories
from kubectl_ark.store.location import parse

NOW = datetime.datetime(2026, 1, 8, tzinfo=datetime.timezone.utc)
CLUSTER, UID = "0123abcd-4567-89ab-cdef-0123456789ab", "fedcba98-7654-3210-fedc-ba9876543210"


def made(namespace: str, location: str) -> str:
    return str(repositories.resource(namespace="ark", volume_namespace=namespace, location=location,
                                     identifier="s3:x")["metadata"]["name"])


def test_each_namespace_and_location_has_a_name_of_its_own_that_kubernetes_takes() -> None:
    pairs = [("a", "b-c"), ("a-b", "c"), ("n" * 63, "l" * 253), ("n" * 63, "l" * 252 + "m"), ("a", "with.dots")]
    found = [made(*pair) for pair in pairs]
    assert len(set(found)) == len(pairs) and made(*pairs[0]) == found[0]
    assert [names.dns_name_problem(each) for each in found] == [None] * len(pairs)


@pytest.mark.parametrize(("frequency", "last", "due"), [
    (None, "2026-01-01T00:00:01Z", False), (None, "2026-01-01T00:00:00Z", True), ("1h", "2026-01-07T23:00:00Z", True),
    ("0", "2020-01-01T00:00:00Z", False), ("0s", "2020-01-01T00:00:00Z", False), ("24h", None, True),
    ("", "2026-01-07T00:00:00Z", False)])
def test_it_is_due_a_frequency_after_the_last_time_or_after_it_was_made(
        frequency: str | None, last: str | None, due: bool) -> None:
    repository: dict[str, Any] = {"metadata": {"creationTimestamp": "2026-01-06T00:00:00Z"},
                                  "spec": {"maintenanceFrequency": frequency} if frequency is not None else {},
                                  "status": {"lastMaintenanceTime": last} if last else {}}
    assert repositories.is_due(repository, NOW) is due


def test_the_last_three_upkeeps_are_remembered_and_one_that_failed_leaves_it_due() -> None:
    repository: dict[str, Any] = {"status": {}}
    for number in range(5):
        fields = repositories.tidied(repository, begun=NOW, ended=NOW, message=f"{number}" * 2000, failed=number == 4)
        repository["status"] |= fields
    assert [(each["result"], each["message"][0]) for each in repository["status"]["recentMaintenance"]] == [
        ("Succeeded", "2"), ("Succeeded", "3"), ("Failed", "4")]
    assert "lastMaintenanceTime" not in fields and repository["status"]["lastMaintenanceTime"] == "2026-01-08T00:00:00Z"
    assert len(repository["status"]["recentMaintenance"][0]["message"]) == repositories.MAX_MESSAGE


def test_a_host_name_tells_the_cluster_and_is_one() -> None:
    name = lock_hosts.name(CLUSTER, UID)
    assert name == "ark-0123abcd-fedcba987654" and len(name) <= 63
    assert lock_hosts.is_ours(name, CLUSTER)


@pytest.mark.parametrize("host", [
    "", "ark-0123abcd-", "ark-0123abce-fedcba987654", "ark-0123abcd-fedcba9876543", "laptop",
    "ark-reconcile-29012345-abcde"])
def test_host_names_of_others_are_told_apart(host: str) -> None:
    assert not lock_hosts.is_ours(host, CLUSTER)


@pytest.mark.parametrize(("config", "prefix", "address"), [
    ({"s3Url": "http://minio:9000/"}, "p", "s3:http://minio:9000/b/p/restic/shop"),
    ({"s3Url": "https://minio"}, "", "s3:https://minio/b/restic/shop"),
    ({"region": "eu-west-1"}, "a/b/", "s3:s3-eu-west-1.amazonaws.com/b/a/b/restic/shop")])
def test_restic_s_address_of_a_repository_is_written_as_velero_writes_it(
        config: dict[str, str], prefix: str, address: str) -> None:
    spec = {"provider": "aws", "objectStorage": {"bucket": "b", "prefix": prefix}, "config": config}
    assert parse("l", spec, secret=None).restic_address("restic/shop/") == address
