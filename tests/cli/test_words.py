"""Velero's and kubectl's word orders get the right command named, and never a backup called "get"."""

import json
from pathlib import Path

import pytest

from tests.cli.commandline import ark


@pytest.mark.parametrize(("line", "command"), [
    ("backup create nightly", "kubectl ark backup nightly"), ("backup create", "kubectl ark backup NAME"),
    ("backup get", "kubectl ark get backups"), ("backup get b", "kubectl ark get backups b"),
    ("backup list", "kubectl ark get backups"), ("backup describe b", "kubectl ark describe backup b"),
    ("backup logs b", "kubectl ark logs backup b"), ("backup cancel b", "kubectl ark cancel backup b"),
    ("restore create r", "kubectl ark restore r --from-backup BACKUP"), ("restore get", "kubectl ark get restores"),
    ("restore describe r", "kubectl ark describe restore r"), ("backups", "kubectl ark get backups"),
    ("backup-location get", "kubectl ark get locations"), ("create backup b", "kubectl ark backup b"),
    ("list restores", "kubectl ark get restores"), ("backup download b", "kubectl ark download backup b"),
    ("backup download", "kubectl ark download backup NAME"), ("backup delete b c", "kubectl ark delete backup b c"),
    ("restore delete r", "kubectl ark delete restore r"), ("backup delete", "kubectl ark delete backup NAME"),
    ("backup-location delete l", "kubectl ark delete location l"),
    ("backup-location describe l", "kubectl ark describe location l"),
    ("schedule get", "kubectl ark get schedules"), ("schedule delete s", "kubectl ark delete schedule s"),
    ("schedules create s", "kubectl ark schedule create s --schedule CRON"), ("schedules", "kubectl ark get schedules"),
    ("snapshot-location get", "kubectl ark get volumesnapshotlocations"),
    ("downloadrequests delete d", "kubectl ark delete downloadrequest d"),
])
def test_the_right_command_is_named(line: str, command: str) -> None:
    done = ark(*line.split())
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("error: ") and f'"{command}"' in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("line", ["restore download r", "frobnicate", "frobnicate backup"])
def test_what_this_version_cannot_do_is_said(line: str) -> None:
    done = ark(*line.split())
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stdout == ""


def test_a_word_of_velero_cannot_be_a_name_even_behind_a_flag() -> None:
    assert ark("backup", "--dry-run=client", "get").returncode == 2


@pytest.mark.parametrize(("line", "command"), [
    ("schedule nightly", "kubectl ark logs backup nightly-2"), ("location l", "kubectl ark describe"),
    ("deletebackuprequest/d", "kubectl ark describe deletebackuprequest d")])
def test_logs_of_what_has_none_name_the_command_that_helps(tmp_path: Path, line: str, command: str) -> None:
    made = [{"metadata": {"name": f"nightly-{day}", "creationTimestamp": f"2026-01-0{day}T00:00:00Z"}}
            for day in (2, 1)]
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f"#!/bin/sh\necho '{json.dumps({'items': made})}'\n")
    kubectl.chmod(0o755)
    done = ark("logs", *line.split(), KUBECTL_ARK_KUBECTL=str(kubectl))
    assert done.returncode == 2 and "has no log" in done.stderr and command in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_a_cluster_logs_of_a_schedule_say_what_to_do() -> None:
    done = ark("logs", "schedule", "s", "--server", "http://127.0.0.1:1")
    assert done.returncode == 2 and '"kubectl ark logs backup NAME"' in done.stderr


def test_help_of_location_get_is_its_own() -> None:
    done = ark("location", "get", "--help")
    assert done.returncode == 0 and done.stdout.startswith("Usage: kubectl ark location get ")
    assert "Examples:" in done.stdout and "Exit codes:" in done.stdout and done.stderr == ""
