"""Which volumes have their data saved, and how: the README's table, and what stands in the way of it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kubectl_ark.model import volume_choice
from kubectl_ark.model.volume_choice import Choice, Method
from tests.plugin import ROOT

RESTIC, SNAPSHOT, SKIP = Method.RESTIC, Method.SNAPSHOT, Method.SKIP
IN, OUT = volume_choice.OPT_IN[0], volume_choice.OPT_OUT[0]
DRIVER = "disk.csi"


def a_pod(*volumes: dict[str, Any], annotations: dict[str, str] | None = None, phase: str = "Running",
          mounts: bool = True) -> dict[str, Any]:
    mounted = [{"name": each["name"], "mountPath": f"/{each['name']}"} for each in volumes if mounts]
    return {"metadata": {"namespace": "shop", "name": "web", "annotations": annotations or {}},
            "spec": {"volumes": list(volumes), "containers": [{"name": "web", "volumeMounts": mounted}]},
            "status": {"phase": phase}}


def a_claim(phase: str = "Bound", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": "data"}, "spec": {"volumeName": "pv", **spec},
            "status": {"phase": phase}}


def a_volume(driver: str = DRIVER, **spec: Any) -> dict[str, Any]:
    source = {"csi": {"driver": driver}} if driver else {"local": {"path": "/mnt"}}
    return {"metadata": {"name": "pv"}, "spec": {"capacity": {"storage": "1Gi"}, **source, **spec}}


DATA = {"name": "files", "persistentVolumeClaim": {"claimName": "data"}}
CACHE = {"name": "cache", "emptyDir": {}}


def chosen(pod: dict[str, Any], *, claim: dict[str, Any] | None = None, volume: dict[str, Any] | None = None,
           by_default: bool = False, policy: str = "", **snapshots: Any) -> list[Choice]:
    return volume_choice.of_pod(
        pod, claims={"data": a_claim() if claim is None else claim},
        volumes={"pv": a_volume() if volume is None else volume}, by_default=by_default,
        policies=[{"action": {"type": policy}}] if policy else [], **snapshots)


TABLE = [
    # annotation of the pod, default, policy, snapshots: wanted and a class for the driver; then what becomes of it
    ("", "off", "", "", SKIP, "not opted in"),
    ("", "off", "", "wanted", SKIP, "not opted in"),
    ("", "off", "", "wanted, class", SNAPSHOT, ""),
    ("", "off", "", "class", SKIP, "not opted in"),
    ("in", "off", "", "", RESTIC, ""),
    ("in", "off", "", "wanted, class", RESTIC, ""),
    ("out", "off", "", "", SKIP, "its pod opts it out"),
    ("out", "off", "", "wanted, class", SNAPSHOT, ""),
    ("in and out", "off", "", "", RESTIC, ""),
    ("", "on", "", "", RESTIC, ""),
    ("", "on", "", "wanted, class", RESTIC, ""),
    ("in", "on", "", "", RESTIC, ""),
    ("out", "on", "", "", SKIP, "its pod opts it out"),
    ("out", "on", "", "wanted, class", SNAPSHOT, ""),
    ("in and out", "on", "", "", SKIP, "its pod opts it out"),
    ("in", "on", "skip", "wanted, class", SKIP, "its policy says skip"),
    ("", "off", "skip", "", SKIP, "its policy says skip"),
    ("", "off", "fs-backup", "", RESTIC, ""),
    ("out", "on", "fs-backup", "wanted, class", RESTIC, ""),
    ("", "off", "restic", "", RESTIC, ""),
    ("in", "on", "snapshot", "class", SNAPSHOT, ""),
    ("in", "on", "snapshot", "", SKIP, "its policy says snapshot, but its driver disk.csi has no snapshot class"),
]


@pytest.mark.parametrize(("annotation", "default", "policy", "snapshots", "method", "reason"), TABLE, ids=[
    f"annotation {row[0] or 'none'} - default {row[1]} - policy {row[2] or 'none'} - snapshots {row[3] or 'none'}: "
    f"{row[4].value}" for row in TABLE])
def test_what_becomes_of_a_claim(annotation: str, default: str, policy: str, snapshots: str, method: Method,
                                 reason: str) -> None:
    annotations = {key: "files" for word, key in (("in", IN), ("out", OUT)) if word in annotation.split()}
    (choice,) = chosen(a_pod(DATA, annotations=annotations), by_default=default == "on", policy=policy,
                       snapshots="wanted" in snapshots, drivers={DRIVER} if "class" in snapshots else set())
    on_purpose = reason in ("its pod opts it out", "its policy says skip")
    assert choice == Choice("files", "data", method, reason, warn=method is SKIP and not on_purpose)


@pytest.mark.parametrize(("claim", "volume", "pod", "reason", "warn"), [
    (a_claim("Pending", volumeName=""), a_volume(), {}, "its claim is not bound (Pending)", False),
    (a_claim("Pending"), a_volume(), {}, "its claim is not bound (Pending)", True),
    (a_claim("Lost"), a_volume(), {}, "its claim is not bound (Lost)", True),
    ({}, a_volume(), {}, "its claim data is not there", False),
    (a_claim(volumeMode="Block"), a_volume(), {}, "it is a block device", True),
    (a_claim(), a_volume(volumeMode="Block"), {}, "it is a block device", True),
    (a_claim(), a_volume(), {"phase": "Pending"}, "its pod is not running (Pending)", True),
    (a_claim(), a_volume(), {"phase": "Succeeded"}, "its pod is not running (Succeeded)", True),
    (a_claim(), a_volume(), {"mounts": False}, "no container mounts it", True),
])
def test_what_restic_cannot_save_is_left_out_with_the_reason_whoever_chose_it(
        claim: dict[str, Any], volume: dict[str, Any], pod: dict[str, Any], reason: str, warn: bool) -> None:
    opted_in = a_pod(DATA, annotations={IN: "files"}, **pod)
    left_out = Choice("files", "data", SKIP, reason, warn)
    assert chosen(a_pod(DATA, **pod), claim=claim, volume=volume, by_default=True) == [left_out]
    assert chosen(opted_in, claim=claim, volume=volume) == [left_out]
    (by_policy,) = chosen(a_pod(DATA, **pod), claim=claim, volume=volume, policy="fs-backup")
    assert by_policy == Choice("files", "data", SKIP, f"its policy says fs-backup, but {reason}", warn)


def test_a_device_of_a_container_is_no_directory() -> None:
    pod = a_pod(DATA, mounts=False)
    pod["spec"]["containers"][0]["volumeDevices"] = [{"name": "files", "devicePath": "/dev/x"}]
    assert chosen(pod, by_default=True)[0].reason == "it is a block device"


def test_what_restic_was_chosen_for_and_cannot_save_is_snapshotted_where_that_is_wanted() -> None:
    for pod, volume in ((a_pod(DATA, phase="Succeeded"), a_volume()), (a_pod(DATA), a_volume(volumeMode="Block"))):
        (choice,) = chosen(pod, volume=volume, by_default=True, snapshots=True, drivers={DRIVER})
        assert choice == Choice("files", "data", SNAPSHOT)
        (choice,) = chosen(pod, volume=volume, policy="fs-backup", snapshots=True, drivers={DRIVER})
        assert choice.method is SKIP, "a policy is taken at its word"


@pytest.mark.parametrize(("claim", "driver", "reason"), [
    (a_claim(), "", "it is no CSI volume"), (a_claim("Lost"), DRIVER, "its claim is not bound (Lost)")])
def test_only_a_bound_csi_volume_is_snapshotted(claim: dict[str, Any], driver: str, reason: str) -> None:
    more: dict[str, Any] = {"claim": claim, "volume": a_volume(driver), "snapshots": True, "drivers": {DRIVER, ""}}
    assert chosen(a_pod(DATA), policy="snapshot", **more) == [
        Choice("files", "data", SKIP, f"its policy says snapshot, but {reason}", warn=True)]
    assert chosen(a_pod(DATA), **more) == [Choice("files", "data", SKIP, "not opted in", warn=True)]


def test_a_volume_behind_a_claim_may_be_a_directory_of_the_node() -> None:
    volume = {"spec": {"capacity": {"storage": "1Gi"}, "hostPath": {"path": "/mnt"}}}
    assert chosen(a_pod(DATA), volume=volume, by_default=True) == [Choice("files", "data", RESTIC)]


def test_a_volume_that_cannot_be_read_is_no_obstacle() -> None:
    (choice,) = volume_choice.of_pod(a_pod(DATA), claims={"data": a_claim()}, volumes={}, by_default=True, policies=[])
    assert choice.method is RESTIC


@pytest.mark.parametrize(("pod", "by_default", "method", "reason", "warn"), [
    (a_pod(CACHE), True, RESTIC, "", False),
    (a_pod(CACHE, annotations={IN: "cache"}), False, RESTIC, "", False),
    (a_pod(CACHE), False, SKIP, "not opted in", False),
    (a_pod(CACHE, annotations={OUT: "cache"}), True, SKIP, "its pod opts it out", False),
    (a_pod(CACHE, phase="Succeeded"), True, SKIP, "its pod is not running (Succeeded)", False),
    (a_pod(CACHE, phase="Succeeded", annotations={IN: "cache"}), False, SKIP, "its pod is not running (Succeeded)",
     True),
])
def test_an_empty_dir_is_worth_a_warning_only_if_its_pod_opts_it_in(
        pod: dict[str, Any], by_default: bool, method: Method, reason: str, warn: bool) -> None:
    assert chosen(pod, by_default=by_default) == [Choice("cache", None, method, reason, warn)]


def test_a_policy_for_everything_says_nothing_of_an_empty_dir_that_it_cannot_snapshot() -> None:
    (choice,) = chosen(a_pod(CACHE), policy="snapshot", drivers={DRIVER})
    assert (choice.method, choice.warn) == (SKIP, False)


@pytest.mark.parametrize(("source", "warn"), [
    ({"secret": {"secretName": "x"}}, False), ({"configMap": {"name": "x"}}, False), ({"projected": {}}, False),
    ({"downwardAPI": {}}, False), ({"image": {"reference": "x"}}, False), ({"hostPath": {"path": "/var"}}, True)])
def test_what_holds_no_data_of_its_own_is_never_saved_and_told_of_only_if_it_is_named(
        source: dict[str, Any], warn: bool) -> None:
    entry = {"name": "x", **source}
    for policy in ("", "fs-backup"):
        assert chosen(a_pod(entry), by_default=True, policy=policy) == []
    (choice,) = chosen(a_pod(entry, annotations={IN: "x"}))
    assert (choice.volume, choice.method, choice.warn) == ("x", SKIP, warn) and choice.reason


def test_the_token_of_the_default_account_is_never_saved() -> None:
    assert chosen(a_pod({"name": "default-token-x7", "emptyDir": {}}), by_default=True) == []


def test_both_spellings_of_an_annotation_count_and_so_do_blanks() -> None:
    annotations = {volume_choice.OPT_IN[0]: " files ,", volume_choice.OPT_IN[1]: "cache,files"}
    assert [each.method for each in chosen(a_pod(DATA, CACHE, annotations=annotations))] == [RESTIC, RESTIC]
    annotations = {volume_choice.OPT_OUT[0]: "files", volume_choice.OPT_OUT[1]: "cache"}
    found = chosen(a_pod(DATA, CACHE, annotations=annotations), by_default=True)
    assert [each.method for each in found] == [SKIP, SKIP]


def test_a_name_that_is_no_volume_of_the_pod_is_told() -> None:
    assert chosen(a_pod(DATA, annotations={IN: "filse,files"})) == [
        Choice("files", "data", RESTIC),
        Choice("filse", None, SKIP, "the pod has no volume of this name", warn=True)]


def test_an_init_container_mounts_nothing_for_long_but_a_sidecar_does() -> None:
    pod = a_pod(DATA, mounts=False)
    waiting = {"name": "restic-wait", "volumeMounts": [{"name": "files", "mountPath": "/restores/files"}]}
    pod["spec"]["initContainers"] = [waiting]
    assert chosen(pod, by_default=True)[0].reason == "no container mounts it"
    pod["spec"]["initContainers"] = [{**waiting, "restartPolicy": "Always"}]
    assert chosen(pod, by_default=True)[0].method is RESTIC


def test_what_an_older_tool_noted_of_its_snapshots_chooses_nothing() -> None:
    (choice,) = chosen(a_pod(DATA, annotations={"snapshot.ark.heptio.com/files": "0a1b2c"}))
    assert choice.method is SKIP


def test_the_claim_of_a_generic_ephemeral_volume_is_named_after_pod_and_volume() -> None:
    claim = {**a_claim(), "metadata": {"name": "web-scratch"}}
    (choice,) = volume_choice.of_pod(
        a_pod({"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}), claims={"web-scratch": claim},
        volumes={"pv": a_volume()}, by_default=True, policies=[])
    assert choice == Choice("scratch", "web-scratch", RESTIC)


def test_a_policy_looks_at_the_volume_behind_the_claim() -> None:
    policies = [{"conditions": {"csi": {"driver": DRIVER}, "capacity": "1Gi,"}, "action": {"type": "skip"}},
                {"conditions": {"volumeTypes": ["emptyDir"]}, "action": {"type": "fs-backup"}}]
    found = volume_choice.of_pod(a_pod(DATA, CACHE), claims={"data": a_claim()}, volumes={"pv": a_volume()},
                                 by_default=True, policies=policies)
    assert found == [Choice("files", "data", SKIP, "its policy says skip"), Choice("cache", None, RESTIC)]


@pytest.mark.parametrize(("wanted", "policy", "claim", "method", "reason", "warn"), [
    (True, "", a_claim(), RESTIC, "", False),
    (False, "", a_claim(), SKIP, "no running pod uses it", True),
    (True, "skip", a_claim(), SKIP, "its policy says skip", False),
    (False, "fs-backup", a_claim(), SKIP, "its policy says fs-backup, but no running pod uses it", True),
    (True, "fs-backup", a_claim(), RESTIC, "", False),
    (True, "", a_claim("Pending", volumeName=""), SKIP, "its claim is not bound (Pending)", False),
    (True, "", a_claim("Lost"), SKIP, "its claim is not bound (Lost)", True),
    (True, "", a_claim(volumeMode="Block"), SKIP, "it is a block device", True),
])
def test_what_becomes_of_a_claim_that_no_running_pod_uses(
        wanted: bool, policy: str, claim: dict[str, Any], method: Method, reason: str, warn: bool) -> None:
    policies = [{"action": {"type": policy}}] if policy else []
    assert volume_choice.of_claim(claim, a_volume(), policies=policies, include_unmounted=wanted) == Choice(
        "data", "data", method, reason, warn)


def test_a_claim_that_no_running_pod_uses_is_snapshotted_as_others_are() -> None:
    for policies, snapshots in (([], True), ([{"action": {"type": "snapshot"}}], False)):
        choice = volume_choice.of_claim(a_claim(), a_volume(), policies=policies, include_unmounted=False,
                                        snapshots=snapshots, drivers={DRIVER})
        assert choice == Choice("data", "data", SNAPSHOT)


def test_of_several_answers_about_a_claim_the_one_that_saves_most_counts() -> None:
    saved, snapshotted = Choice("a", "data", RESTIC), Choice("b", "data", SNAPSHOT)
    on_purpose = Choice("c", "data", SKIP, "its pod opts it out")
    forgotten = Choice("d", "data", SKIP, "not opted in", warn=True)
    assert volume_choice.best([forgotten, on_purpose, snapshotted, saved]) == saved
    assert volume_choice.best([forgotten, on_purpose, snapshotted]) == snapshotted
    assert volume_choice.best([forgotten, on_purpose]) == on_purpose


def readme_rows() -> list[list[str]]:
    section = (ROOT / "README.md").read_text().partition("## Which volumes are saved")[2].partition("\n## ")[0]
    lines = re.findall(r"^\|(.*)\|$", section, re.M)[2:]
    return [[cell.strip().replace("`", "") for cell in line.split("|")] for line in lines]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: " - ".join(map(str, row[:4])))
def test_the_readmes_table_says_the_same(row: tuple[str, str, str, str, Method, str]) -> None:
    annotation, default, policy, snapshots, method, reason = row
    can = "class" in snapshots and ("wanted" in snapshots or policy == "snapshot")
    values = (policy or "none", default, annotation or "none", "yes" if can else "no")
    outcomes = [outcome for *cells, outcome in readme_rows()
                if all(cell == "any" or value in cell.split(" or ") for cell, value in zip(cells, values))]
    told = method is SKIP and not reason.startswith(("its pod opts it out", "its policy says skip"))
    assert outcomes == [{RESTIC: "restic", SNAPSHOT: "snapshot", SKIP: f"not saved{', with a warning' * told}"}[method]]
