"""Which volume policy is about which volume: conditions mean what they mean to Velero."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kubectl_ark.model import quantities, volume_policies
from kubectl_ark.model.volume_policies import Action

NFS: dict[str, Any] = {"nfs": {"server": "nas", "path": "/a"}}
CSI: dict[str, Any] = {"csi": {
    "driver": "disk.csi", "volumeHandle": "h", "volumeAttributes": {"tier": "fast", "zone": "a"}}}


def persistent(size: str = "10Gi", *, storage_class: str = "gp2", **source: Any) -> dict[str, Any]:
    return {"spec": {"capacity": {"storage": size}, "storageClassName": storage_class, "accessModes": [], **source}}


def claim(phase: str = "Bound", **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": "data", "labels": labels}, "spec": {}, "status": {"phase": phase}}


def holds(conditions: dict[str, Any], **about: Any) -> bool:
    policy = {"conditions": conditions, "action": {"type": "skip"}}
    assert volume_policies.problems(policy, "p") == []
    return volume_policies.action([policy], volume_policies.traits(**about)) is Action.SKIP


@pytest.mark.parametrize(("text", "number"), [
    ("0", 0), ("12", 12), ("1Ki", 1024), ("1.5Gi", 3 * 2**29), ("2k", 2000), ("1E", 10**18), ("1e3", 1000),
    ("1Ei", 2**60), ("500m", Decimal("0.5")), (".5M", 500_000), ("-1", -1), (" 3Mi ", 3 * 2**20)])
def test_a_quantity_is_a_number(text: str, number: Decimal | int) -> None:
    assert quantities.parse(text) == number


@pytest.mark.parametrize("text", ["", "Gi", "1GB", "1 Gi", "one", "1e", "1e1000", "."])
def test_what_is_no_quantity_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        quantities.parse(text)


@pytest.mark.parametrize(("wanted", "size", "fits"), [
    ("0,100Gi", "100Gi", True), ("0,100Gi", "101Gi", False), (",5Gi", "1Gi", True), ("10Gi,", "10Gi", True),
    ("10Gi,", "9Gi", False), (" 1Gi , 2Gi ", "1536Mi", True), ("1Gi,2Gi", "3Gi", False), (",", "1Ti", True),
    ("", "1Ti", True), ("1Gi,1Gi", "1073741824", True), ("5Gi,0", "9Gi", True)])
def test_a_capacity_is_a_range_with_both_ends_in_it_and_an_end_that_is_left_out_or_0_is_open(
        wanted: str, size: str, fits: bool) -> None:
    assert holds({"capacity": wanted}, volume=persistent(size)) is fits


def test_a_volume_of_a_pod_alone_has_the_capacity_0() -> None:
    empty_dir = {"name": "cache", "emptyDir": {}}
    assert holds({"capacity": "0,1Gi"}, pod_volume=empty_dir)
    assert not holds({"capacity": "1Mi,"}, pod_volume=empty_dir)


@pytest.mark.parametrize(("conditions", "about", "fits"), [
    ({}, {"pod_volume": {"name": "x", "emptyDir": {}}}, True),
    ({"storageClass": ["gp3", "gp2"]}, {"volume": persistent()}, True),
    ({"storageClass": ["gp3"]}, {"volume": persistent()}, False),
    ({"storageClass": [""]}, {"volume": persistent(storage_class="")}, False),
    ({"storageClass": []}, {"volume": persistent()}, True), ({"storageClass": None}, {"volume": persistent()}, True),
    ({"nfs": {}}, {"volume": persistent(**NFS)}, True), ({"nfs": {}}, {"volume": persistent(**CSI)}, False),
    ({"nfs": {}}, {"pod_volume": {"name": "x", **NFS}}, True),
    ({"nfs": {"server": "nas"}}, {"volume": persistent(**NFS)}, True),
    ({"nfs": {"server": "other"}}, {"volume": persistent(**NFS)}, False),
    ({"nfs": {"path": "/a"}}, {"volume": persistent(**NFS)}, True),
    ({"nfs": {"server": "nas", "path": "/b"}}, {"volume": persistent(**NFS)}, False),
    ({"csi": {}}, {"volume": persistent(**CSI)}, True), ({"csi": {}}, {"volume": persistent(**NFS)}, False),
    ({"csi": {"driver": "disk.csi"}}, {"volume": persistent(**CSI)}, True),
    ({"csi": {"driver": "file.csi"}}, {"volume": persistent(**CSI)}, False),
    ({"csi": {"driver": "disk.csi", "volumeAttributes": {"tier": "fast"}}}, {"volume": persistent(**CSI)}, True),
    ({"csi": {"driver": "disk.csi", "volumeAttributes": {"tier": "slow"}}}, {"volume": persistent(**CSI)}, False),
    ({"csi": {"driver": "disk.csi", "volumeAttributes": {"a": "b"}}},
     {"volume": persistent(csi={"driver": "disk.csi"})}, False),
    ({"volumeTypes": ["emptyDir", "nfs"]}, {"pod_volume": {"name": "x", "emptyDir": {}}}, True),
    ({"volumeTypes": ["csi"]}, {"volume": persistent(**CSI), "claim": claim()}, True),
    ({"volumeTypes": ["csi"]}, {"volume": persistent(**NFS), "claim": claim()}, False),
    ({"volumeTypes": ["hostPath"]}, {"volume": persistent(hostPath={"path": "/x"})}, True),
    ({"volumeTypes": ["storageOS"]}, {"volume": persistent(storageos={})}, True),
    ({"volumeTypes": ["persistentVolumeClaim"]}, {"volume": persistent(**CSI), "claim": claim()}, True),
    ({"volumeTypes": ["persistentVolumeClaim"]}, {"pod_volume": {"name": "x", "emptyDir": {}}}, False),
    ({"pvcLabels": {"tier": "cache"}}, {"volume": persistent(), "claim": claim(tier="cache", app="x")}, True),
    ({"pvcLabels": {"tier": "cache", "a": "b"}}, {"volume": persistent(), "claim": claim(tier="cache")}, False),
    ({"pvcLabels": {"tier": "cache"}}, {"volume": persistent()}, False),
    ({"pvcPhase": ["Pending", "Lost"]}, {"claim": claim("Pending")}, True),
    ({"pvcPhase": ["Pending"]}, {"claim": claim()}, False), ({"pvcPhase": ["Bound"]}, {"volume": persistent()}, False),
    ({"storageClass": ["gp2"], "capacity": "20Gi,"}, {"volume": persistent()}, False),
    ({"storageClass": ["gp2"], "capacity": ",20Gi"}, {"volume": persistent()}, True),
])
def test_a_policy_is_about_a_volume_that_meets_all_its_conditions(
        conditions: dict[str, Any], about: dict[str, Any], fits: bool) -> None:
    assert holds(conditions, **about) is fits


def test_a_claim_stands_in_for_a_volume_that_cannot_be_read() -> None:
    item = claim()
    item["spec"]["storageClassName"], item["status"]["capacity"] = "gp2", {"storage": "5Gi"}
    assert holds({"storageClass": ["gp2"], "capacity": "5Gi,5Gi"}, claim=item)


def test_the_first_policy_that_is_about_a_volume_counts() -> None:
    policies: list[dict[str, Any]] = [
        {"conditions": {"storageClass": ["gp3"]}, "action": {"type": "skip"}},
        {"conditions": {"storageClass": ["gp2"]}, "action": {"type": "restic"}}, {"action": {"type": "snapshot"}}]
    assert [volume_policies.action(policies, volume_policies.traits(volume=persistent(storage_class=name)))
            for name in ("gp3", "gp2", "gp1")] == [Action.SKIP, Action.RESTIC, Action.SNAPSHOT]
    assert volume_policies.action(policies[:1], volume_policies.traits(volume=persistent())) is None


@pytest.mark.parametrize(("conditions", "sentence"), [
    ({"capacity": "10Gi"}, 'p.conditions.capacity: "10Gi" is not FROM,TO, such as "0,100Gi" or "10Gi,"'),
    ({"capacity": "1GB,"}, 'p.conditions.capacity: "1GB" is not a quantity such as 100Gi'),
    ({"capacity": "2Gi,1Gi"}, 'p.conditions.capacity: "2Gi,1Gi" ends below where it begins'),
    ({"capacity": 5}, "p.conditions.capacity: 5 is not text"),
    ({"storageClass": "gp2"}, 'p.conditions.storageClass: "gp2" is not a list'),
    ({"nfs": {"host": "nas"}}, 'p.conditions.nfs: "host" is unknown'),
    ({"csi": {"volumeAttributes": {"a": "b"}}}, "p.conditions.csi: volumeAttributes stand beside a driver only"),
    ({"pvcLabels": {"a": 1}}, "p.conditions.pvcLabels.a: 1 is not text"),
    ({"volumeTypes": ["emptydir"]}, 'p.conditions.volumeTypes: "emptydir" is no type of volume; types are named as in '
                                    "the spec of a pod or PersistentVolume, such as emptyDir, nfs or csi"),
])
def test_a_mistake_in_a_condition_is_one_sentence_that_names_it(conditions: dict[str, Any], sentence: str) -> None:
    assert volume_policies.problems({"conditions": conditions, "action": {"type": "skip"}}, "p") == [sentence]


@pytest.mark.parametrize(("action", "sentence"), [
    ({"type": "keep"}, 'p.action.type: "keep" is none of skip, fs-backup, snapshot'),
    ({}, 'p.action.type: "None" is none of skip, fs-backup, snapshot'),
    ({"type": ["skip"]}, "p.action.type: \"['skip']\" is none of skip, fs-backup, snapshot"),
    ({"type": "custom"}, "p.action.type: custom leaves the volume to a plugin, and there are none here; use skip, "
                         "fs-backup, snapshot"),
    ({"type": "skip", "more": 1}, 'p.action: "more" is unknown'),
])
def test_an_action_that_cannot_be_carried_out_is_refused(action: dict[str, Any], sentence: str) -> None:
    assert volume_policies.problems({"action": action}, "p") == [sentence]
