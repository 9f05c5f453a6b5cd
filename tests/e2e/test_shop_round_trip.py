"""A namespace with one of nearly every kind is backed up, lost and restored: what comes back is what was there."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.ark import Ark
from tests.e2e.shop import VOLUME, Objects, Shop, text
from tests.environment import Environment

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("shop")]

LABELS = ("ark.heptio.com/restore-name", "ark.heptio.com/backup-name")

ASSIGNED = {
    ("Service", "spec.clusterIP"): "the API server gives a Service an address of its own, unless it is None",
    ("Service", "spec.clusterIPs"): "the same, with its second family",
    ("Service", "spec.ports[b].nodePort"): "port b of web-nodeport names none and gets any; port a keeps its",
    ("Pod", "spec.nodeName"): "the scheduler chooses the node",
    ("PersistentVolume", "spec.claimRef.uid"): "the volume is bound to the restored claim",
    ("PersistentVolume", "spec.claimRef.resourceVersion"): "the same",
}
"""What the API server and its controllers assign, beside metadata other than labels and annotations, and status."""

MADE_BY_CONTROLLERS = {
    ("Endpoints", ""): "made from Services and the addresses of their pods",
    ("EndpointSlice.discovery.k8s.io", ""): "the same, and under another name each time",
    ("ConfigMap", "kube-root-ca.crt"): "put into every namespace",
    ("ServiceAccount", "default"): "made with every namespace",
}
"""Objects that are there before a restore can make them, or not as it makes them; "" stands for every name."""

NOT_RESTORED = {
    ("ConfigMap", "skip-me"): "labelled velero.io/exclude-from-backup",
    ("Job.batch", "migrate"): "completed; it must not run twice",
    ("Pod", "migrate"): "the same",
}


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
    missing = {key for key in trip.before.keys() - trip.after.keys() if not _is_made_by_controllers(*key)}
    surplus = {key for key in trip.after.keys() - trip.before.keys() if not _is_made_by_controllers(*key)}
    assert {(kind, name.partition("-")[0] if kind == "Pod" else name) for kind, name in missing} == set(NOT_RESTORED)
    assert surplus == set()


def test_they_are_equal_in_spec_labels_annotations_and_data(trip: Trip) -> None:
    differences = []
    for key in sorted(trip.before.keys() & trip.after.keys()):
        if not _is_made_by_controllers(*key):
            before, after = _comparable(trip.before[key]), _comparable(trip.after[key])
            differences += [f"{key}: {each}" for each in _differences(before, after)]
    assert not differences, "\n".join(differences)


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
        if _is_made_by_controllers(*key):
            assert own in ({}, wanted), key
        elif key == ("PersistentVolume", VOLUME):
            assert own == {}, "it was there all the time"
        else:
            assert own == wanted, key


def test_the_backup_says_that_the_volumes_data_was_not_saved(ark: Ark, trip: Trip) -> None:
    assert "shop:  persistentvolumeclaim shop/data: object only, data not saved" in ark.details("backup", trip.name)


def _is_made_by_controllers(kind: str, name: str) -> bool:
    return (kind, "") in MADE_BY_CONTROLLERS or (kind, name) in MADE_BY_CONTROLLERS


def _comparable(item: dict[str, Any]) -> dict[str, Any]:
    """Everything but what is assigned; ports by their name."""
    item = copy.deepcopy(item)
    item.pop("status", None)
    metadata = item.pop("metadata")
    labels = {name: value for name, value in (metadata.get("labels") or {}).items() if name not in LABELS}
    item["labels"], item["annotations"] = labels, metadata.get("annotations") or {}
    if item["kind"] == "Service":
        item["spec"]["ports"] = {port.get("name", "-"): port for port in item["spec"]["ports"]}
    for kind, path in ASSIGNED:
        if kind == item["kind"]:
            *parents, last = path.replace("[", ".").replace("]", "").split(".")
            place: Any = item
            for part in parents:
                place = place.get(part) or {}
            if last != "clusterIP" and last != "clusterIPs" or place.get("clusterIP") != "None":
                place.pop(last, None)
    return item


def _differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _differences(before.get(key), after.get(key), f"{path}.{key}")
    elif before != after:
        yield f"{path}: {text(before)} became {text(after)}"
