"""Validation lists every mistake, and what this version cannot do is refused by name."""

from typing import Any

import pytest

from kubectl_ark.model import backup_spec, restore_spec


def test_an_empty_backup_spec_is_everything_and_is_sound() -> None:
    assert backup_spec.problems({}) == []
    assert backup_spec.with_defaults({}) == {"ttl": "720h0m0s", "includedNamespaces": ["*"]}


def test_all_mistakes_are_listed_not_just_the_first() -> None:
    found = backup_spec.problems({
        "includedNamespaces": ["*", "a"], "excludedNamespaces": ["a", "*"], "includedResources": ["pods"],
        "excludedResources": ["pods"], "ttl": "a day",
        "labelSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]},
        "hooks": {"resources": [{"name": "x", "pre": [{}]}]}})
    for word in ("includedNamespaces", "excludedNamespaces", '"a" is both', '"pods" is both', "spec.ttl",
                 "labelSelector", "spec.hooks"):
        assert any(word in problem for problem in found), (word, found)


@pytest.mark.parametrize(("field", "value"), [
    ("volumeGroupSnapshotLabelKey", "group"), ("datamover", "x"),
])
def test_a_backup_field_that_is_not_supported_yet_is_refused_by_name(field: str, value: Any) -> None:
    found = backup_spec.problems({field: value})
    assert found == [f"spec.{field}: this version does not support it yet; leave it out"]


@pytest.mark.parametrize(("spec", "words"), [
    ({"snapshotMoveData": True}, "spec.snapshotMoveData: a snapshot's data stays at its storage in this version"),
    ({"snapshotVolumes": False, "volumeSnapshotLocations": ["x"]}, "no snapshots are taken, as spec.snapshotVolumes"),
    ({"volumeSnapshotLocations": ["x", "x"]}, "spec.volumeSnapshotLocations: x is there twice"),
    ({"csiSnapshotTimeout": "-5m"}, 'spec.csiSnapshotTimeout: "-5m" is less than nothing'),
    ({"snapshotVolumes": True, "volumeSnapshotLocations": ["x", "y"], "csiSnapshotTimeout": "5m"}, ""),
])
def test_what_a_backup_says_of_snapshots_must_make_sense(spec: dict[str, Any], words: str) -> None:
    found = backup_spec.problems(spec)
    assert (len(found), words in found[0]) == (1, True) if words else found == []


