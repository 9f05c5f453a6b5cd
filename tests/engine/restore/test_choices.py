"""What a Restore's spec makes of the items, against a real API server."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from kubectl_ark.model import times
from tests.engine.restore.stored import Object, backup_of, config_map, files_of
from tests.engine.restore.test_restore import Restores, claim_for, messages, namespace, restore, volume
from tests.environment import Environment

__all__ = ["namespace", "restore"]

pytestmark = pytest.mark.api

RBAC = "rbac.authorization.k8s.io"


@pytest.fixture
def second(cluster: Environment, namespace: str) -> Iterator[str]:  # noqa: F811
    """Another name for a namespace; whatever is there in the end is deleted."""
    name = f"{namespace}-2"
    yield name
    cluster.run("delete", "namespace", name, "--ignore-not-found", "--wait=false")


def binding(namespace: str, name: str, *, kind: str = "RoleBinding") -> Object:  # noqa: F811
    metadata: Object = {"name": name, **({"namespace": namespace} if kind == "RoleBinding" else {})}
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata,
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"}, "subjects": [
                {"kind": "ServiceAccount", "name": "till", "namespace": namespace},
                {"kind": "ServiceAccount", "name": "other", "namespace": "elsewhere"},
                {"kind": "User", "name": "jane", "apiGroup": RBAC}]}


def test_a_mapped_namespace_comes_back_under_its_new_name_with_all_that_names_it(
        restore: Restores, namespace: str, second: str) -> None:  # noqa: F811
    saved = {"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": namespace, "labels": {"team": "shop", "kubernetes.io/metadata.name": namespace}}}
    stored = backup_of(files_of({
        "namespaces": [saved], "configmaps": [config_map(namespace, "c", k="v")],
        f"rolebindings.{RBAC}": [binding(namespace, "b")],
        f"clusterrolebindings.{RBAC}": [binding(namespace, f"{namespace}-cluster", kind="ClusterRoleBinding")],
        "persistentvolumes": [volume(f"{namespace}-keep", namespace, "keep")],
        "persistentvolumeclaims": [claim_for(f"{namespace}-keep", namespace, "keep")]}))
    try:
        done = restore(stored, spec={"namespaceMapping": {namespace: second}})
        assert done.results == {"errors": {}, "warnings": {}}
        assert done.listed["v1/Namespace"] == [f"{second}(created)"]
        assert restore.cluster.run("get", "namespace", namespace, check=False).returncode == 1
        labels = restore.cluster.get("namespace", second)["metadata"]["labels"]
        assert (labels["team"], labels["kubernetes.io/metadata.name"]) == ("shop", second)
        assert restore.cluster.get("-n", second, "cm", "c")["data"] == {"k": "v"}
        for found in (restore.cluster.get("-n", second, "rolebinding", "b"),
                      restore.cluster.get("clusterrolebinding", f"{namespace}-cluster")):
            assert [each.get("namespace") for each in found["subjects"]] == [second, "elsewhere", None]
        assert restore.cluster.get("pv", f"{namespace}-keep")["spec"]["claimRef"]["namespace"] == second
    finally:
        restore.cluster.run("delete", "--ignore-not-found", "--wait=false", f"pv/{namespace}-keep",
                            f"clusterrolebinding/{namespace}-cluster")


def test_a_copy_beside_the_original_gets_a_volume_of_its_own_where_the_disk_is_the_originals(
        restore: Restores, namespace: str, second: str) -> None:  # noqa: F811
    restore.cluster.run("create", "namespace", namespace)
    pv = f"{namespace}-disk"
    live = volume(pv, namespace, "data", "Delete")
    live["spec"]["claimRef"] = {"namespace": namespace, "name": "data"}
    restore.cluster.apply(live)
    try:
        done = restore(backup_of(files_of({
            "persistentvolumes": [volume(pv, namespace, "data", "Delete")],
            "persistentvolumeclaims": [claim_for(pv, namespace, "data")]})),
            spec={"namespaceMapping": {namespace: second}})
        assert done.listed["v1/PersistentVolumeClaim"] == [f"{second}/data(created)"]
        assert "volumeName" not in restore.cluster.get("-n", second, "pvc", "data")["spec"]
        [warning] = messages(done, "warnings", second)
        assert f'belongs to the claim "{namespace}/data", and the backup holds no data of it' in warning
    finally:
        restore.cluster.run("delete", "--ignore-not-found", "--wait=false", f"pv/{pv}")


def test_two_objects_that_would_get_one_name_are_told_apart_by_an_error(
        restore: Restores, namespace: str, second: str) -> None:  # noqa: F811
    done = restore(backup_of(files_of({"configmaps": [
        config_map(namespace, "c", k="one"), config_map(second, "c", k="two"), config_map(second, "d", k="two")]})),
        spec={"namespaceMapping": {namespace: second}})
    assert (done.counts["created"], done.counts["failed"]) == (3, 1)
    [error] = messages(done, "errors", second)
    assert "gives two saved objects this name" in error


def test_with_update_what_exists_is_made_as_it_was_saved(restore: Restores, namespace: str) -> None:  # noqa: F811
    cluster = restore.cluster
    cluster.run("create", "namespace", namespace)
    live = config_map(namespace, "changed", k="mine", added="x")
    live["metadata"] = {"name": "changed", "namespace": namespace, "labels": {"new": "y"}}
    same = {**config_map(namespace, "same", k="1"), "metadata": {"name": "same", "namespace": namespace}}
    fixed = {**config_map(namespace, "fixed", k="1"), "metadata": {"name": "fixed", "namespace": namespace},
             "immutable": True}
    cluster.apply(live, same, fixed)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "till", "namespace": namespace},
               "imagePullSecrets": [{"name": "mine"}]}
    cluster.apply(account)
    saved = config_map(namespace, "changed", k="saved")
    saved["metadata"]["labels"] = {"old": "z"}
    stored = backup_of(files_of({
        "configmaps": [saved, config_map(namespace, "same", k="1"), config_map(namespace, "fixed", k="2")],
        "serviceaccounts": [{**account, "imagePullSecrets": [{"name": "saved"}]}]}))
    time.sleep(1.1)  # what is older than the Restore was not created by an earlier try of it
    moment = times.format_time(times.now())
    for _ in range(2):
        done = restore(stored, name="u", spec={"existingResourcePolicy": "update"}, created=moment)
        found = cluster.get("-n", namespace, "cm", "changed")
        assert found["data"] == {"k": "saved"}
        own = {"ark.heptio.com/restore-name": "u", "ark.heptio.com/backup-name": "b"}
        labels = found["metadata"]["labels"]
        assert labels == {"old": "z", **own}
        assert cluster.get("-n", namespace, "cm", "same")["metadata"]["labels"] == own
        assert cluster.get("-n", namespace, "sa", "till")["imagePullSecrets"] == [{"name": "mine"}, {"name": "saved"}]
        listed = done.listed["v1/ConfigMap"]
        assert listed[0] == f"{namespace}/changed(updated)" and listed[2] == f"{namespace}/same(updated)"
        assert listed[1].startswith(f"{namespace}/fixed(skipped: it exists and could not be changed: ")
        [warning] = messages(done, "warnings", namespace)
        assert "only its labels were set" in warning and "immutable" in warning
        assert done.results["errors"] == {}
        assert cluster.get("-n", namespace, "cm", "fixed")["data"] == {"k": "1"}


def test_status_comes_back_for_the_kinds_and_objects_that_were_named(
        restore: Restores, namespace: str) -> None:  # noqa: F811
    group = f"{namespace}.example.com"  # a kind that no controller knows: what its status says is what was written
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    crd: Object = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {
        "name": f"lamps.{group}"}, "spec": {
            "group": group, "scope": "Namespaced", "names": {"plural": "lamps", "kind": "Lamp", "listKind": "LampList"},
            "versions": [{"name": "v1", "served": True, "storage": True, "subresources": {"status": {}}, "schema": {
                "openAPIV3Schema": anything}}]}}

    def lamp(name: str, **annotations: str) -> Object:
        return {"apiVersion": f"{group}/v1", "kind": "Lamp", "status": {"lit": 7}, "spec": {}, "metadata": {
            "name": name, "namespace": namespace, "annotations": annotations}}

    def lit(name: str) -> object:
        return restore.cluster.get("-n", namespace, f"lamps.{group}", name).get("status")

    items = {"customresourcedefinitions.apiextensions.k8s.io": [crd], f"lamps.{group}": [
        lamp("plain"), lamp("not", **{"velero.io/restore-status": "false"}),
        lamp("always", **{"ark.heptio.com/restore-status": "true"})]}
    try:
        done = restore(backup_of(files_of(items)), name="with", spec={"restoreStatus": {
            "includedResources": [f"lamps.{group}"]}})
        assert done.results == {"errors": {}, "warnings": {}}
        assert (lit("plain"), lit("not"), lit("always")) == ({"lit": 7}, None, {"lit": 7})
        restore.cluster.run("-n", namespace, "delete", f"lamps.{group}", "--all")
        restore(backup_of(files_of(items)), name="without")
        assert (lit("plain"), lit("not"), lit("always")) == (None, None, {"lit": 7})
    finally:
        restore.cluster.run("delete", "crd", f"lamps.{group}", "--ignore-not-found", "--wait=false")


def test_single_objects_come_back_alone_and_one_that_is_not_there_is_an_error(
        restore: Restores, namespace: str) -> None:  # noqa: F811
    done = restore(backup_of(files_of({"configmaps": [config_map(namespace, "a"), config_map(namespace, "b")]})),
                   spec={"items": [f"cm/{namespace}/a", f"configmaps/{namespace}/nosuch"]})
    assert done.listed == {"v1/ConfigMap": [f"{namespace}/a(created)"], "v1/Namespace": [f"{namespace}(created)"]}
    [error] = messages(done, "errors", namespace)
    assert error.startswith(f"configmaps/{namespace}/nosuch is not in the backup")


def test_a_version_that_is_no_longer_served_is_sent_as_another_and_reported(
        restore: Restores, namespace: str) -> None:  # noqa: F811
    def budget(name: str, **spec: object) -> Object:
        return {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {
            "name": name, "namespace": namespace}, "spec": {"selector": {"matchLabels": {"a": "b"}}, **spec}}

    done = restore(backup_of(files_of({"poddisruptionbudgets.policy": [
        budget("good", minAvailable=1), budget("odd", minAvailable=1, formerField=True)]})))
    assert done.listed["policy/v1/PodDisruptionBudget"][0] == f"{namespace}/good(created)"
    [warning] = done.results["warnings"]["cluster"]
    assert "no longer serves policy/v1beta1" in warning and "sent as policy/v1" in warning
    [error] = messages(done, "errors", namespace)
    assert 'unknown field "spec.formerField"' in error
