"""Hooks, a namespace mapping, resource modifiers and single objects in one backup's restores, on the node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.ark import Ark
from tests.environment import Environment

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("restore-choices")]

SHOP, COPY, BACKUP = "hooked", "hooked-copy", "hooked"
IMAGE = "localhost/busybox:1"
HOOK = "post.hook.restore.ark.heptio.com"

RULES = """
version: v1
resourceModifierRules:
- conditions: {groupResource: pods, namespaces: [hooked]}
  patches: [{operation: add, path: /metadata/labels/changed, value: '"true"'}]
- conditions: {groupResource: pods, resourceNameRegex: "^annotated$"}
  strategicPatches:
  - patchData: '{spec: {containers: [{name: main, env: [{name: ADDED, value: later}]}]}}'
"""


def pod(name: str, **annotations: str) -> dict[str, Any]:
    """A pod that waits, with a directory that its containers share."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {
        "name": name, "namespace": SHOP, "labels": {"app": name}, "annotations": annotations}, "spec": {
        "terminationGracePeriodSeconds": 0, "volumes": [{"name": "work", "emptyDir": {}}], "containers": [{
            "name": "main", "image": IMAGE, "command": ["/bin/sh", "-c", "exec sleep 3600"],
            "env": [{"name": "SAVED", "value": "before"}],
            "volumeMounts": [{"name": "work", "mountPath": "/work"}]}]}}


@pytest.fixture(scope="module")
def saved(ark: Ark, cluster: Environment) -> Iterator[None]:
    """A backup of a namespace with two pods and a ConfigMap."""
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SHOP}})
    cluster.apply(
        pod("annotated", **{f"{HOOK}/command": '["/bin/sh", "-c", "cp /work/init /work/exec"]',
                            f"{HOOK}/on-error": "Fail"}),
        pod("plain"),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": SHOP}, "data": {"k": "saved"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rules", "namespace": ark.namespace},
         "data": {"rules.yaml": RULES}})
    ark("backup", BACKUP, "--include-namespaces", SHOP, "--wait")
    yield
    cluster.run("delete", "namespace", SHOP, COPY, "--ignore-not-found", "--wait=false")


@pytest.mark.usefixtures("saved")
def test_hooks_mapping_and_modifiers_meet_in_one_restore(ark: Ark, cluster: Environment) -> None:
    init = {"name": "prepare", "image": IMAGE, "command": ["/bin/sh", "-c", "echo made > /work/init"],
            "volumeMounts": [{"name": "work", "mountPath": "/work"}]}
    restore = {"apiVersion": "ark.heptio.com/v1", "kind": "Restore", "metadata": {"name": "hooked"}, "spec": {
        "backupName": BACKUP, "namespaceMapping": {SHOP: COPY},
        "resourceModifier": {"kind": "ConfigMap", "name": "rules"},
        "hooks": {"resources": [{"name": "h", "includedNamespaces": [COPY], "postHooks": [
            {"init": {"initContainers": [init]}},
            {"exec": {"container": "main", "command": ["/bin/sh", "-c", "cat /work/init > /work/exec"],
                      "waitForReady": True, "waitTimeout": "1m"}},
            {"exec": {"command": ["/bin/sh", "-c", "echo sorry >&2; exit 3"]}}]}]}}}
    answer = ark("restore", "-f", "-", "--wait", input=json.dumps(restore), code=3)
    status = ark.status("restore", "hooked")
    assert (status["phase"], status["errors"]) == ("PartiallyFailed", 1), answer.all + ark.details("restore", "hooked")
    assert status["hookStatus"] == {"hooksAttempted": 3, "hooksFailed": 1}
    for name in ("annotated", "plain"):
        assert cluster.run("exec", "-n", COPY, name, "-c", "main", "--", "cat", "/work/exec").stdout == "made\n"
        live = cluster.get("pod", "-n", COPY, name)
        assert live["metadata"]["labels"]["changed"] == "true"
        assert [each["name"] for each in live["spec"]["initContainers"]] == ["prepare"]
    [main] = cluster.get("pod", "-n", COPY, "annotated")["spec"]["containers"]
    values = {each["name"]: each["value"] for each in main["env"]}
    assert values == {"SAVED": "before", "ADDED": "later"}
    details = ark.details("restore", "hooked")
    assert f"in pod {COPY}/plain, container main: exit code 3: sorry" in details


@pytest.mark.usefixtures("saved")
def test_one_object_is_made_as_it_was_saved_and_nothing_else_is_touched(ark: Ark, cluster: Environment) -> None:
    cluster.run("patch", "cm", "c", "-n", SHOP, "--type=merge", "-p", '{"data": {"k": "changed", "more": "x"}}')
    answer = ark("restore", "one", "--from-backup", BACKUP, f"cm/{SHOP}/c", "--existing-resource-policy", "update",
                 "--wait")
    assert cluster.get("cm", "-n", SHOP, "c")["data"] == {"k": "saved"}
    assert "1 updated, 1 skipped" in answer.out, answer.all  # the other one is the namespace
