"""What a Backup's filters bring into the bucket, end to end."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import time
from typing import Any

import pytest

from kubectl_ark import errors
from kubectl_ark.model import layout
from tests.harness import Ark, Object, config_map, eventually, is_clear

pytestmark = pytest.mark.api

A, B, C = "ark-t-sel-a", "ark-t-sel-b", "ark-t-other"
LABEL = {"app": "shop"}


def item(kind: str, name: str, *, version: str = "v1", namespace: str | None = A, labels: Any = None,
         **rest: Any) -> Object:
    """Any object."""
    metadata = {"name": name, "labels": labels or {}, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


@pytest.fixture(scope="module", autouse=True)
def scene(spare_ark: Ark) -> None:
    """Three namespaces; in the first a pod with its claim, volume, account, binding, role and custom resource."""
    ark, rbac = spare_ark, "rbac.authorization.k8s.io/v1"
    for name in (A, B, C):
        ark.make_namespace(name)
        ark.make(config_map(name, "here"))
    ark.make(item("ConfigMap", "hidden", labels={"velero.io/exclude-from-backup": "true"}))
    ark.make(item("ConfigMap", "ours-hidden", labels={"ark.heptio.com/exclude-from-backup": "true"}))
    ark.make(item("ServiceAccount", "default"))
    ark.make(item("ServiceAccount", "till", labels=LABEL))
    ark.make(item("ClusterRole", "ark-t-sel:role", version=rbac, namespace=None, rules=[]))
    ark.make(item("ClusterRoleBinding", "ark-t-sel:binding", version=rbac, namespace=None,
                  roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "ark-t-sel:role"},
                  subjects=[{"kind": "ServiceAccount", "name": "till", "namespace": A}]))
    ark.make(item("Role", "system:x:y", version=rbac, rules=[]))
    storage = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    ark.make(item("PersistentVolume", "ark-t-sel-pv", namespace=None, spec={
        **storage, "capacity": {"storage": "1Mi"}, "hostPath": {"path": "/nowhere"},
        "claimRef": {"name": "data", "namespace": A}}))
    ark.make(item("PersistentVolumeClaim", "data", spec={
        **storage, "volumeName": "ark-t-sel-pv", "resources": {"requests": {"storage": "1Mi"}}}))
    ark.api.patch_merge(f"/api/v1/namespaces/{A}/persistentvolumeclaims/data/status", {"status": {"phase": "Bound"}})
    ark.make(item("Pod", "till", labels=LABEL, spec={
        "serviceAccountName": "till", "automountServiceAccountToken": False,
        "containers": [{"name": "c", "image": "none"}],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}))
    ark.make(item("CustomResourceDefinition", "tills.sel.example.com", version="apiextensions.k8s.io/v1",
                  namespace=None, spec={
                      "group": "sel.example.com", "scope": "Namespaced",
                      "names": {"plural": "tills", "singular": "till", "kind": "Till"},
                      "versions": [{"name": "v1", "served": True, "storage": True,
                                    "schema": {"openAPIV3Schema": {"type": "object"}}}]}))
    eventually(lambda: serves_tills(ark), "the CRD is served")
    ark.make(item("Till", "one", version="sel.example.com/v1"))


def serves_tills(ark: Ark) -> bool:
    """True once the custom kind can be used."""
    try:
        return "tills" in ark.api.raw("GET", "/apis/sel.example.com/v1").decode()
    except errors.NotFound:
        return False


VOLUME = "persistentvolumes/cluster/ark-t-sel-pv"
CLAIM = f"persistentvolumeclaims/namespaces/{A}/data"
POD = f"pods/namespaces/{A}/till"
BINDING = "clusterrolebindings.rbac.authorization.k8s.io/cluster/ark-t-sel:binding"
CLUSTER_ROLE = "clusterroles.rbac.authorization.k8s.io/cluster/ark-t-sel:role"
CRD = "customresourcedefinitions.apiextensions.k8s.io/cluster/tills.sel.example.com"
HERE = f"configmaps/namespaces/{A}/here"

CASES: dict[str, tuple[dict[str, Any], set[str], set[str]]] = {
    "a pattern takes the namespaces that it matches": (
        {"includedNamespaces": ["ark-t-sel-*"]},
        {HERE, f"configmaps/namespaces/{B}/here", f"namespaces/cluster/{A}", f"namespaces/cluster/{B}"},
        {f"configmaps/namespaces/{C}/here", f"namespaces/cluster/{C}"}),
    "an excluded namespace stays out": (
        {"includedNamespaces": ["ark-t-*"], "excludedNamespaces": [B]},
        {HERE, f"configmaps/namespaces/{C}/here"}, {f"configmaps/namespaces/{B}/here", f"namespaces/cluster/{B}"}),
    "everything that a namespace refers to comes along": (
        {"includedNamespaces": [A]},
        {POD, CLAIM, VOLUME, BINDING, CLUSTER_ROLE, CRD, f"tills.sel.example.com/namespaces/{A}/one",
         f"roles.rbac.authorization.k8s.io/namespaces/{A}/system:x:y"},
        {"clusterroles.rbac.authorization.k8s.io/cluster/cluster-admin"}),
    "an object that is labelled so stays out": (
        {"includedNamespaces": [A]}, {HERE},
        {f"configmaps/namespaces/{A}/hidden", f"configmaps/namespaces/{A}/ours-hidden"}),
    "a label takes what carries it and what that refers to": (
        {"includedNamespaces": [A], "labelSelector": {"matchLabels": LABEL}},
        {POD, CLAIM, VOLUME, f"serviceaccounts/namespaces/{A}/till", BINDING, CLUSTER_ROLE},
        {HERE, f"serviceaccounts/namespaces/{A}/default"}),
    "without cluster resources nothing of them comes along": (
        {"includedNamespaces": [A], "includeClusterResources": False},
        {POD, CLAIM}, {VOLUME, BINDING, CLUSTER_ROLE, CRD, f"namespaces/cluster/{A}"}),
    "with cluster resources all of them come along": (
        {"includedNamespaces": [A], "includeClusterResources": True},
        {POD, VOLUME, CRD, "clusterroles.rbac.authorization.k8s.io/cluster/cluster-admin"},
        {f"configmaps/namespaces/{B}/here"}),
    "included kinds are the only ones, by short name too": (
        {"includedNamespaces": [A], "includedResources": ["cm"]}, {HERE}, {POD, CLAIM, VOLUME, CRD}),
    "excluded kinds stay out, related ones too": (
        {"includedNamespaces": [A], "excludedResources": ["persistentvolumes", "secrets"]}, {POD, CLAIM}, {VOLUME}),
}

CASES |= {
    "filters by scope take what they include, and cluster objects that it refers to": (
        {"includedNamespaces": [A], "includedNamespaceScopedResources": ["pods", "pvc", "sa"]},
        {POD, CLAIM, VOLUME, BINDING, f"namespaces/cluster/{A}"},
        {HERE, "clusterroles.rbac.authorization.k8s.io/cluster/cluster-admin"}),
    "filters by scope can take nothing but cluster objects": (
        {"excludedNamespaceScopedResources": ["*"], "includedClusterScopedResources": ["persistentvolumes"]},
        {VOLUME}, {HERE, POD, CLAIM, BINDING}),
    "an excluded cluster kind does not come along either": (
        {"includedNamespaces": [A], "excludedClusterScopedResources": ["pv", "namespaces"]},
        {POD, CLAIM, BINDING}, {VOLUME, f"namespaces/cluster/{A}"}),
    "of several label selectors one must fit": (
        {"includedNamespaces": [A], "orLabelSelectors": [
            {"matchLabels": LABEL}, {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
            {"matchLabels": {"kubernetes.io/metadata.name": A}}]},
        {POD, CLAIM, VOLUME, f"serviceaccounts/namespaces/{A}/till"},
        {HERE, f"serviceaccounts/namespaces/{A}/default"}),
    "many kinds listed at once are the same backup": (
        {"includedNamespaces": [A], "parallel": 16, "qps": 500},
        {POD, CLAIM, VOLUME, BINDING, CLUSTER_ROLE, CRD, HERE}, {f"configmaps/namespaces/{B}/here"}),
}


@pytest.mark.parametrize("case", CASES)
def test_in_a_backup(case: str, spare_ark: Ark, name: str) -> None:
    spec, there, absent = CASES[case]
    spare_ark.backup(name, **spec)
    runner = spare_ark.start("backup", name)
    assert runner.wait() == 0, runner.text
    items = spare_ark.items(name)
    assert spare_ark.status("Backup", name)["phase"] == "Completed", runner.text
    assert there <= set(items)
    assert not absent & set(items)
    assert len(items) == len(set(items)), "an item is stored twice"


def test_named_objects_are_saved_first_of_their_kind_in_their_order(spare_ark: Ark, name: str) -> None:
    for each in ("z-first", "a-second", "m-third"):
        spare_ark.make(config_map(A, each))
    spare_ark.backup(name, includedNamespaces=[A, B], includedResources=["configmaps", "secrets"], orderedResources={
        "cm": f"{A}/z-first,{A}/nosuch,{B}/here,{A}/a-second,plain,{C}/here", "pods": f"{A}/till"})
    assert spare_ark.run("backup", name) == 0
    with tarfile.open(fileobj=io.BytesIO(spare_ark.read(layout.contents(name)))) as tar:
        stored = [member.name for member in tar if member.name.startswith("resources/configmaps/namespaces")]
    names = [path.removeprefix("resources/configmaps/namespaces/").removesuffix(".json") for path in stored]
    assert names[:3] == [f"{A}/z-first", f"{B}/here", f"{A}/a-second"]
    assert f"{A}/m-third" in names and len(names) == len(set(names)) and f"{C}/here" not in names
    warnings = json.loads(gzip.decompress(spare_ark.read(layout.backup_results(name))))["warnings"]
    assert is_clear(warnings["namespaces"][A][0], f"{A}/nosuch", "does not exist")
    assert is_clear(" ".join(warnings["cluster"]), "pods is not in this backup", '"plain" is not of the form')


def test_a_pace_is_kept(spare_ark: Ark, name: str) -> None:
    spare_ark.backup(name, includedNamespaces=[B], qps=10)
    begun = time.monotonic()
    assert spare_ark.run("backup", name) == 0
    assert spare_ark.status("Backup", name)["phase"] == "Completed"
    assert time.monotonic() - begun > 3, "some fifty kinds were asked for at ten requests a second"


def test_a_resource_policy_adds_its_filters(spare_ark: Ark, name: str) -> None:
    policy = {"version": "v1", "includeExcludePolicy": {
        "excludedNamespaceScopedResources": ["configmaps"],
        "includedNamespaceScopedResources": ["configmaps", "pods", "serviceaccounts"]}}
    spare_ark.put({**config_map(spare_ark.namespace, name), "data": {"policy": json.dumps(policy)}})
    spare_ark.backup(name, includedNamespaces=[A], resourcePolicy={"kind": "configmap", "name": name})
    runner = spare_ark.start("backup", name)
    assert runner.wait() == 0, runner.text
    items = spare_ark.items(name)
    assert POD in items
    assert not {HERE, f"roles.rbac.authorization.k8s.io/namespaces/{A}/system:x:y"} & set(items)
    stored = json.loads(spare_ark.read(layout.metadata(name)))["spec"]
    assert stored["resourcePolicy"] == {"kind": "configmap", "name": name}


@pytest.mark.parametrize(("data", "words"), [
    (None, ("does not exist",)), ({}, ("0 keys",)), ({"a": "", "b": ""}, ("2 keys",)), ({"a": "{"}, ("not YAML",)),
    ({"a": "version: v2\nvolumePolicies: [{action: {type: keep}}]"}, ('"v2"', '"keep" is none of'))])
def test_a_resource_policy_that_cannot_be_used_fails_validation(
        spare_ark: Ark, name: str, data: dict[str, str] | None, words: tuple[str, ...]) -> None:
    if data is not None:
        spare_ark.put({**config_map(spare_ark.namespace, name), "data": data})
    spare_ark.backup(name, includedNamespaces=[B], ttl="soon", resourcePolicy={"kind": "ConfigMap", "name": name})
    assert spare_ark.run("backup", name) == errors.RUNNER_INVALID
    status = spare_ark.status("Backup", name)
    assert status["phase"] == "FailedValidation"
    title = f"ConfigMap {spare_ark.namespace}/{name}"
    assert is_clear("; ".join(status["validationErrors"]), title, "spec.ttl", *words)
    assert spare_ark.keys(f"backups/{name}/") == []


def test_what_is_stored_says_what_was_done_and_whose_it_is(spare_ark: Ark, name: str) -> None:
    item = spare_ark.cr("Backup", name, includedResources=["limitranges"])
    item["metadata"]["labels"] = {"ark.heptio.com/schedule-name": "nightly", "own": "label"}
    item["metadata"]["annotations"] = {"own": "annotation"}
    spare_ark.make_namespace(f"{A}-hidden", **{"velero.io/exclude-from-backup": "true"})
    spare_ark.make(item)
    assert spare_ark.run("backup", name) == 0
    stored = json.loads(spare_ark.read(layout.metadata(name)))
    assert stored["metadata"]["labels"] == {
        "ark.heptio.com/schedule-name": "nightly", "own": "label", "velero.io/schedule-name": "nightly",
        "velero.io/storage-location": "default"}
    assert stored["metadata"]["annotations"]["own"] == "annotation"
    spec = stored["spec"]
    assert (spec["includeClusterResources"], spec["includedNamespaces"], spec["ttl"], spec["storageLocation"]) == (
        True, ["*"], "720h0m0s", "default")
    assert f"{A}-hidden" in spec["excludedNamespaces"]
    status = stored["status"]
    assert (status["version"], status["formatVersion"], status["phase"]) == (1, "1.1.0", "Completed")
    assert status["hookStatus"] == {"hooksAttempted": 0, "hooksFailed": 0}
    for field in ("startTimestamp", "completionTimestamp", "expiration", "progress", "warnings", "errors", "runner"):
        assert field in status


def test_every_claim_is_reported_as_an_object_without_its_data(spare_ark: Ark, name: str) -> None:
    spare_ark.backup(name, includedNamespaces=[A])
    assert spare_ark.run("backup", name) == 0
    warnings = json.loads(gzip.decompress(spare_ark.read(layout.backup_results(name))))["warnings"]
    assert warnings["namespaces"][A] == [f"persistentvolumeclaim {A}/data: object only, data not saved"]
    volume = json.loads(gzip.decompress(spare_ark.read(layout.volume_info(name))))[0]
    assert (volume["pvName"], volume["pvcName"], volume["skipped"]) == ("ark-t-sel-pv", "data", True)


def test_a_namespace_that_is_named_and_does_not_exist_is_an_error_and_the_rest_is_saved(
        spare_ark: Ark, name: str) -> None:
    spare_ark.backup(name, includedNamespaces=[B, "ark-t-nosuch"])
    assert spare_ark.run("backup", name) == 0
    assert spare_ark.status("Backup", name)["phase"] == "PartiallyFailed"
    problems = json.loads(gzip.decompress(spare_ark.read(layout.backup_results(name))))["errors"]
    assert is_clear(problems["namespaces"]["ark-t-nosuch"][0], '"ark-t-nosuch"', "does not exist")
    assert f"configmaps/namespaces/{B}/here" in spare_ark.items(name)


def test_a_namespace_that_is_being_deleted_is_a_warning_and_what_is_left_of_it_is_saved(
        spare_ark: Ark, name: str) -> None:
    ark = spare_ark
    ark.make_namespace(name)
    ark.make(config_map(name, "left"))
    ark.remove(item("Namespace", name, namespace=None))  # no controller here ends this
    assert "deletionTimestamp" in ark.got(item("Namespace", name, namespace=None))["metadata"]
    ark.backup(name, includedNamespaces=[name])
    assert ark.run("backup", name) == 0
    status = ark.status("Backup", name)
    assert (status["phase"], status["warnings"]) == ("Completed", 1)
    assert ark.items(name) == [f"configmaps/namespaces/{name}/left"]


def test_what_is_not_supported_is_refused_with_every_reason_and_nothing_is_written(spare_ark: Ark, name: str) -> None:
    hook = {"name": "h", "pre": [{"exec": {"command": ["x"], "timeout": "0s"}}]}
    spare_ark.put(spare_ark.cr("VolumeSnapshotLocation", "other", provider="aws"))
    spare_ark.backup(name, hooks={"resources": [hook]}, snapshotMoveData=True,
                     volumeSnapshotLocations=["other", "none"], includedNamespaces=["*", "x"], ttl="soon",
                     storageLocation="nosuch")
    assert spare_ark.run("backup", name) == errors.RUNNER_INVALID
    status = spare_ark.status("Backup", name)
    assert status["phase"] == "FailedValidation"
    assert is_clear("; ".join(status["validationErrors"]), "spec.hooks", "spec.snapshotMoveData", '"*"', "spec.ttl",
                    '"nosuch"', 'volumesnapshotlocation other: provider "aws" is not supported; use csi',
                    "volumesnapshotlocation none does not exist")
    assert len(status["validationErrors"]) == 7
    assert spare_ark.keys(f"backups/{name}/") == []


def test_a_name_that_is_no_dns_name_is_refused_by_the_api_server(spare_ark: Ark) -> None:
    with pytest.raises(errors.Rejected, match="lowercase RFC 1123"):
        spare_ark.backup("Not_A_Name")


def test_a_kind_that_nobody_knows_is_an_error_where_it_is_included_and_a_warning_where_it_is_excluded(
        spare_ark: Ark, name: str) -> None:
    spare_ark.backup(name, includedNamespaces=[A], includedResources=["Secrt", "cm"],
                     excludedResources=["gone.example"])
    assert spare_ark.run("backup", name) == 0
    status = spare_ark.status("Backup", name)
    assert (status["phase"], status["errors"], status["warnings"]) == ("PartiallyFailed", 1, 1)
    results = json.loads(gzip.decompress(spare_ark.read(layout.backup_results(name))))
    assert "Secrt" in results["errors"]["cluster"][0] and "gone.example" in results["warnings"]["cluster"][0]


def test_a_backup_that_selects_nothing_says_so(spare_ark: Ark, name: str) -> None:
    spare_ark.backup(name, includedNamespaces=["nothing-is-called-so-*"])
    assert spare_ark.run("backup", name) == 0
    assert spare_ark.status("Backup", name)["warnings"] == 1
    assert b"nothing was selected" in gzip.decompress(spare_ark.read(layout.backup_log(name)))


def test_a_namespace_kept_out_of_backups_does_not_keep_cluster_scoped_kinds_out(spare_ark: Ark, name: str) -> None:
    hidden = f"{name}-hidden"
    spare_ark.make_namespace(hidden, **{"velero.io/exclude-from-backup": "true"})
    spare_ark.make(config_map(hidden, "secret"))
    spare_ark.backup(name)
    assert spare_ark.run("backup", name) == 0
    paths = spare_ark.items(name)
    assert not [path for path in paths if hidden in path]
    assert "clusterroles.rbac.authorization.k8s.io/cluster/ark-t-sel:role" in paths
    assert f"configmaps/namespaces/{A}/here" in paths
