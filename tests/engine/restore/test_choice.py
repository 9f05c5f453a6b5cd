"""Which items of a backup are restored, and in what order."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_ark.engine.restore import leftout, order
from kubectl_ark.engine.restore.archive import DROP, RELATED, WANTED
from kubectl_ark.engine.restore.paths import ItemPath, parse
from kubectl_ark.engine.restore.selection import of_spec
from kubectl_ark.model.exclusions import never_restored
from kubectl_ark.model.resources import Catalog, Resource
from tests.engine.restore.stored import velero_item

CATALOG = Catalog([
    Resource("", "v1", "pods", "Pod", True, short_names=("po",)),
    Resource("", "v1", "persistentvolumes", "PersistentVolume", False, short_names=("pv",)),
    Resource("apps", "v1", "deployments", "Deployment", True, short_names=("deploy",)),
])


def taken(spec: dict[str, Any], path: str, labels: dict[str, str] | None = None) -> int:
    item_path = parse(f"resources/{path}.json")
    assert item_path is not None
    return of_spec(spec, CATALOG).take(item_path, {"metadata": {"name": item_path.name, "labels": labels}})


def test_only_unversioned_paths_name_items() -> None:
    assert parse("resources/pods/namespaces/n/p.json") == ItemPath("pods", "n", "p")
    assert parse("resources/roles.rbac/cluster/system:a.json") == ItemPath("roles.rbac", "", "system:a")
    for path in ("metadata/version", "resources/pods/v1-preferredversion/namespaces/n/p.json",
                 "resources/pods/v1-preferredversion/cluster/p.json", "resources/pods/cluster/p.txt",
                 "resources/pods/p.json", "other/pods/cluster/p.json", "resources/pods/cluster/.json"):
        assert parse(path) is None


@pytest.mark.parametrize(("spec", "path", "result"), [
    ({}, "pods/namespaces/a/p", WANTED),
    ({}, "persistentvolumes/cluster/v", WANTED),
    ({"includedNamespaces": ["*"]}, "persistentvolumes/cluster/v", WANTED),
    ({"includedNamespaces": ["a*"]}, "pods/namespaces/ab/p", WANTED),
    ({"includedNamespaces": ["a*"]}, "pods/namespaces/b/p", DROP),
    ({"includedNamespaces": ["a"]}, "namespaces/cluster/a", WANTED),
    ({"includedNamespaces": ["a"]}, "namespaces/cluster/b", RELATED),
    ({"includedNamespaces": ["a"]}, "persistentvolumes/cluster/v", RELATED),
    ({"includedNamespaces": ["a"]}, "clusterroles.rbac.authorization.k8s.io/cluster/r", DROP),
    ({"includedNamespaces": ["a"], "includeClusterResources": True}, "clusterroles.rbac/cluster/r", WANTED),
    ({"includeClusterResources": False}, "persistentvolumes/cluster/v", DROP),
    ({"includeClusterResources": False}, "namespaces/cluster/a", RELATED),
    ({"excludedNamespaces": ["a"]}, "pods/namespaces/a/p", DROP),
    ({"includedResources": ["po"]}, "pods/namespaces/a/p", WANTED),
    ({"includedResources": ["po"]}, "deployments.apps/namespaces/a/d", DROP),
    ({"includedResources": ["pvc"]}, "persistentvolumes/cluster/v", DROP),
    ({"includedResources": ["*"]}, "deployments.apps/namespaces/a/d", WANTED),
    ({"excludedResources": ["deploy", "PersistentVolume"]}, "deployments.apps/namespaces/a/d", DROP),
    ({"excludedResources": ["PersistentVolume"]}, "persistentvolumes/cluster/v", DROP),
    ({"includedResources": ["events"]}, "events/namespaces/a/e", DROP),
    ({}, "nodes/cluster/n", DROP),
])
def test_filters(spec: dict[str, Any], path: str, result: int) -> None:
    assert taken(spec, path) == result


def test_labels_select_and_leave_related_volumes_within_reach() -> None:
    spec = {"labelSelector": {"matchLabels": {"app": "web"}}}
    assert taken(spec, "pods/namespaces/a/p", {"app": "web"}) == WANTED
    assert taken(spec, "pods/namespaces/a/p") == DROP
    assert taken(spec, "persistentvolumes/cluster/v") == RELATED
    either = {"orLabelSelectors": [{"matchLabels": {"app": "web"}}, {"matchLabels": {"app": "db"}}]}
    assert taken(either, "pods/namespaces/a/p", {"app": "db"}) == WANTED


@pytest.mark.parametrize("kind", [
    "backups.ark.heptio.com", "restores.ark.heptio.com", "deletebackuprequests.ark.heptio.com", "backups.velero.io",
    "downloadrequests.velero.io", "podvolumebackups.velero.io", "resticrepositories.ark.heptio.com", "events",
    "events.events.k8s.io", "nodes", "csinodes.storage.k8s.io", "volumeattachments.storage.k8s.io",
])
def test_backups_and_requests_never_come_back(kind: str) -> None:
    assert never_restored(kind)
    assert taken({"includedResources": [kind]}, f"{kind}/namespaces/heptio-ark/x") == DROP


@pytest.mark.parametrize("kind", [
    "schedules.ark.heptio.com", "schedules.velero.io", "backupstoragelocations.ark.heptio.com",
    "volumesnapshotlocations.velero.io", "restiks.backup.appscode.com", "backups.example.com", "pods",
])
def test_settings_of_backup_tools_do_come_back(kind: str) -> None:
    assert not never_restored(kind)


@pytest.mark.parametrize(("kind", "metadata", "more", "reason"), [
    ("pods", {"annotations": {"kubernetes.io/config.mirror": "x"}}, {}, "made again by its node"),
    ("pods", {}, {"status": {"phase": "Failed"}}, "it had completed"),
    ("pods", {}, {"status": {"phase": "Running"}}, None),
    ("pods", {"labels": {"batch.kubernetes.io/controller-uid": "u"}}, {}, leftout.BY_CONTROLLER),
    ("jobs.batch", {}, {"status": {"completionTime": "2024-05-01T10:00:00Z"}}, "it had completed"),
    ("jobs.batch", {}, {"status": {"active": 1}}, None),
    ("jobs.batch", {"labels": {"app.kubernetes.io/managed-by": "kubectl-ark"}}, {}, "it belongs to kubectl-ark"),
    ("secrets", {"labels": {"app.kubernetes.io/managed-by": "kubectl-ark"}}, {}, "it belongs to kubectl-ark"),
    ("configmaps", {"labels": {"app.kubernetes.io/managed-by": "kubectl-ark"}}, {}, None),
    ("endpoints", {}, {}, None),
    ("endpointslices.discovery.k8s.io", {}, {}, None),
    ("apiservices.apiregistration.k8s.io", {"labels": {"kube-aggregator.kubernetes.io/automanaged": "true"}}, {},
     "made again by the API server"),
    ("ipaddresses.networking.k8s.io", {}, {}, "made again by the API server"),
    ("leases.coordination.k8s.io", {"namespace": "kube-node-lease"}, {}, "made again by its node"),
    ("leases.coordination.k8s.io", {"namespace": "shop"}, {}, None),
])
def test_what_is_left_out(kind: str, metadata: dict[str, Any], more: dict[str, Any], reason: str | None) -> None:
    assert leftout.reason(kind, {"metadata": {"name": "x", **metadata}, **more}) == reason


def test_an_auto_made_token_is_left_out_and_a_user_s_is_not() -> None:
    for name, reason in (("web-token-abcde", leftout.BY_CONTROLLER), ("mine", None)):
        secret = {"type": "kubernetes.io/service-account-token",
                  "metadata": {"name": name, "annotations": {"kubernetes.io/service-account.name": "web"}}}
        assert leftout.reason("secrets", secret) == reason


@pytest.mark.parametrize("path", [
    "endpoints/namespaces/shop/db", "endpoints/namespaces/shop/web", "configmaps/namespaces/shop/kube-root-ca.crt",
    "endpointslices.discovery.k8s.io/namespaces/shop/web-jcrrr",
])
def test_what_controllers_made_in_velero_s_backup_is_left_out(path: str) -> None:
    assert leftout.reason(path.partition("/")[0], velero_item(path)) == leftout.BY_CONTROLLER


def test_kinds_come_back_in_velero_s_order() -> None:
    kinds = ["statefulsets.apps", "apps.kappctrl.k14s.io", "services", "pods", "deployments.apps", "namespaces",
             "replicasets.apps", "configmaps", "persistentvolumeclaims", "persistentvolumes", "serviceaccounts",
             "customresourcedefinitions.apiextensions.k8s.io", "secrets", "carts.shop.example.com", "limitranges"]
    assert order.ordered(kinds) == [
        "customresourcedefinitions.apiextensions.k8s.io", "namespaces", "persistentvolumes", "persistentvolumeclaims",
        "serviceaccounts", "secrets", "configmaps", "pods", "limitranges", "replicasets.apps", "services",
        "carts.shop.example.com", "deployments.apps", "statefulsets.apps", "apps.kappctrl.k14s.io"]
