"""``backup``: from flags to the object, dry runs, files. What needs a server is in tests/launch."""

import json
from typing import Any

import pytest
import yaml

from tests.cli.commandline import ark


def made(*arguments: str, **more: Any) -> dict[str, Any]:
    done = ark("backup", *arguments, "--dry-run=client", "-o", "json", **more)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_flags_become_the_spec() -> None:
    backup = made("b", "--include-namespaces", "a,prod-{x,y}", "--include-namespaces=c", "--exclude-namespaces", "d",
                  "--include-resources", "pods,deployments.apps", "--exclude-resources", "secrets",
                  "-l", "a=b,c in (d,e)",
                  "--include-cluster-resources=false", "--ttl", "1h", "--storage-location", "second", "--labels", "x=y")
    assert backup["spec"] == {
        "includedNamespaces": ["a", "prod-{x,y}", "c"], "excludedNamespaces": ["d"],
        "includedResources": ["pods", "deployments.apps"], "excludedResources": ["secrets"],
        "labelSelector": {"matchLabels": {"a": "b"},
                          "matchExpressions": [{"key": "c", "operator": "In", "values": ["d", "e"]}]},
        "includeClusterResources": False, "ttl": "1h", "storageLocation": "second"}
    assert backup["metadata"] == {"name": "b", "namespace": "heptio-ark", "labels": {"x": "y"}}
    assert backup["apiVersion"] == "ark.heptio.com/v1" and backup["kind"] == "Backup"


def test_further_flags_become_the_spec() -> None:
    backup = made("b", "--include-cluster-scoped-resources", "*", "--exclude-cluster-scoped-resources", "nodes",
                  "--include-namespace-scoped-resources", "pods,secrets", "--exclude-namespace-scoped-resources=events",
                  "--or-selector", "a=b or c in (d,e)", "--ordered-resources", "pods=x/a,x/b; pv=v",
                  "--resource-policies-configmap", "policy", "--qps", "0.5", "--parallel", "4",
                  "--include-unmounted-claims", "--parallel-files-upload", "8",
                  "--default-volumes-to-fs-backup=false")
    assert backup["spec"] == {
        "includedClusterScopedResources": ["*"], "excludedClusterScopedResources": ["nodes"],
        "includedNamespaceScopedResources": ["pods", "secrets"], "excludedNamespaceScopedResources": ["events"],
        "orLabelSelectors": [{"matchLabels": {"a": "b"}}, {
            "matchExpressions": [{"key": "c", "operator": "In", "values": ["d", "e"]}]}],
        "orderedResources": {"pods": "x/a,x/b", "pv": "v"}, "qps": 0.5, "parallel": 4,
        "resourcePolicy": {"kind": "ConfigMap", "name": "policy"}, "includeUnmountedClaims": True,
        "uploaderConfig": {"parallelFilesUpload": 8}, "defaultVolumesToFsBackup": False}


@pytest.mark.parametrize("flag", ["--default-volumes-to-fs-backup", "--default-volumes-to-restic"])
def test_the_default_for_volumes_has_veleros_flag_and_arks(flag: str) -> None:
    backup = made(flag, "b")
    assert (backup["metadata"]["name"], backup["spec"]) == ("b", {"defaultVolumesToFsBackup": True})


@pytest.mark.parametrize(("flags", "words"), [
    (("--ordered-resources", "pods"), '"pods" is not KIND='), (("--qps", "0"), "qps"),
    (("--parallel", "0"), "parallel"), (("--parallel-files-upload", "0"), "parallel-files-upload"),
    (("--ordered-resources", "pods=a/b/c"), '"a/b/c"'), (("--or-selector", "a=b or c d"), "--or-selector"),
    (("-l", "a=b", "--or-selector", "a=b"), "exclude each other"),
    (("--include-resources", "pods", "--include-cluster-scoped-resources", "nodes"), "cannot stand beside"),
    (("--exclude-namespace-scoped-resources", "*,pods"), "stands alone")])
