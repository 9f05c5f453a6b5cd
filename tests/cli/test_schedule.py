"""``schedule`` and ``backup --from-schedule``: from flags to the object. What a node shows is in tests/e2e."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commandline import ark


def made(*arguments: str) -> dict[str, Any]:
    done = ark("schedule", "create", *arguments, "--dry-run=client", "-o", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_flags_become_the_spec_and_those_of_backup_its_template() -> None:
    schedule = made("nightly", "--schedule", "0 3 * * *", "--time-zone", "Europe/Berlin", "--paused",
                    "--include-namespaces", "a,b", "--ttl", "1h", "--qps", "5", "--keep-last", "3",
                    "--keep-monthly", "0", "--skip-immediately", "--use-owner-references-in-backup=false",
                    "--labels", "x=y", "--default-volumes-to-restic", "--include-unmounted-claims=false")
    assert schedule["spec"] == {
        "schedule": "0 3 * * *", "timeZone": "Europe/Berlin", "paused": True, "skipImmediately": True,
        "useOwnerReferencesInBackup": False, "retention": {"keepLast": 3, "keepMonthly": 0},
        "template": {"includedNamespaces": ["a", "b"], "ttl": "1h", "qps": 5.0, "defaultVolumesToFsBackup": True,
                     "includeUnmountedClaims": False}}
    assert schedule["metadata"] == {"name": "nightly", "namespace": "heptio-ark", "labels": {"x": "y"}}
    assert (schedule["apiVersion"], schedule["kind"]) == ("ark.heptio.com/v1", "Schedule")


def test_what_is_not_said_is_not_in_the_spec() -> None:
    assert made("n", "--schedule", "@daily")["spec"] == {"schedule": "@daily", "template": {}}


@pytest.mark.parametrize(("arguments", "said"), [
    (("n", "--schedule", "0 0 3 * * *"), "leave out the seconds"), (("n", "--schedule", "@every 7m"), "exactly"),
    (("n", "--schedule", "@daily", "--time-zone", "Mars/Base"), "not a time zone"),
    (("n", "--schedule", "@daily", "--ttl", "soon"), "spec.template: spec.ttl"),
    (("n", "--schedule", "@daily", "--keep-last", "0"), "spec.retention"),
    (("Not_A_Name", "--schedule", "@daily"), "is not a valid name")])
def test_a_mistake_is_told_in_one_line(arguments: tuple[str, ...], said: str) -> None:
    done = ark("schedule", "create", *arguments, "--dry-run=client")
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
    assert said in done.stderr


def test_all_mistakes_are_told_at_once() -> None:
    done = ark("schedule", "create", "n", "--schedule", "x", "--ttl", "soon", "--exclude-namespaces", "*")
    assert done.returncode == 2
    assert all(word in done.stderr for word in ("spec.schedule", "spec.ttl", "spec.excludedNamespaces"))


@pytest.mark.parametrize("arguments", [
    ("create", "n"), ("create", "--schedule", "@daily"), ("pause",), ("pause", "a", "--all"), ("unpause", "-l", ""),
    ("unpause", "--all", "-l", "a=b"), ("resume", "a")])
def test_a_usage_error_is_one_line_and_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = ark("schedule", *arguments)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["create", "pause", "unpause"])
def test_help_has_examples_and_exit_codes(command: str) -> None:
    text = ark("schedule", command, "--help").stdout
    assert "Examples:" in text and "Exit codes:" in text and f"kubectl ark schedule {command} " in text


SCHEDULE = {"apiVersion": "ark.heptio.com/v1", "kind": "Schedule", "spec": {
    "schedule": "@daily", "template": {"ttl": "1h", "metadata": {"labels": {"tier": "b"}}}},
    "metadata": {"name": "nightly", "namespace": "heptio-ark", "uid": "u", "labels": {"team": "a"}}}


@pytest.fixture
def answering(tmp_path: Path) -> dict[str, str]:
    """The variable that makes the kubectl one that knows this Schedule alone."""
    kubectl = tmp_path / "kubectl"
    (tmp_path / "schedule").write_text(json.dumps(SCHEDULE))
    kubectl.write_text(f"#!/bin/sh\nexec cat {tmp_path}/schedule\n")
    kubectl.chmod(0o755)
    return {"KUBECTL_ARK_KUBECTL": str(kubectl)}


def test_a_backup_from_a_schedule_is_what_the_schedule_would_make(answering: dict[str, str]) -> None:
    done = ark("backup", "--from-schedule", "nightly", "--labels", "by=hand", "--dry-run=client", "-o", "json",
               **answering)
    assert done.returncode == 0, done.stderr
    backup = json.loads(done.stdout)
    assert backup["spec"] == {"ttl": "1h"}
    assert backup["metadata"]["labels"] == {"ark.heptio.com/schedule-name": "nightly", "tier": "b", "by": "hand"}
    assert backup["metadata"]["name"].startswith("nightly-20") and len(backup["metadata"]["name"]) == 22
    named = ark("backup", "now", "--from-schedule", "nightly", "--dry-run=client", "-o", "name", **answering)
    assert named.stdout == "backup.ark.heptio.com/now\n"


@pytest.mark.parametrize("flag", ["-l=a=b", "--ttl=1h", "--include-namespaces=a", "--qps=3", "-f=x"])
def test_from_schedule_stands_without_flags_that_say_what_is_saved(answering: dict[str, str], flag: str) -> None:
    done = ark("backup", "--from-schedule", "nightly", flag, "--dry-run=client", **answering)
    assert done.returncode == 2 and "exclude each other" in done.stderr
