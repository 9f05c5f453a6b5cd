"""What each kind looks like when it is created anew (ark-format.md §9)."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from kubectl_ark.engine.restore.transforms import table
from tests.engine.restore.stored import velero_item

Object = dict[str, Any]


def changed(group_resource: str, item: Object) -> Object:
    item = copy.deepcopy(item)
    table.apply(group_resource, item)
    return item


def test_every_item_loses_what_the_server_assigned_and_nothing_else() -> None:
    item = velero_item("deployments.apps/namespaces/shop/web")
    after = changed("deployments.apps", item)
    assert sorted(after["metadata"]) == ["annotations", "labels", "name", "namespace"]
    assert (after["spec"], after["metadata"]["labels"]) == (item["spec"], item["metadata"]["labels"])
    assert after["metadata"]["annotations"] == item["metadata"]["annotations"]
    assert "status" not in after


def test_unknown_fields_and_finalizers_survive() -> None:
    item = {"apiVersion": "x.example.com/v1", "kind": "X", "odd": [1, {"a": None}],
            "metadata": {"name": "x", "finalizers": ["x.example.com/f"], "generateName": "x-", "uid": "u"}}
    after = changed("xs.x.example.com", item)
    assert after["odd"] == item["odd"] and after["metadata"] == {"name": "x", "finalizers": ["x.example.com/f"]}


def test_a_pod_is_free_of_its_node_and_keeps_everything_else() -> None:
    item = velero_item("pods/namespaces/shop/web-5877b656f-dh9bk")
    spec = changed("pods", item)["spec"]
    assert set(item["spec"]) - set(spec) == {"nodeName", "priority"}
    assert all(spec[key] == item["spec"][key] for key in spec)


def test_a_pod_loses_what_an_earlier_restore_noted_on_it() -> None:
    annotations = {"ark.heptio.com/restore-hooks-done": "u +", "a": "b"}
    item = {"metadata": {"name": "p", "annotations": annotations}, "spec": {}}
    assert changed("pods", item)["metadata"]["annotations"] == {"a": "b"}


def test_a_pod_loses_its_legacy_token_volume_and_ephemeral_containers() -> None:
    mounts = [{"name": "web-token-x7k2p", "mountPath": "/t"}, {"name": "data", "mountPath": "/d"}]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {
        "serviceAccountName": "web", "volumes": [{"name": "web-token-x7k2p"}, {"name": "data"}],
        "containers": [{"name": "c", "volumeMounts": mounts}],
        "initContainers": [{"name": "i", "volumeMounts": mounts}],
        "ephemeralContainers": [{"name": "debug"}]}}
    spec = changed("pods", pod)["spec"]
    assert [each["name"] for each in spec["volumes"]] == ["data"]
    assert spec["containers"][0]["volumeMounts"] == spec["initContainers"][0]["volumeMounts"] == [mounts[1]]
    assert "ephemeralContainers" not in spec


def test_a_job_gets_a_new_selector_unless_it_is_the_user_s() -> None:
    item = velero_item("jobs.batch/namespaces/shop/migrate")
    spec = changed("jobs.batch", item)["spec"]
    assert "selector" not in spec
    assert spec["template"]["metadata"]["labels"] == {
        "batch.kubernetes.io/job-name": "migrate", "job-name": "migrate"}
    item["spec"]["manualSelector"] = True
    assert changed("jobs.batch", item)["spec"] == item["spec"]


def ports(service: Object) -> list[int | None]:
    return [port.get("nodePort") for port in service["spec"]["ports"]]


def test_node_ports_that_were_asked_for_stay_by_the_applied_text() -> None:
    item = velero_item("services/namespaces/shop/web-nodeport")
    after = changed("services", item)
    assert ports(item) == [30080, 30366] and ports(after) == [30080, None]
    assert "clusterIP" not in after["spec"] and "clusterIPs" not in after["spec"]


def test_with_preserve_node_ports_every_node_port_stays_and_addresses_go_all_the_same() -> None:
    item = velero_item("services/namespaces/shop/web-nodeport")
    table.apply("services", item, keep_node_ports=True)
    assert ports(item) == [30080, 30366] and "clusterIP" not in item["spec"]


def test_node_ports_that_were_asked_for_stay_by_the_managers_fields() -> None:
    item = velero_item("services/namespaces/shop/web-nodeport")
    item["metadata"]["annotations"] = {}
    assert ports(changed("services", item)) == [30080, None]
    item["metadata"]["managedFields"] = []
    assert ports(changed("services", item)) == [None, None]


def test_unnamed_node_ports_are_known_by_their_number() -> None:
    applied = {"spec": {"ports": [{"port": 80, "nodePort": 30001}]}}
    item = {"apiVersion": "v1", "kind": "Service", "spec": {"type": "NodePort", "ports": [
        {"port": 80, "nodePort": 30001}, {"port": 81, "nodePort": 30002}]},
        "metadata": {"name": "s", "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": json.dumps(applied)}}}
    assert ports(changed("services", item)) == [30001, None]


@pytest.mark.parametrize(("managed", "kept"), [({"f:healthCheckNodePort": {}}, True), ({}, False)])
def test_a_health_check_port_stays_only_if_somebody_asked_for_it(managed: Object, kept: bool) -> None:
    item = {"apiVersion": "v1", "kind": "Service", "spec": {"type": "LoadBalancer", "healthCheckNodePort": 30009},
            "metadata": {"name": "s", "managedFields": [{"fieldsV1": {"f:spec": managed}}]}}
    assert ("healthCheckNodePort" in changed("services", item)["spec"]) is kept


def test_a_headless_service_stays_headless() -> None:
    item = velero_item("services/namespaces/shop/db")
    assert changed("services", item)["spec"] == item["spec"]


def test_an_account_loses_only_its_auto_made_token() -> None:
    item = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web"},
            "secrets": [{"name": "web-token-abcde"}, {"name": "mine"}]}
    assert changed("serviceaccounts", item)["secrets"] == [{"name": "mine"}]
    item["secrets"] = [{"name": "web-token-abcde"}]
    assert "secrets" not in changed("serviceaccounts", item)


def test_a_token_secret_is_left_for_its_controller_to_fill() -> None:
    item = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "data": {"token": "eA==", "ca.crt": "eA==", "extra": "eA=="},
            "metadata": {"name": "mine", "annotations": {
                "kubernetes.io/service-account.name": "web", "kubernetes.io/service-account.uid": "u"}}}
    after = changed("secrets", item)
    assert after["data"] == {"extra": "eA=="}
    assert after["metadata"]["annotations"] == {"kubernetes.io/service-account.name": "web"}
    plain = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": {"token": "eA=="},
             "metadata": {"name": "s"}}
    assert changed("secrets", plain) == plain


def test_a_volume_is_reserved_for_its_claim_and_the_claim_is_unbound() -> None:
    volume = changed("persistentvolumes", velero_item("persistentvolumes/cluster/shop-data-pv"))
    assert volume["spec"]["claimRef"] == {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": "data", "namespace": "shop"}
    item = velero_item("persistentvolumeclaims/namespaces/shop/data")
    item["metadata"]["annotations"] |= {"volume.kubernetes.io/selected-node": "n", "mine": "kept"}
    claim = changed("persistentvolumeclaims", item)
    assert sorted(claim["metadata"]["annotations"]) == ["kubectl.kubernetes.io/last-applied-configuration", "mine"]
    assert claim["spec"] == item["spec"]


def test_a_crd_says_preserve_in_each_schema_instead_of_at_the_top() -> None:
    item = velero_item("customresourcedefinitions.apiextensions.k8s.io/cluster/carts.shop.example.com")
    assert changed("customresourcedefinitions.apiextensions.k8s.io", item)["spec"] == item["spec"]
    item["spec"]["preserveUnknownFields"] = True
    spec = changed("customresourcedefinitions.apiextensions.k8s.io", item)["spec"]
    assert spec["preserveUnknownFields"] is False
    assert spec["versions"][0]["schema"]["openAPIV3Schema"]["x-kubernetes-preserve-unknown-fields"] is True


@pytest.mark.parametrize(("before", "after"), [("Some", "None"), ("NoneOnDryRun", "NoneOnDryRun"), (None, "None")])
def test_webhooks_have_side_effects_that_v1_allows(before: str | None, after: str) -> None:
    item = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "w"}, "webhooks": [{"name": "a", "sideEffects": before}]}
    kind = "mutatingwebhookconfigurations.admissionregistration.k8s.io"
    assert changed(kind, item)["webhooks"][0]["sideEffects"] == after


@pytest.mark.parametrize("kind", ["schedules.ark.heptio.com", "schedules.velero.io", "restiks.backup.appscode.com"])
def test_what_runs_backups_comes_back_paused(kind: str) -> None:
    assert changed(kind, {"metadata": {"name": "s"}, "spec": {"paused": False}})["spec"] == {"paused": True}
