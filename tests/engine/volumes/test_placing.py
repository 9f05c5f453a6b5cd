"""Where a volume's Job runs, and as whom."""

from __future__ import annotations

from typing import Any

from kubectl_ark.engine.volumes.placing import place_of, place_to_fill, refusal, user_of


def claim(*modes: str) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": "db"}, "spec": {"accessModes": list(modes)}}


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": "db-0"}, "spec": {"nodeName": "node-1", **spec}}


def test_a_claim_for_one_node_is_saved_on_the_node_of_its_pod_with_its_tolerations() -> None:
    place = place_of(pod(tolerations=[{"key": "k"}]), claim("ReadWriteOnce"), "data")
    assert (place.namespace, place.claim, place.node, place.tolerations) == ("shop", "db", "node-1", ({"key": "k"},))


def test_a_shared_claim_is_saved_anywhere() -> None:
    assert place_of(pod(), claim("ReadWriteOnce", "ReadWriteMany"), "data").node is None


def test_a_claim_that_only_its_pod_may_mount_is_refused_and_so_is_what_is_no_claim() -> None:
    assert "ReadWriteOncePod" in refusal(claim("ReadWriteOncePod"), "db")
    assert "only claims" in refusal(None, None)
    assert refusal(None, "db") == "its claim is gone"
    assert refusal(claim("ReadWriteOnce"), "db") == ""


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
