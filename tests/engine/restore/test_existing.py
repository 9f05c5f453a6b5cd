"""Objects that stand in the cluster already, the outcome list, and the bytes that are sent."""

from __future__ import annotations

import copy
import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from kubectl_ark.engine.restore import existing, wire
from kubectl_ark.engine.restore.archive import Type
from kubectl_ark.engine.restore.outcome import CREATED, FAILED, SKIPPED, UPDATED, Outcome
from kubectl_ark.engine.restore.prepare import Preparation
from kubectl_ark.engine.restore.transforms import generic
from tests.engine.restore.stored import velero_item

SERVICE = Type("services", "v1", "Service")
NOON = datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.timezone.utc)


def compare(type: Type, wanted: Any, live: Any) -> list[str]:
    wanted, live, preparation = copy.deepcopy(wanted), copy.deepcopy(live), Preparation()
    preparation.apply(type, wanted)
    generic.drop_own_labels(wanted)
    preparation.live(type, live)
    return existing.differences(type, wanted, live)


def test_what_the_cluster_chose_does_not_count() -> None:
    wanted = velero_item("services/namespaces/shop/web-nodeport")
    live = copy.deepcopy(wanted)
    for field in ("apiVersion", "kind"):
        del live[field]
    live["metadata"] |= {"uid": "other", "resourceVersion": "1", "labels": {
        "ark.heptio.com/restore-name": "r", "ark.heptio.com/backup-name": "b"}}
    live["spec"] |= {"clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9"]}
    live["spec"]["ports"][1]["nodePort"] = 31999
    assert compare(SERVICE, wanted, live) == []


def test_what_differs_is_named_by_its_fields() -> None:
    wanted = velero_item("services/namespaces/shop/web")
    live = copy.deepcopy(wanted)
    live["spec"]["ports"][0]["targetPort"] = 9
    live["spec"]["selector"]["tier"] = "x"
    live["metadata"]["labels"] = {"a": "b"}
    assert compare(SERVICE, wanted, live) == ["metadata.labels", "spec.ports", "spec.selector.tier"]


def test_a_claim_that_was_provisioned_anew_may_have_another_volume() -> None:
    wanted = velero_item("persistentvolumeclaims/namespaces/shop/data")
    live = copy.deepcopy(wanted)
    live["spec"]["volumeName"] = "pvc-new"
    type = Type("persistentvolumeclaims", "v1", "PersistentVolumeClaim")
    assert compare(type, wanted, live) == ["spec.volumeName"]
    del wanted["spec"]["volumeName"]
    assert compare(type, wanted, live) == []


@pytest.mark.parametrize(("label", "created", "ours"), [
    ("r", "2024-05-01T12:00:00Z", True), ("r", "2024-05-01T11:59:59Z", False), ("q", "2024-05-01T13:00:00Z", False),
])
def test_an_earlier_try_is_known_by_label_and_time(label: str, created: str, ours: bool) -> None:
    live = {"metadata": {"creationTimestamp": created, "labels": {"ark.heptio.com/restore-name": label}}}
    assert existing.is_of_this_restore(live, restore_label="r", since=NOON) is ours


def test_accounts_are_joined_and_the_cluster_s_values_win() -> None:
    wanted = {"metadata": {"labels": {"a": "1", "b": "2"}, "annotations": {"n": "x"}},
              "secrets": [{"name": "s"}], "imagePullSecrets": [{"name": "p"}]}
    live = {"metadata": {"labels": {"a": "9"}}, "secrets": [{"name": "t"}], "imagePullSecrets": [{"name": "p"}]}
    assert existing.account_merge(wanted, live) == {
        "secrets": [{"name": "t"}, {"name": "s"}], "metadata": {"labels": {"b": "2"}, "annotations": {"n": "x"}}}
    assert existing.account_merge({"metadata": {}}, live) == {}


def test_the_outcome_is_velero_s_list(tmp_path: Path) -> None:
    outcome = Outcome(tmp_path)
    for key, title, action in (("v1/Pod", "b/p", CREATED), ("v1/Secret", "a/s", FAILED), ("v1/Pod", "a/p", SKIPPED),
                               ("v1/PersistentVolume", "v", UPDATED)):
        outcome.record(key, title, action, reason="why" if action == SKIPPED else "")
    assert json.loads(b"".join(outcome.resource_list())) == {
        "v1/PersistentVolume": ["v(updated)"], "v1/Pod": ["a/p(skipped: why)", "b/p(created)"],
        "v1/Secret": ["a/s(failed)"]}
    assert outcome.counts == {"created": 1, "updated": 1, "failed": 1, "skipped": 1}
    assert json.loads(b"".join(Outcome(tmp_path).resource_list())) == {}


def test_bytes_are_what_go_would_send() -> None:
    item = {"a": "x > /hook & <b>\u2028", "b": "Grüße 你好"}
    body = wire.encode(item)
    assert body == '{"a":"x \\u003e /hook \\u0026 \\u003cb\\u003e\\u2028","b":"Grüße 你好"}'.encode()
    assert json.loads(body) == item
