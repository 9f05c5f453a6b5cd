"""Velero's and kubectl's word orders get the right command named, and never a backup called "get"."""

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