@pytest.mark.parametrize(("spec", "word"), [
    ({"backupName": "b", "scheduleName": "s"}, "exclude each other"),
    ({"backupName": "b", "allowPartiallyFailed": True}, "spec.allowPartiallyFailed"),
    ({"backupName": "b", "existingResourcePolicy": "recreate"}, "neither none nor update"),
    ({"backupName": "b", "labelSelector": {"matchLabels": {"a": "b"}}, "orLabelSelectors": [{}]}, "orLabelSelectors"),
    ({"backupName": "b", "orLabelSelectors": [{"matchLabels": {"a b": "c"}}]}, "orLabelSelectors[0]"),
    ({"backupName": "b", "namespaceMapping": {"a": "B_"}}, "spec.namespaceMapping"),
    ({"backupName": "b", "namespaceMapping": {"a": "b.c"}}, "spec.namespaceMapping"),
    ({"backupName": "b", "restoreStatus": {"includedResources": ["*", "pods"]}}, "spec.restoreStatus.included"),
    ({"backupName": "b", "items": ["deployment"]}, "KIND/NAMESPACE/NAME"),
    ({"backupName": "b", "items": ["a/b/c/d"]}, "KIND/NAMESPACE/NAME"),
    ({"backupName": "b", "items": ["deployment/shop/*"]}, "no meaning"),
    ({"backupName": "b", "items": ["backup.ark.heptio.com/x/y"]}, "cannot be restored"),
    ({"backupName": "b", "items": ["cm/a/b"], "includedNamespaces": ["a"]}, "exclude each other"),
    ({"backupName": "b", "resourceModifier": {"kind": "Secret", "name": "x"}}, "ConfigMap"),
    ({"backupName": "b", "resourceModifier": {"kind": "configmap"}}, "spec.resourceModifier.name"),
    ({"backupName": "b", "resourcePriorities": ["a", "-", "b", "-"]}, "stands once"),
    ({"backupName": "b", "resourcePriorities": ["a", "-", "a"]}, "twice"),
    ({"backupName": "b", "qps": 0}, "spec.qps"), ({"backupName": "b", "qps": True}, "spec.qps"),
    ({"backupName": "b", "parallel": 257}, "spec.parallel"), ({"backupName": "b", "parallel": 1.5}, "spec.parallel"),
    ({"backupName": "b", "existingVolumes": "update"}, 'spec.existingVolumes: "update" is neither none nor restore'),
    ({"backupName": "b", "existingVolumes": "restore", "restorePVs": False}, "choose one"),
    ({"backupName": "b", "stopWorkloads": True}, "spec.stopWorkloads: it goes with"),
    ({"backupName": "b", "stopWorkloads": True, "existingVolumes": "none"}, "spec.stopWorkloads: it goes with"),
    ({"backupName": "b", "uploaderConfig": {"parallelFilesDownload": -1}}, "spec.uploaderConfig.parallelFilesDownload"),
    ({"backupName": "b", "uploaderConfig": {"writeSparseFiles": 1}}, "spec.uploaderConfig.writeSparseFiles"),
    ({"backupName": "b", "hooks": {"resources": [{"name": "h", "postHooks": [{}]}]}}, "postHooks[0]"),
    ({"backupName": "b", "hooks": {"resources": [{"name": "h", "postHooks": [
        {"exec": {"command": []}}]}]}}, "name the command"),
    ({"backupName": "b", "hooks": {"resources": [{"name": "h", "postHooks": [
        {"exec": {"command": ["x"], "waitTimeout": "soon"}}]}]}}, "exec.waitTimeout"),
    ({"backupName": "b", "hooks": {"resources": [{"name": "h", "postHooks": [
        {"init": {"initContainers": [{"name": "x", "image": "i"}]}}]}]}}, "initContainers[0].command"),
    ({"backupName": "b", "hooks": {"resources": [{"name": "h", "includedNamespaces": ["*", "a"]}]}},
     "hooks.resources[0].included"),
])
def test_a_mistake_in_a_restore_is_one_sentence_that_names_the_field(spec: dict[str, Any], word: str) -> None:
    [problem] = restore_spec.problems(spec)
    assert word in problem


def test_a_restore_that_uses_every_field_is_sound() -> None:
    assert restore_spec.problems({
        "scheduleName": "s", "allowPartiallyFailed": True, "anyCluster": True, "namespaceMapping": {"a": "b"},
        "orLabelSelectors": [{"matchLabels": {"a": "b"}}], "existingResourcePolicy": "update", "qps": 0.5,
        "restoreStatus": {"includedResources": ["*"], "excludedResources": ["pods"]}, "parallel": 256,
        "resourceModifier": {"kind": "configmap", "name": "x"}, "resourcePriorities": ["secrets", "-", "pods"],
        "restorePVs": True, "existingVolumes": "restore", "stopWorkloads": True,
        "uploaderConfig": {"writeSparseFiles": True, "parallelFilesDownload": 8},
        "hooks": {"resources": [{"name": "h", "includedNamespaces": ["b"], "postHooks": [
            {"exec": {"command": ["x"], "onError": "Fail", "execTimeout": "1m", "waitTimeout": "5m"}},
            {"init": {"initContainers": [{"name": "n", "image": "i", "command": ["c"]}]}}]}]}}) == []


