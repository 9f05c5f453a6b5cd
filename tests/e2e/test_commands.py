"""Every command as a user types it: what it prints, what it makes, how it refuses."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from tests.e2e.ark import TINY, Ark, finish

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def done(ark: Ark) -> str:
    """The name of a backup that is Completed."""
    ark("backup", "commands", *TINY, "--wait")
    return "commands"


@pytest.fixture(scope="module")
def restored(ark: Ark, done: str) -> str:
    """The name of a restore that is Completed."""
    ark("restore", "commands-back", "--from-backup", done, "--wait")
    return "commands-back"


def test_get_lists_runs_and_locations_in_columns(ark: Ark, done: str, restored: str) -> None:
    for words, wanted in ((("backups",), done), (("restores",), restored), (("locations",), "default"),
                          (("backup", done), done), ((f"backup/{done}",), done)):
        header, *lines = ark("get", *words).out.splitlines()
        assert header.startswith("NAME ") and header.endswith(" AGE")
        assert any(line.startswith(wanted + " ") for line in lines)


def test_get_takes_kubectls_own_flags(ark: Ark, done: str) -> None:
    assert ark("get", "backup", done, "-o", "jsonpath={.status.phase}").out == "Completed"
    assert ark("get", "backups", "-o", "name", "--field-selector", f"metadata.name={done}").out == \
        f"backup.ark.heptio.com/{done}\n"


def test_describe_shows_phase_counts_and_spec(ark: Ark, done: str, restored: str) -> None:
    for kind, name in (("backup", done), ("restore", restored)):
        said = ark("describe", kind, name).out
        assert re.search(r"Phase: +Completed", said) and f"Name:             {name}" in said
        assert re.search(r"Items: +\d+ of \d+", said)
    assert "kube-public" in ark("describe", f"backup/{done}").out


def test_details_name_warnings_and_errors(ark: Ark, done: str) -> None:
    said = ark.details("backup", done)
    assert "Resource List:\n" in said and "  v1/ConfigMap:\n    - kube-public/" in said
    assert "Volumes:\n  <none>\nHooks:  <none>\n" in said
    assert said.endswith("Errors:\n  <none>\nWarnings:\n  <none>\n")


def test_logs_of_a_finished_run_come_from_the_bucket_and_leave_nothing(ark: Ark, done: str, restored: str) -> None:
    job = ark.of_run("jobs", "backup", done)[0]["metadata"]["name"]
    ark.cluster.run("delete", "job", job, "-n", ark.namespace)
    assert "backup begins" in ark("logs", "backup", done).out
    assert "restore begins" in ark("logs", "restore", restored).out
    assert ark.cluster.get("downloadrequests.ark.heptio.com", "-n", ark.namespace)["items"] == []


def test_logs_of_a_live_run_are_followed_to_its_end(ark: Ark, name: str) -> None:
    ark("backup", name, *TINY)
    answer = finish(ark.start("logs", "backup", name, "-f"), timeout=60)
    assert answer.code == 0, answer.all
    assert "backup begins" in answer.out and "0 errors" in answer.out
    assert ark.await_end("backup", name)["phase"] == "Completed"


def test_the_object_is_printed_as_kubectl_does(ark: Ark, name: str) -> None:
    assert ark("backup", f"{name}-n", *TINY, "-o", "name").out == f"backup.ark.heptio.com/{name}-n\n"
    document = json.loads(ark("backup", f"{name}-j", *TINY, "-o", "json", "--wait").out)
    assert (document["kind"], document["status"]["phase"]) == ("Backup", "Completed")
    document = yaml.safe_load(ark("backup", f"{name}-y", *TINY, "-o", "yaml").out)
    assert document["metadata"]["name"] == f"{name}-y" and document["metadata"]["uid"]


def test_a_client_dry_run_makes_nothing_and_prints_what_git_should_hold(ark: Ark, name: str) -> None:
    printed = ark("backup", name, *TINY, "--ttl", "48h", "--dry-run=client", "-o", "yaml").out
    assert yaml.safe_load(printed) == {
        "apiVersion": "ark.heptio.com/v1", "kind": "Backup", "metadata": {"name": name, "namespace": ark.namespace},
        "spec": {"includedNamespaces": ["kube-public"], "includedResources": ["configmaps"], "ttl": "48h"}}
    backup, job = yaml.safe_load_all(ark("backup", name, *TINY, "--dry-run=client", "--show-job").out)
    assert (backup["kind"], job["kind"]) == ("Backup", "Job")
    assert job["spec"]["template"]["spec"]["containers"][0]["args"][:2] == ["backup", name]
    assert not ark.exists("backups.ark.heptio.com", name)


def test_what_a_dry_run_printed_can_be_given_back_on_stdin(ark: Ark, name: str) -> None:
    printed = ark("backup", name, *TINY, "--dry-run=client", "-o", "yaml").out
    assert "Completed" in ark("backup", "-f", "-", "--wait", input=printed).out
    printed = ark("restore", name, "--from-backup", name, "--dry-run=client", "-o", "yaml").out
    assert "Completed" in ark("restore", "-f", "-", "--wait", input=printed).out


def test_a_server_dry_run_makes_nothing(ark: Ark, name: str) -> None:
    assert ark("backup", name, *TINY, "--dry-run=server").out == \
        f"backup.ark.heptio.com/{name} created (server dry run)\n"
    assert not ark.exists("backups.ark.heptio.com", name)


def test_names_are_made_from_what_is_saved_and_the_time(ark: Ark, done: str) -> None:
    made = ark("backup", *TINY, "-o", "name").out.strip()
    assert re.fullmatch(r"backup\.ark\.heptio\.com/kube-public-\d{14}", made)
    made = ark("restore", "--from-backup", done, "-o", "name").out.strip()
    assert re.fullmatch(rf"restore\.ark\.heptio\.com/{done}-\d{{14}}", made)


@pytest.mark.parametrize("words", [
    ("--as", "nobody", "backup", "b"), ("backup", "b", "--as", "nobody"), ("--as=nobody", "get", "backups"),
    ("get", "backups", "--as=nobody"), ("describe", "backup", "b", "--as", "nobody"),
])
def test_as_works_before_and_after_the_command(ark: Ark, words: tuple[str, ...]) -> None:
    answer = ark(*words, code=1)
    assert answer.err.startswith("Error from server (Forbidden): ") and 'User "nobody" cannot' in answer.err


def test_n_names_arks_namespace_and_one_without_ark_is_explained(ark: Ark, name: str, done: str) -> None:
    assert done in ark("get", "backups", "-n", ark.namespace, KUBECTL_ARK_NAMESPACE="elsewhere").out
    for words in (("-n", "kube-public", "backup", name), ("backup", name, "-n", "kube-public")):
        answer = ark(*words, code=1)
        assert "kubectl-ark is not installed in namespace kube-public" in answer.err
        assert 'run "kubectl ark install"' in answer.err
    assert ark.cluster.get("backups.ark.heptio.com", "-n", "kube-public")["items"] == []


def test_a_name_that_exists_or_is_no_dns_name_is_refused(ark: Ark, done: str) -> None:
    answer = ark("backup", done, *TINY, code=1)
    assert answer.err == f'Error from server (AlreadyExists): backups.ark.heptio.com "{done}" already exists\n'
    assert '"No_Name" is not a valid name' in ark("backup", "No_Name", code=2).err


@pytest.mark.parametrize(("words", "meant"), [
    (("backup", "create", "b"), "kubectl ark backup b"),
    (("backup", "get"), "kubectl ark get backups"),
    (("backup", "describe", "b"), "kubectl ark describe backup b"),
    (("backup", "logs", "b"), "kubectl ark logs backup b"),
    (("restore", "create", "r"), "kubectl ark restore r --from-backup BACKUP"),
    (("restore", "get"), "kubectl ark get restores"),
    (("create", "backup", "b"), "kubectl ark backup b"),
    (("backups",), "kubectl ark get backups"),
])
def test_veleros_word_order_gets_the_right_command_named(ark: Ark, words: tuple[str, ...], meant: str) -> None:
    answer = ark(*words, code=2)
    assert f'use "{meant}"' in answer.err
    assert not ark.exists("backups.ark.heptio.com", words[1] if len(words) > 1 else "get")


def test_version_names_the_plugins_and_the_runners(ark: Ark) -> None:
    client, runner = ark("version").out.splitlines()
    assert re.fullmatch(r"Client Version: v\d+\.\d+\.\d+", client)
    assert runner == f"Runner Image: {ark.cluster.image}"
    assert json.loads(ark("version", "-o", "json").out)["runnerImage"] == ark.cluster.image
