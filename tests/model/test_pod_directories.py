"""Where a node has the directory of a pod's volume, and that nothing else passes for one."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kubectl_ark.model.pod_directories import NoDirectory, path, pattern, root_problem

ROOT = "/var/lib/kubelet"
UID = "0b2fd1dc-2c1b-4ab3-9e4d-111122223333"
HOME = f"{ROOT}/pods/{UID}/volumes"


def pod(uid: str = UID, **volume: Any) -> dict[str, Any]:
    return {"metadata": {"uid": uid, "name": "p"},
            "spec": {"nodeName": "n", "volumes": [{"name": "other"}, {"name": "data", **volume}]}}


def volume(**source: Any) -> dict[str, Any]:
    return {"metadata": {"name": "pvc-1"}, "spec": {"accessModes": ["ReadWriteOncePod"], **source}}


@pytest.mark.parametrize(("source", "where"), [
    ({"emptyDir": {}}, "empty-dir/data"), ({"emptyDir": {"medium": "Memory"}}, "empty-dir/data"),
    ({"nfs": {"server": "s"}}, "nfs/data"), ({"csi": {"driver": "d"}}, "csi/data/mount"),
    ({"iscsi": {}}, "iscsi/data")])
def test_a_volume_of_a_pod_lies_under_its_own_name(source: dict[str, Any], where: str) -> None:
    assert path(pod(**source), "data", None, root=ROOT) == f"{HOME}/kubernetes.io~{where}"


@pytest.mark.parametrize(("source", "where"), [
    ({"csi": {"driver": "d"}}, "csi/pvc-1/mount"), ({"local": {"path": "/disk"}}, "local-volume/pvc-1"),
    ({"nfs": {"server": "s"}}, "nfs/pvc-1"), ({"fc": {}}, "fc/pvc-1"),
    ({"awsElasticBlockStore": {}}, "csi/pvc-1/mount")])
def test_a_claim_lies_under_the_name_of_its_volume(source: dict[str, Any], where: str) -> None:
    assert path(pod(), "data", volume(**source), root=f"{ROOT}/") == f"{HOME}/kubernetes.io~{where}"


@pytest.mark.parametrize("source", [{}, {"hostPath": {"path": "/etc"}}, {"flexVolume": {}}, {"secret": {}},
                                    {"projected": {}}, {"configMap": {}}, {"awsElasticBlockStore": {}}])
def test_a_volume_whose_directory_is_not_known_or_not_ours_to_read_has_none(source: dict[str, Any]) -> None:
    with pytest.raises(NoDirectory):
        path(pod(**source), "data", None, root=ROOT)
    if "awsElasticBlockStore" not in source:
        with pytest.raises(NoDirectory):
            path(pod(), "data", volume(**source), root=ROOT)


def test_a_pod_on_no_node_has_none_and_neither_have_names_that_lead_elsewhere() -> None:
    nowhere = pod(emptyDir={})
    del nowhere["spec"]["nodeName"]
    for each in (nowhere, pod("..", emptyDir={})):
        with pytest.raises(NoDirectory):
            path(each, "data", None, root=ROOT)
    with pytest.raises(NoDirectory):
        path(pod(), "data", {"metadata": {"name": "../.."}, "spec": {"csi": {}}}, root=ROOT)


@pytest.mark.parametrize("elsewhere", [
    "/", ROOT, f"{ROOT}/pods", HOME.removesuffix("/volumes"), HOME, f"{HOME}/kubernetes.io~empty-dir",
    f"{HOME}/kubernetes.io~secret/token", f"{HOME}/kubernetes.io~projected/kube-api-access",
    f"{HOME}/kubernetes.io~configmap/c", f"{HOME}/kubernetes.io~csi/pvc-1", f"{HOME}/kubernetes.io~empty-dir/a/b",
    f"{HOME}/kubernetes.io~empty-dir/..", f"{HOME}/kubernetes.io~csi/../mount", f"{HOME}/kubernetesXio~empty-dir/a",
    f"/elsewhere{HOME}/kubernetes.io~empty-dir/a", f"{HOME}/kubernetes.io~empty-dir/a/", "/etc"])
def test_no_other_path_passes_for_the_directory_of_a_volume(elsewhere: str) -> None:
    assert not re.search(pattern(ROOT), elsewhere)


@pytest.mark.parametrize(("root", "fine"), [("/var/lib/kubelet", True), ("/data/k8s.d/kubelet/", True), ("/", False),
                                            ("kubelet", False), ("/a/../b", False), ("/a//b", False), ("", False)])
def test_the_kubelets_root_is_a_plain_absolute_path(root: str, fine: bool) -> None:
    assert (root_problem(root) == "") is fine
