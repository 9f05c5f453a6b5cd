"""A value of another shape than its field has is one more mistake, wherever it stands in a spec."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kubectl_ark.model import (
    backup_spec, resource_policy, restore_spec, schedules, shapes, stored_backup, volume_policies,
)
from tests import specs

RESTORE: dict[str, Any] = {
    "backupName": "b", "scheduleName": "s", "allowPartiallyFailed": True, "anyCluster": False, "items": ["cm/a/b"],
    "includedNamespaces": ["a"], "excludedNamespaces": ["b"], "includedResources": ["pods"], "parallel": 3,
    "excludedResources": ["jobs"], "labelSelector": {"matchLabels": {"a": "b"}, "matchExpressions": [
        {"key": "k", "operator": "In", "values": ["v"]}]}, "orLabelSelectors": [{"matchLabels": {"a": "b"}}],
    "includeClusterResources": True, "namespaceMapping": {"a": "c"}, "existingResourcePolicy": "update", "qps": 1,
    "restoreStatus": {"includedResources": ["pods"], "excludedResources": ["jobs"]}, "preserveNodePorts": True,
    "resourceModifier": {"kind": "ConfigMap", "name": "x"}, "resourcePriorities": ["secrets", "-"],
    "restorePVs": True, "existingVolumes": "restore", "stopWorkloads": True,
    "uploaderConfig": {"writeSparseFiles": True, "parallelFilesDownload": 4},
    "itemOperationTimeout": "1h", "hooks": {"resources": [{
        "name": "h", "includedNamespaces": ["a"], "excludedNamespaces": ["b"], "includedResources": ["pods"],
        "labelSelector": {"matchLabels": {"a": "b"}}, "postHooks": [
            {"exec": {"container": "c", "command": ["x"], "onError": "Fail", "execTimeout": "1m", "waitTimeout": "5m",
                      "waitForReady": True}},
            {"init": {"timeout": "1m", "initContainers": [{"name": "n", "image": "i", "command": ["c"]}]}}]}]},
}

SCHEDULE: dict[str, Any] = {
    "schedule": "@daily", "timeZone": "UTC", "startingDeadlineSeconds": 60, "paused": True, "skipImmediately": False,
    "useOwnerReferencesInBackup": True, "retention": {"keepLast": 3}, "template": specs.WITH_OLD_FILTERS,
}

POLICY: dict[str, Any] = {
    "version": "v1", "includeExcludePolicy": {"excludedNamespaceScopedResources": ["pods"]}, "volumePolicies": [{
        "conditions": {"capacity": "1Gi,2Gi", "storageClass": ["gp2"], "nfs": {"server": "nas", "path": "/a"},
                       "csi": {"driver": "d", "volumeAttributes": {"a": "b"}}, "volumeTypes": ["nfs"],
                       "pvcLabels": {"a": "b"}, "pvcPhase": ["Bound"]},
        "action": {"type": "skip", "parameters": {"a": "b"}}}],
}

STORED: dict[str, Any] = {
    "apiVersion": "velero.io/v1", "kind": "Backup", "metadata": {
        "name": "b", "labels": {"a": "b"}, "annotations": {"a": "b"}}, "spec": {"ttl": "1h"},
    "status": {"phase": "Completed"},
}

ODD: tuple[Any, ...] = ("text", "", 7, 1.5, True, [], [7], [None], [["a"]], {}, {"a": 7}, {"a": None}, {1: "a"}, [{}],
                        ["a", 7])
"""Of each JSON type, and what YAML makes of a key that is not quoted."""


def spoilt(spec: Any) -> Iterator[Any]:
    """Copies of a spec, each with one value, at any depth, in another shape."""
    inside = spec.items() if isinstance(spec, dict) else enumerate(spec) if isinstance(spec, list) else ()
    for key, value in inside:
        for other in (*ODD, *([None] if isinstance(spec, list) else []), *spoilt(value)):
            changed = copy.copy(spec)
            changed[key] = other
            yield changed


@pytest.mark.parametrize(("problems", "spec"), [
    (restore_spec.problems, RESTORE), (schedules.problems, SCHEDULE), (backup_spec.problems, specs.WITH_OLD_FILTERS),
    (backup_spec.problems, specs.WITH_SCOPED_FILTERS),
    (lambda document: resource_policy.problems(document, {}), POLICY),
    (lambda stored: list(filter(None, [stored_backup.problem(stored, "b")])), STORED)])
def test_a_spec_with_one_value_in_another_shape_is_always_answered_with_sentences(
        problems: Callable[[Any], list[str]], spec: dict[str, Any]) -> None:
    for each in spoilt(spec):
        found = problems(each)
        assert all(isinstance(sentence, str) and sentence for sentence in found), each


def test_a_policy_that_nothing_is_said_against_can_be_applied_to_every_volume() -> None:
    source = {"nfs": {"server": "nas", "path": "/a"}, "csi": {"driver": "d", "volumeAttributes": {"a": "b"}}}
    of = volume_policies.traits(volume={"spec": {"capacity": {"storage": "1Gi"}, "storageClassName": "gp2", **source}},
                                claim={"metadata": {"labels": {"a": "b"}}, "status": {"phase": "Bound"}})
    assert volume_policies.action(resource_policy.volumes(POLICY), of) is volume_policies.Action.SKIP
    for each in spoilt(POLICY):
        if not resource_policy.problems(each, {}):
            volume_policies.action(resource_policy.volumes(each), of)


@pytest.mark.parametrize(("problems", "spec", "sentence"), [
    (restore_spec.problems, {"backupName": 5}, "spec.backupName: 5 is not text"),
    (restore_spec.problems, {"includedNamespaces": "shop"}, 'spec.includedNamespaces: "shop" is not a list'),
    (restore_spec.problems, {"includedResources": [None]}, "spec.includedResources[0]: null is not text"),
    (restore_spec.problems, {"namespaceMapping": {"a": None}}, "spec.namespaceMapping.a: null is not text"),
    (restore_spec.problems, {"namespaceMapping": {1: "a"}}, "spec.namespaceMapping: the key 1 is not text"),
    (restore_spec.problems, {"hooks": {"resources": [{"name": "h", "postHooks": [
        {"init": {"initContainers": [{"name": "n", "command": "sh -c true"}]}}]}]}},
     'spec.hooks.resources[0].postHooks[0].init.initContainers[0].command: "sh -c true" is not a list'),
    (restore_spec.problems, {"resourceModifier": "rules"}, 'spec.resourceModifier: "rules" is not a mapping'),
    (schedules.problems, {"schedule": 5}, "spec.schedule: 5 is not text"),
    (schedules.problems, {"startingDeadlineSeconds": True},
     "spec.startingDeadlineSeconds: true is not a whole number"),
    (schedules.problems, {"retention": [3]}, "spec.retention: [3] is not a mapping"),
    (schedules.problems, {"template": "all"}, 'spec.template: "all" is not a mapping'),
    (schedules.problems, {"template": {"metadata": {"labels": ["a"]}}},
     'spec.template.metadata.labels: ["a"] is not a mapping'),
    (schedules.problems, {"schedule": "@daily", "template": {"includedNamespaces": "a"}},
     'spec.template: spec.includedNamespaces: "a" is not a list'),
    (schedules.problems, {"schedule": "@daily", "template": {"metadata": {"labels": {"a b": "c"}}}},
     'spec.template.metadata.labels: "a b" is not a label key')])
def test_the_sentence_names_the_place_and_the_value(
        problems: Callable[[Any], list[str]], spec: dict[str, Any], sentence: str) -> None:
    assert problems(spec) == [sentence]


def test_null_is_a_field_that_is_not_there() -> None:
    assert shapes.problems({"labels": None, "names": None}, {"labels": {"*": str}, "names": [str]}, "spec") == []