def test_a_mistake_in_a_further_flag_is_told(flags: tuple[str, ...], words: str) -> None:
    done = ark("backup", "b", *flags, "--dry-run=client")
    assert done.returncode in (1, 2) and words in done.stderr and done.stderr.count("\n") <= 4


def test_a_flag_that_means_true_when_alone_does_not_swallow_the_name() -> None:
    backup = made("--include-cluster-resources", "b")
    assert backup["metadata"]["name"] == "b" and backup["spec"] == {"includeClusterResources": True}


def test_what_is_not_said_is_not_in_the_spec() -> None:
    assert made("b")["spec"] == {}


@pytest.mark.parametrize(("flags", "prefix"), [
    ((), "backup-"), (("--include-namespaces", "shop,x"), "shop-"), (("--include-namespaces", "prod-*"), "backup-")])
def test_a_name_is_made_from_namespace_and_time(flags: tuple[str, ...], prefix: str) -> None:
    name = made(*flags)["metadata"]["name"]
    assert name.startswith(prefix) and len(name) == len(prefix) + 14 and name[-14:].isdigit()


def test_the_namespace_flag_stands_before_or_after_and_the_later_wins() -> None:
    def namespace(*arguments: str, **variables: str) -> str:
        done = ark(*arguments, "--dry-run=client", "-o", "json", **variables)
        return str(json.loads(done.stdout)["metadata"]["namespace"])

    assert namespace("-n", "x", "backup", "b") == namespace("backup", "b", "-n", "x") == "x"
    assert namespace("-n", "x", "backup", "b", "-n", "y") == "y"
    assert namespace("backup", "b", KUBECTL_ARK_NAMESPACE="z") == "z"


def test_output_forms() -> None:
    assert ark("backup", "b", "--dry-run=client").stdout == "backup.ark.heptio.com/b created (dry run)\n"
    assert ark("backup", "b", "--dry-run=client", "-o", "name").stdout == "backup.ark.heptio.com/b\n"
    assert yaml.safe_load(ark("backup", "b", "--dry-run=client", "-o", "yaml").stdout)["metadata"]["name"] == "b"


def test_show_job_prints_the_job_behind_the_object() -> None:
    backup, job = yaml.safe_load_all(ark("backup", "b", "--dry-run=client", "--show-job").stdout)
    assert (backup["kind"], job["kind"]) == ("Backup", "Job")
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["backup", "b", "--namespace", "heptio-ark"]
    assert ark("backup", "b", "--show-job").returncode == 2


def test_the_job_shown_is_made_with_the_installed_settings(tmp_path: Any) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text("""#!/bin/sh\necho '{"data": {"image": "img:7", "memoryLimit": "1Gi"}}'\n""")
    kubectl.chmod(0o755)
    flags = ("backup", "b", "--dry-run=client", "--show-job")
    done = ark(*flags, KUBECTL_ARK_KUBECTL=str(kubectl))
    assert "img:7" in done.stdout and "1Gi" in done.stdout and done.stderr == ""
    done = ark(*flags)
    assert done.returncode == 0 and "default image" in done.stderr and done.stderr.count("\n") == 1


def test_a_file_says_it_all(tmp_path: Any) -> None:
    text = yaml.safe_dump(made("b", "--include-namespaces", "a"))
    assert made("-f", "-", input=text)["spec"] == {"includedNamespaces": ["a"]}
    file = tmp_path / "b.yaml"
    file.write_text(text)
    assert made("-f", str(file))["metadata"]["name"] == "b"
    for extra in (("name",), ("--include-namespaces", "x"), ("-l", "a=b"), ("--ttl", "1h"),
                  ("--default-volumes-to-restic",), ("--parallel-files-upload", "2")):
        assert ark("backup", "-f", str(file), *extra, "--dry-run=client").returncode == 2


@pytest.mark.parametrize("text", [
    "", "a: [", "- 1", "kind: Backup", "apiVersion: ark.heptio.com/v1\nkind: Restore\nmetadata: {name: x}",
    "apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: x}", "apiVersion: ark.heptio.com/v1\nkind: Backup",
    "apiVersion: ark.heptio.com/v1\nkind: Backup\nmetadata: {name: x}\nspec: 3"])
