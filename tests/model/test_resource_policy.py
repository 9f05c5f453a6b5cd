"""Documents of resource policies: what they add to a spec, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_ark.model import resource_policy

EXCLUDED, INCLUDED = "excludedNamespaceScopedResources", "includedNamespaceScopedResources"


def test_a_policys_filters_join_the_specs_unless_it_speaks_of_the_kind_itself() -> None:
    spec = {EXCLUDED: ["secrets"], INCLUDED: ["pods"]}
    document = {"version": "v1", "includeExcludePolicy": {
        EXCLUDED: ["pods", "events"], INCLUDED: ["secrets", "services", "events"],
        "includedClusterScopedResources": ["storageclasses"]}}
    assert resource_policy.problems(document, spec) == []
    assert resource_policy.merged(spec, document) == {
        EXCLUDED: ["secrets", "events"], INCLUDED: ["pods", "services"],
        "includedClusterScopedResources": ["storageclasses"]}
    assert spec == {EXCLUDED: ["secrets"], INCLUDED: ["pods"]}


@pytest.mark.parametrize("action", ["skip", "fs-backup", "restic"])
def test_a_volume_policy_that_skips_or_saves_files_is_sound(action: str) -> None:
    conditions = {"capacity": "0,100Gi", "storageClass": ["gp2"], "nfs": {}, "csi": {"driver": "d"},
                  "volumeTypes": ["emptyDir"], "pvcLabels": {"a": "b"}, "pvcPhase": ["Pending"]}
    document = {"version": "v1", "volumePolicies": [{"conditions": conditions, "action": {"type": action}}]}
    assert resource_policy.problems(document, {}) == []
    assert resource_policy.volumes(document) == document["volumePolicies"]
    assert resource_policy.volumes({"version": "v1"}) == []


@pytest.mark.parametrize("document, words", [
    (["x"], "no mapping"), ({}, "version"), ({"version": "v2"}, '"v2"'), ({"version": "v1", "more": 1}, '"more"'),
    ({"version": "v1", "includeExcludePolicy": {"includedResources": ["pods"]}}, '"includedResources" is unknown'),
    ({"version": "v1", "includeExcludePolicy": {EXCLUDED: ["*"]}}, '"*" may not'),
    ({"version": "v1", "includeExcludePolicy": {EXCLUDED: "pods"}}, "a list of kinds"),
    ({"version": "v1", "includeExcludePolicy": []}, ""),
    ({"version": "v1", "volumePolicies": [{"conditions": {"size": "1"}, "action": {"type": "skip"}}]}, '"size"'),
    ({"version": "v1", "volumePolicies": [{"conditions": {"pvcPhase": "x"}, "action": {"type": "skip"}}]}, "pvcPhase"),
    ({"version": "v1", "volumePolicies": [{"conditions": {}, "action": {"type": "keep"}}]}, '"keep" is none of'),
    ({"version": "v1", "volumePolicies": [{"conditions": {}, "action": {"type": "snapshot"}}]}, ""),
    ({"version": "v1", "volumePolicies": [{"action": {"type": "custom"}}]}, "leaves the volume to a plugin"),
    ({"version": "v1", "volumePolicies": ["x"]}, "volumePolicies[0]"),
])
def test_a_mistake_is_named(document: Any, words: str) -> None:
    found = resource_policy.problems(document, {})
    assert (len(found), words in found[0]) == (1, True) if words else found == []


def test_filters_of_a_policy_cannot_stand_beside_the_older_ones() -> None:
    document = {"version": "v1", "includeExcludePolicy": {EXCLUDED: ["pods"]}}
    (found,) = resource_policy.problems(document, {"includeClusterResources": False})
    assert "cannot stand beside" in found
