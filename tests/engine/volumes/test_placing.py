"""Where a volume's Job runs, and as whom."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_ark.engine.volumes.placing import Subject, place_of, place_to_fill, refusal, user_of
from kubectl_ark.model.settings import Settings

OFF, ON = Settings(), Settings(host_path_volumes=True)
UID = "0b2fd1dc-2c1b-4ab3-9e4d-111122223333"


def claim(*modes: str) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": "db"}, "spec": {"accessModes": list(modes)}}


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": "db-0", "uid": UID}, "spec": {"nodeName": "node-1", **spec}}


def of(claim: dict[str, Any], pod_: dict[str, Any] | None = None, volume: dict[str, Any] | None = None) -> Subject:
    persistent = {"metadata": {"name": "pv-1"}, "spec": volume or {"csi": {"driver": "d"}}}
    return Subject(pod() if pod_ is None else pod_, "data", "db", claim, persistent)


EMPTY = Subject(pod(volumes=[{"name": "data", "emptyDir": {}}]), "data", None)


def test_a_claim_for_one_node_is_saved_on_the_node_of_its_pod_with_its_tolerations() -> None:
    place = place_of(of(claim("ReadWriteOnce"), pod(tolerations=[{"key": "k"}])), OFF, ark="ark")
    assert (place.namespace, place.claim, place.node, place.tolerations) == ("shop", "db", "node-1", ({"key": "k"},))


def test_a_shared_claim_is_saved_anywhere() -> None:
    assert place_of(of(claim("ReadWriteOnce", "ReadWriteMany")), OFF, ark="ark").node is None


def test_what_no_second_pod_can_mount_is_refused_with_the_flag_that_lets_it_be_saved() -> None:
    for subject, why in ((of(claim("ReadWriteOncePod")), "ReadWriteOncePod"), (EMPTY, "no claim")):
        assert why in refusal(subject, OFF) and "install --host-path-volumes" in refusal(subject, OFF)
        assert refusal(subject, ON) == ""
    assert refusal(Subject(pod(), "data", "db"), OFF) == "its claim is gone"
    assert refusal(of(claim("ReadWriteOnce")), OFF) == ""


def test_a_claim_for_one_pod_that_no_pod_uses_is_mounted_as_any_other() -> None:
    subject = of(claim("ReadWriteOncePod"), {"metadata": {"namespace": "shop", "name": ""}, "spec": {}})
    assert refusal(subject, OFF) == "" and place_of(subject, OFF, ark="ark").claim == "db"


@pytest.mark.parametrize("subject", ["claim", "emptyDir"])
def test_what_no_second_pod_can_mount_is_read_from_its_nodes_directory_in_a_namespace_of_arks(subject: str) -> None:
    place = place_of(of(claim("ReadWriteOncePod")) if subject == "claim" else EMPTY, ON, ark="ark")
    folder = "csi/pv-1/mount" if subject == "claim" else "empty-dir/data"
    assert place.directory == f"/var/lib/kubelet/pods/{UID}/volumes/kubernetes.io~{folder}"
    assert (place.namespace, place.claim, place.node, place.as_root) == ("ark-volumes", "", "node-1", True)


def test_a_volume_without_a_directory_of_its_own_is_refused_with_the_reason() -> None:
    subject = of(claim("ReadWriteOncePod"), volume={"hostPath": {"path": "/srv"}})
    assert "directory of the node's own" in refusal(subject, ON)
    assert "PersistentVolume is not there" in refusal(Subject(pod(), "data", "db", claim("ReadWriteOncePod")), ON)


def test_the_user_is_that_of_the_container_that_mounts_the_volume_else_that_of_the_pod() -> None:
    containers = [{"name": "a", "securityContext": {"runAsUser": 1}}, {
        "name": "b", "securityContext": {"runAsUser": 26}, "volumeMounts": [{"name": "data"}]}]
    context = {"runAsUser": 1000, "fsGroup": 2000, "supplementalGroups": [3000, 2000]}
    assert user_of(pod(containers=containers, securityContext=context), "data") == (26, (3000, 2000))
    assert user_of(pod(containers=[], securityContext=context), "data") == (1000, (3000, 2000))
    assert user_of(pod(), "data") == (None, ())


def test_a_claim_is_filled_where_its_pod_may_be() -> None:
    affinity = {"nodeAffinity": {"required": 1}, "podAffinity": {"required": 2}}
    place = place_to_fill(pod(nodeSelector={"disk": "ssd"}, affinity=affinity, securityContext={"fsGroup": 7}),
                          "shop-copy", "db", "data", node=None)
    assert (place.namespace, place.node, dict(place.selector), dict(place.affinity), place.owner_group) == (
        "shop-copy", None, {"disk": "ssd"}, {"required": 1}, 7)
    assert place_to_fill({}, "shop", "db", "data", node="node-2").node == "node-2"
