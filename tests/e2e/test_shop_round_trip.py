"""A namespace with one of nearly every kind is backed up, lost and restored: what comes back is what was there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from tests.e2e.ark import Ark
from tests.e2e.comparison import ASSIGNED, NOT_RESTORED, differences, is_made_by_controllers, missing_and_surplus
from tests.e2e.shop import VOLUME, Objects, Shop, text
from tests.environment import Environment

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("shop")]

LABELS = ("ark.heptio.com/restore-name", "ark.heptio.com/backup-name")


@dataclasses.dataclass(frozen=True)
class Trip:
    """One round trip. before, after: what the shop consisted of."""

    name: str
    before: Objects
    after: Objects
    marks: str


@pytest.fixture(scope="module")
def trip(ark: Ark, cluster: Environment) -> Iterator[Trip]:
    """Backed up, lost and restored, with a mark in the volume. Backup and restore have the same name."""
    shop, name = Shop(cluster), "round-trip"
    shop.remove()
    shop.open()
    try:
        shop.write(f"written before {name}")
        before = shop.objects()
        ark("backup", name, "--include-namespaces", "shop", "--wait")
        shop.lose()
        assert cluster.run("get", "namespace", "shop", check=False).returncode != 0
        ark("restore", name, "--from-backup", name, "--wait")
        shop.await_ready()
        yield Trip(name, before, shop.objects(), shop.read())
    finally:
        shop.remove()


def test_every_pod_is_ready_and_the_volume_is_bound(trip: Trip) -> None:
    pods = [item for (kind, _), item in trip.after.items() if kind == "Pod"]
    assert len(pods) == 4
    for pod in pods:
        ready = [each["status"] for each in pod["status"]["conditions"] if each["type"] == "Ready"]
        assert ready == ["True"], text(pod["status"])
    assert trip.after["PersistentVolume", VOLUME]["status"]["phase"] == "Bound"
    assert trip.after["PersistentVolumeClaim", "data"]["status"]["phase"] == "Bound"


def test_what_was_written_before_the_loss_is_read_back(trip: Trip) -> None:
    assert f"written before {trip.name}" in trip.marks


def test_the_same_objects_are_there(trip: Trip) -> None:
    assert missing_and_surplus(trip.before, trip.after) == (set(NOT_RESTORED), set())


def test_they_are_equal_in_spec_labels_annotations_and_data(trip: Trip) -> None:
    found = differences(trip.before, trip.after, marks=LABELS)
    assert not found, "\n".join(found)


def test_the_table_of_what_is_assigned_has_no_line_too_many(trip: Trip) -> None:
    kinds = {kind for kind, _ in trip.before}
    assert {kind for kind, _ in ASSIGNED} <= kinds
    assert trip.before["Service", "web"]["spec"]["clusterIP"] != trip.after["Service", "web"]["spec"]["clusterIP"]
    assert trip.after["Service", "db"]["spec"]["clusterIP"] == "None"
    ports = {port["name"]: port["nodePort"] for port in trip.after["Service", "web-nodeport"]["spec"]["ports"]}
    assert ports["a"] == 30080


def test_every_created_object_carries_the_two_labels_and_nothing_else_does(trip: Trip) -> None:
    wanted = dict.fromkeys(LABELS, trip.name)
    for key, item in trip.after.items():
        labels = item["metadata"].get("labels") or {}
        own = {name: value for name, value in labels.items() if name in LABELS}
        if is_made_by_controllers(*key):
            assert own in ({}, wanted), key
        elif key == ("PersistentVolume", VOLUME):
            assert own == {}, "it was there all the time"
        else:
            assert own == wanted, key


def test_the_backup_says_that_the_volumes_data_was_not_saved(ark: Ark, trip: Trip) -> None:
    assert "shop:  persistentvolumeclaim shop/data: object only, data not saved" in ark.details("backup", trip.name)
