"""``delete``: what it asks, what it says, and what it refuses before it asks any cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubectl_ark.cli import consequences
from kubectl_ark.model import kinds
from tests.cli.commandline import ark

SCHEDULE: dict[str, Any] = {"metadata": {"name": "s", "namespace": "n"}, "spec": {}}
BACKUPS: list[dict[str, Any]] = [
    {"metadata": {"name": "a", "labels": {"ark.heptio.com/schedule-name": "s"}}, "spec": {"storageLocation": "l"}},
    {"metadata": {"name": "b", "labels": {"velero.io/schedule-name": "s"}}, "status": {"storageLocation": "l"}},
    {"metadata": {"name": "c"}, "spec": {"storageLocation": "other"}}]


@pytest.mark.parametrize(("arguments", "word"), [
    ((), "name one"), (("pods", "x"), "pods"), (("schedule",), "--all"), (("schedule", "s", "--all"), "just one"),
    (("schedules", "-l", "a=b", "--all"), "just one"), (("schedule", "-l", ""), "--selector"),
    (("schedule", "Not_A_Name"), "Not_A_Name"), (("schedule/a", "location/b"), "one kind"),
    (("schedule/a", "b"), "TYPE/NAME"), (("schedule", "a", "--any-cluster"), "for backups")])
def test_a_mistake_is_one_line_that_names_it(arguments: tuple[str, ...], word: str) -> None:
    done = ark("delete", *arguments)
    assert done.returncode == 2 and done.stdout == "" and word in done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def answering(tmp_path: Path, answer: dict[str, Any]) -> dict[str, str]:
    """The variable for a kubectl that gives this answer and notes what it was asked."""
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f"#!/bin/sh\necho \"$@\" >> {tmp_path}/asked\necho '{json.dumps(answer)}'\n")
    kubectl.chmod(0o755)
    return {"KUBECTL_ARK_KUBECTL": str(kubectl)}


@pytest.mark.parametrize("arguments", [
    ("backup", "b"), ("restore", "r"), ("location", "l"), ("schedules", "--all"), ("downloadrequests", "-l", "a=b")])
def test_what_is_grave_or_many_is_not_deleted_where_nobody_can_answer(
        tmp_path: Path, arguments: tuple[str, ...]) -> None:
    variables = answering(tmp_path, {"items": [SCHEDULE], **SCHEDULE})
    done = ark("delete", *arguments, input="", **variables)
    assert done.returncode == 2 and "--yes" in done.stderr and done.stdout == ""
    assert "delete" not in (tmp_path / "asked").read_text()


def test_one_schedule_is_deleted_and_it_is_said_that_its_backups_stay(tmp_path: Path) -> None:
    done = ark("delete", "schedule", "s", input="", **answering(tmp_path, {"items": BACKUPS, **SCHEDULE}))
    assert (done.returncode, done.stdout) == (0, "schedule.ark.heptio.com/s deleted\n"), done.stderr
    assert done.stderr == "schedule/s: the 2 backups that it made stay, and expire in their time\n"
    assert "delete --raw /apis/ark.heptio.com/v1/namespaces/n/schedules/s" in (tmp_path / "asked").read_text()


def test_the_meaning_tells_of_the_backups_that_are_touched() -> None:
    location = {"metadata": {"name": "l"}, "spec": {"default": True}}
    said = consequences.of(kinds.STORAGE_LOCATION, location, BACKUPS)
    assert said.startswith("the 2 backups in it stay in the bucket") and "it is the default one" in said
    owning = {**SCHEDULE, "spec": {"useOwnerReferencesInBackup": True}}
    assert consequences.is_grave(kinds.SCHEDULE, owning) and not consequences.is_grave(kinds.SCHEDULE, SCHEDULE)
    assert "go from the cluster with it" in consequences.of(kinds.SCHEDULE, owning, BACKUPS)


@pytest.mark.parametrize("owning", [False, True])
def test_the_meaning_tells_of_a_backup_that_ends_with_its_schedules_job(owning: bool) -> None:
    def backup(name: str, phase: str, **annotations: str) -> dict[str, Any]:
        return {"metadata": {"name": name, "labels": {"ark.heptio.com/schedule-name": "s"}, "annotations": {
            f"ark.heptio.com/{key}": value for key, value in annotations.items()}}, "status": {"phase": phase}}

    schedule = {**SCHEDULE, "spec": {"useOwnerReferencesInBackup": owning}}
    over = [backup("over", "Completed", job="j/u"), backup("by-hand", "InProgress")]
    assert "ends" not in consequences.of(kinds.SCHEDULE, schedule, over)
    said = consequences.of(kinds.SCHEDULE, schedule, [*over, backup("runs", "InProgress", job="j/u")])
    assert said.endswith("; backup/runs, which runs in its Job now, ends with it")


@pytest.mark.parametrize("kind", kinds.ALL, ids=lambda kind: str(kind.kind))
def test_every_kind_has_a_meaning(kind: kinds.Kind) -> None:
    assert consequences.of(kind, {"metadata": {"name": "x"}, "spec": {"backupName": "b"}}, [])


def test_while_one_of_several_restores_runs_none_is_asked_to_go(tmp_path: Path) -> None:
    restores = [{"metadata": {"name": name, "namespace": "n", "uid": name}, "status": {"phase": phase}}
                for name, phase in (("over", "Completed"), ("runs", "InProgress"))]
    done = ark("delete", "restores", "--all", "--yes", **answering(tmp_path, {"items": restores}))
    assert done.returncode == 1 and "restore/runs is InProgress" in done.stderr and done.stdout == ""
    assert "patch" not in (tmp_path / "asked").read_text()