@pytest.mark.parametrize("spec", [
    {"snapshotVolumes": False}, {"snapshotVolumes": None}, {"hooks": {"resources": []}}, {"hooks": None},
    {"hooks": {"resources": [{"name": "x", "pre": [{"exec": {"command": ["sync"]}}]}]}},
    {"includedNamespaces": None}, {"defaultVolumesToFsBackup": False}, {"includedNamespaces": ["*"]},
    {"includedClusterScopedResources": ["*"], "excludedNamespaceScopedResources": ["*"]},
    {"orLabelSelectors": [{"matchLabels": {"a": "b"}}, {"matchLabels": {"a": "c"}}]},
    {"orderedResources": {"pods": "a/b, a/c", "persistentvolumes": "x"}}, {"metadata": {"labels": {"a/b": "c"}}},
    {"resourcePolicy": {"kind": "configmap", "name": "x"}}, {"qps": 0.5, "parallel": 256},
    {"volumeGroupSnapshotLabelKey": "velero.io/volume-group", "snapshotMoveData": False, "itemOperationTimeout": "4h"},
    {"defaultVolumesToFsBackup": True, "defaultVolumesToRestic": True, "includeUnmountedClaims": True},
    {"defaultVolumesToRestic": True}, {"uploaderConfig": {"parallelFilesUpload": 256}}, {"uploaderConfig": {}},
    {"defaultVolumesToFsBackup": True, "defaultVolumesToRestic": None}, {"uploaderConfig": {"parallelFilesUpload": 0}},
    {"includedNamespaces": ["prod-*", "{a,b}", "x[0-9]"]}, {"csiSnapshotTimeout": "10m0s", "ttl": "720h0m0s"},
])
def test_what_says_nothing_or_is_supported_is_not_refused(spec: dict[str, Any]) -> None:
    assert backup_spec.problems(spec) == []


def test_a_restore_needs_a_backup() -> None:
    assert "backupName" in restore_spec.problems({})[0]
    sound = {"backupName": "b", "existingResourcePolicy": "none", "preserveNodePorts": True}
    assert restore_spec.problems(sound) == []


@pytest.mark.parametrize("kind", [
    "nodes", "Node", "no", "events", "events.events.k8s.io", "volumeattachments", "csinodes.storage.k8s.io",
    "backups.velero.io", "backups.ark.heptio.com", "restore.ark.heptio.com", "podvolumebackups.velero.io"])
def test_kinds_that_are_never_restored_cannot_be_asked_for(kind: str) -> None:
    assert restore_spec.problems({"backupName": "b", "includedResources": [kind]}) == [
        f"spec.includedResources: {kind} cannot be restored"]


@pytest.mark.parametrize("kind", [
    "schedules.ark.heptio.com", "backupstoragelocation.velero.io", "backups.longhorn.io", "backups", "*", "nodepools",
    "nodes.example.com", "*.velero.io"])
def test_other_kinds_can_be_asked_for(kind: str) -> None:
    assert restore_spec.problems({"backupName": "b", "includedResources": [kind]}) == []


@pytest.mark.parametrize("pattern", ["a**", "a|b", "x(1)", "[a", "{a,b"])
def test_a_malformed_namespace_pattern_is_a_mistake(pattern: str) -> None:
    assert backup_spec.problems({"includedNamespaces": [pattern]})