def test_a_file_that_holds_something_else_is_refused_in_one_line(text: str) -> None:
    done = ark("backup", "-f", "-", "--dry-run=client", input=text)
    assert done.returncode == 1 and done.stderr.startswith("error: stdin") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(("arguments", "word"), [
    (("Bad_Name",), "Bad_Name"), (("b", "--include-namespaces", "a,*"), "includedNamespaces"),
    (("b", "--exclude-namespaces", "*"), "excludedNamespaces"), (("b", "--ttl", "soon"), "ttl"),
    (("b", "--include-resources", "pods", "--exclude-resources", "pods"), "pods"), (("b", "-l", "a=b=c d"), "selector"),
    (("b", "c"), "one NAME"), (("b", "--timeout", "x"), "timeout"), (("b", "--labels", "x"), "KEY=VALUE"),
    (("b", "--memory-limit", "much"), "memory"), (("b", "--memory-limit", "10"), "too little"),
    (("b", "-l", "a=b=c"), "label value"),
])
def test_a_mistake_is_one_line_that_names_it(arguments: tuple[str, ...], word: str) -> None:
    done = ark("backup", *arguments, "--dry-run=client")
    assert done.returncode == 2 and done.stdout == "" and word in done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_fields_of_later_versions_are_refused_from_a_file_too() -> None:
    text = ("apiVersion: ark.heptio.com/v1\nkind: Backup\nmetadata: {name: x}\n"
            "spec: {datamover: x, snapshotMoveData: true}")
    done = ark("backup", "-f", "-", "--dry-run=client", input=text)
    assert done.returncode == 1 and "spec.snapshotMoveData" in done.stderr and "spec.datamover" in done.stderr


def test_all_mistakes_are_told_at_once_whether_typed_or_in_a_file() -> None:
    words = ("Bad_Name", "spec.ttl", "spec.excludedNamespaces")
    typed = ark("backup", "Bad_Name", "--ttl", "soon", "--exclude-namespaces", "*")
    text = ("apiVersion: ark.heptio.com/v1\nkind: Backup\nmetadata: {name: Bad_Name}\n"
            "spec: {ttl: soon, excludedNamespaces: ['*']}")
    written = ark("backup", "-f", "-", input=text)
    assert (typed.returncode, written.returncode) == (2, 1) and typed.stderr == written.stderr
    assert all(word in typed.stderr for word in words) and typed.stderr.count("\n") == 1


def test_restore_needs_a_backup_and_is_named_after_it() -> None:
    assert "--from-backup" in ark("restore", "r", "--dry-run=client").stderr
    source = ("restore", "--from-backup", "b", "--dry-run=client")
    restore = json.loads(ark(*source, "--preserve-nodeports", "-o", "json").stdout)
    assert restore["metadata"]["name"].startswith("b-2")
    assert restore["spec"] == {"backupName": "b", "preserveNodePorts": True}
    assert "sometimes" in ark(*source, "--existing-resource-policy", "sometimes").stderr


@pytest.mark.parametrize(("spec", "words"), [
    ("{hooks: x}", 'spec.hooks: "x" is not a mapping'), ("{includedNamespaces: 5}", "5 is not a list"),
    ("{orderedResources: {pods: [a]}}", "spec.orderedResources.pods"), ("{ttl: 5}", "spec.ttl: 5 is not text"),
    ("{hooks: {resources: [{name: a, pre: [{exec: {command: sync}}]}]}}", 'pre[0].exec.command: "sync" is not a list'),
    ("{labelSelector: {matchLabels: [a]}}", "spec.labelSelector.matchLabels"), ("{metadata: [a]}", "spec.metadata")])
def test_a_value_of_another_shape_in_a_file_is_a_mistake_that_is_named(spec: str, words: str) -> None:
    text = f"apiVersion: ark.heptio.com/v1\nkind: Backup\nmetadata: {{name: x}}\nspec: {spec}\n"
    done = ark("backup", "-f", "-", "--dry-run=client", input=text)
    assert done.returncode == 1 and words in done.stderr and "bug" not in done.stderr
