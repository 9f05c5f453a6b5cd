"""``restore``: from flags to the object. What backup and restore share is in test_backup."""

import json
from typing import Any

import pytest

from tests.cli.commandline import ark


def made(*arguments: str) -> dict[str, Any]:
    done = ark("restore", *arguments, "--dry-run=client", "-o", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_flag_becomes_its_field() -> None:
    restore = made(
        "r", "--from-schedule", "nightly", "--allow-partially-failed", "--any-cluster", "--include-namespaces", "a,b",
        "--or-selector", "app=web or tier in (x,y)", "--namespace-mappings", "a:c,b:d",
        "--existing-resource-policy=update", "--status-include-resources", "deployments.apps,pods",
        "--status-exclude-resources", "jobs.batch", "--preserve-nodeports=false",
        "--resource-modifier-configmap", "changes", "--resource-priorities", "secrets,configmaps,-,pods",
        "--qps", "50", "--parallel=8", "--restore-volumes", "--existing-volumes", "restore", "--stop-workloads",
        "--write-sparse-files", "--parallel-files-download", "4")
    assert restore["spec"] == {
        "scheduleName": "nightly", "allowPartiallyFailed": True, "anyCluster": True, "includedNamespaces": ["a", "b"],
        "orLabelSelectors": [{"matchLabels": {"app": "web"}},
                             {"matchExpressions": [{"key": "tier", "operator": "In", "values": ["x", "y"]}]}],
        "namespaceMapping": {"a": "c", "b": "d"}, "existingResourcePolicy": "update",
        "restoreStatus": {"includedResources": ["deployments.apps", "pods"], "excludedResources": ["jobs.batch"]},
        "preserveNodePorts": False, "resourceModifier": {"kind": "ConfigMap", "name": "changes"},
        "resourcePriorities": ["secrets", "configmaps", "-", "pods"], "qps": 50, "parallel": 8,
        "restorePVs": True, "existingVolumes": "restore", "stopWorkloads": True,
        "uploaderConfig": {"writeSparseFiles": True, "parallelFilesDownload": 4}}


def test_a_restik_is_named_with_a_claim_and_perhaps_a_time_and_a_pod() -> None:
    restore = made("--from-restik", "shop/nightly", "--to-claim", "again", "--pod", "db-0", "--at",
                   "2026-01-31T03:00:00Z", "--write-sparse-files")
    assert restore["spec"] == {"uploaderConfig": {"writeSparseFiles": True}, "restik": {
        "namespace": "shop", "name": "nightly", "toClaim": "again", "pod": "db-0", "at": "2026-01-31T03:00:00Z"}}
    assert restore["metadata"]["name"].startswith("nightly-")


@pytest.mark.parametrize(("flags", "words"), [
    (("--from-restik", "shop/nightly"), "--to-claim"),
    (("--from-restik", "shop/r", "--from-backup", "b"), "--from-backup and --from-restik exclude each other"),
    (("--from-backup", "b", "--at", "2026-01-31T03:00:00Z"), "--at goes with --from-restik only"),
    (("--from-restik", "shop/r", "--to-claim", "c", "--at", "noon"), '"noon" is not a time'),
    (("--from-restik", "shop/r", "--to-claim", "c", "--include-namespaces", "a"), "includedNamespaces exclude"),
])
def test_what_does_not_go_with_a_restik_is_said(flags: tuple[str, ...], words: str) -> None:
    done = ark("restore", *flags, "--dry-run=client")
    assert done.returncode != 0 and words in done.stderr and done.stderr.count("\n") == 1


def test_what_is_said_with_false_is_in_the_spec_and_what_is_not_said_is_not() -> None:
    source = ("--from-backup", "b")
    assert made(*source, "--restore-volumes=false", "--write-sparse-files=false")["spec"] == {
        "backupName": "b", "restorePVs": False, "uploaderConfig": {"writeSparseFiles": False}}
    assert made(*source)["spec"] == {"backupName": "b"}


def test_objects_are_told_from_the_name_by_their_slash() -> None:
    restore = made("--from-backup", "b", "deployment/shop/web", "again", "clusterrole/reader")
    assert restore["metadata"]["name"] == "again"
    assert restore["spec"] == {"backupName": "b", "items": ["deployment/shop/web", "clusterrole/reader"]}


def test_a_restore_from_a_schedule_is_named_after_it() -> None:
    assert made("--from-schedule", "nightly")["metadata"]["name"].startswith("nightly-2")


@pytest.mark.parametrize(("arguments", "word"), [
    (("--from-backup", "b", "--from-schedule", "s"), "exclude each other"), ((), "--from-schedule"),
    (("x", "y", "--from-backup", "b"), "one NAME"), (("--from-backup", "b", "--namespace-mappings", "a"), "OLD:NEW"),
    (("--from-backup", "b", "--allow-partially-failed"), "allowPartiallyFailed"),
    (("--from-backup", "b", "--qps", "0"), "qps"), (("--from-backup", "b", "--parallel", "300"), "parallel"),
    (("--from-backup", "b", "--or-selector", "a=b=c"), "or-selector"),
    (("--from-backup", "b", "--existing-volumes", "update"), "neither none nor restore"),
    (("--from-backup", "b", "--stop-workloads"), "spec.existingVolumes: restore"),
    (("--from-backup", "b", "--parallel-files-download", "0"), "parallel-files-download"),
    (("--from-backup", "b", "-l", "a=b", "--or-selector", "c=d"), "exclude each other"),
    (("--from-backup", "b", "a/b/c/d"), "KIND/NAMESPACE/NAME"),
    (("--from-backup", "b", "cm/a/b", "--include-namespaces", "a"), "exclude each other"),
    (("--from-backup", "b", "--resource-priorities", "a,-,b,-"), "stands once"),
])
def test_a_mistake_is_one_line_that_names_it(arguments: tuple[str, ...], word: str) -> None:
    done = ark("restore", *arguments, "--dry-run=client")
    assert done.returncode == 2 and done.stdout == "" and word in done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