@pytest.mark.parametrize(("spec", "words"), [
    ({"includedNamespaceScopedResources": ["pods"], "includeClusterResources": False}, ("cannot stand beside",)),
    ({"includedClusterScopedResources": ["*", "nodes"]}, ("includedClusterScopedResources", "already means all")),
    ({"excludedClusterScopedResources": ["*", "nodes"]}, ("excludedClusterScopedResources", "stands alone")),
    ({"excludedNamespaceScopedResources": ["*"], "includedNamespaceScopedResources": ["pods"]}, ("stands alone",)),
    ({"includedNamespaceScopedResources": ["pods"], "excludedNamespaceScopedResources": ["pods"]}, ("is both in",)),
    ({"includedNamespaceScopedResources": ["[a"]}, ("is not closed",)),
    ({"orLabelSelectors": [{"matchLabels": {"a b": "c"}}]}, ("orLabelSelectors[0]", '"a b"')),
    ({"orLabelSelectors": [{"matchLabels": {"a": "b"}}], "labelSelector": {"matchLabels": {"a": "b"}}}, ("exclude",)),
    ({"orderedResources": {"pods": "a/b,a/b/c"}}, ("orderedResources.pods", '"a/b/c"')),
    ({"orderedResources": {"pods": "a/b,,a/c"}}, ("orderedResources.pods", '""')),
    ({"orderedResources": {"pods": "a/b,a/b"}}, ("orderedResources.pods", "twice")),
    ({"metadata": {"labels": {"a": "b c"}}}, ("spec.metadata.labels", '"b c"')),
    ({"resourcePolicy": {"kind": "Secret", "name": "x"}}, ("spec.resourcePolicy", "ConfigMap")),
    ({"qps": 0}, ("spec.qps",)), ({"parallel": 257}, ("spec.parallel",)), ({"parallel": True}, ("spec.parallel",)),
    ({"defaultVolumesToFsBackup": False, "defaultVolumesToRestic": True},
     ("spec.defaultVolumesToRestic", "spec.defaultVolumesToFsBackup", "differ")),
    ({"uploaderConfig": {"parallelFilesUpload": -1}}, ("spec.uploaderConfig.parallelFilesUpload", "-1")),
    ({"uploaderConfig": {"parallelFilesUpload": 257}}, ("spec.uploaderConfig.parallelFilesUpload", "from 1 to 256")),
    ({"uploaderConfig": {"parallelFilesUpload": "4"}}, ("spec.uploaderConfig.parallelFilesUpload", "whole number")),
    ({"includeUnmountedClaims": "yes"}, ("spec.includeUnmountedClaims", "true or false")),
])
def test_a_mistake_in_a_backup_is_named(spec: dict[str, Any], words: tuple[str, ...]) -> None:
    (problem,) = backup_spec.problems(spec)
    for word in words:
        assert word in problem


@pytest.mark.parametrize(("spec", "expected"), [
    ({}, False), ({"defaultVolumesToFsBackup": True}, True), ({"defaultVolumesToRestic": True}, True),
    ({"defaultVolumesToFsBackup": False, "defaultVolumesToRestic": None}, False)])
def test_either_name_of_the_default_for_volumes_counts(spec: dict[str, Any], expected: bool) -> None:
    assert backup_spec.saves_by_default(spec) is expected


VS, VSC = backup_spec.ALWAYS_EXCLUDED


@pytest.mark.parametrize(("spec", "fields"), [
    ({}, {"includeClusterResources": True, "excludedResources": [VS, VSC], "csiSnapshotTimeout": "10m0s",
          "itemOperationTimeout": "4h0m0s", "snapshotMoveData": False, "includedNamespaces": ["*"]}),
    ({"includedNamespaces": ["a"]}, {"includeClusterResources": None}),
    ({"includeClusterResources": False, "excludedResources": ["pods"]},
     {"includeClusterResources": False, "excludedResources": ["pods", VS, VSC]}),
    ({"excludedNamespaceScopedResources": ["pods"]},
     {"includedClusterScopedResources": None, "excludedClusterScopedResources": [VSC],
      "excludedNamespaceScopedResources": ["pods", VS], "excludedResources": None}),
    ({"includedNamespaceScopedResources": ["*"]},
     {"includedClusterScopedResources": ["*"], "excludedNamespaceScopedResources": [VS]}),
    ({"excludedClusterScopedResources": ["*"]}, {"excludedClusterScopedResources": ["*"]}),
    ({"defaultVolumesToRestic": True}, {"defaultVolumesToFsBackup": True, "defaultVolumesToRestic": True}),
    ({"defaultVolumesToFsBackup": True}, {"defaultVolumesToFsBackup": True, "defaultVolumesToRestic": None}),
    ({"defaultVolumesToRestic": False}, {"defaultVolumesToFsBackup": False, "defaultVolumesToRestic": False}),
])
def test_the_stored_spec_says_what_was_done(spec: dict[str, Any], fields: dict[str, Any]) -> None:
    stored = backup_spec.stored(backup_spec.with_defaults(spec), hidden=[])
    assert {field: stored.get(field) for field in fields} == fields
    assert backup_spec.problems(stored) == [], "a stored spec may be asked for again"


def test_the_stored_spec_names_the_namespaces_that_hid_themselves() -> None:
    stored = backup_spec.stored(backup_spec.with_defaults({}), hidden=["secret"])
    assert stored["excludedNamespaces"] == ["secret"] and stored["includeClusterResources"] is True
