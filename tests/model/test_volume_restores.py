"""What a backup holds of volumes, by whoever wrote it, and what is to be said of it."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_ark.model.volume_restores import Saved, saved_by_pod, saved_of


def volume(**status: Any) -> dict[str, Any]:
    return {"spec": {"pod": {"namespace": "shop", "name": "db-0"}, "volume": "data"}, "status": status}


def test_an_entry_without_an_uploader_is_restic_s() -> None:
    saved = saved_of(volume(phase="Completed", snapshotID="1234abcd", progress={"totalBytes": 5}))
    assert (saved.uploader, saved.snapshot, saved.bytes) == ("restic", "1234abcd", 5)
    assert saved.problem == "" == saved.remark


def test_what_kopia_saved_is_left_to_velero() -> None:
    assert "Velero" in Saved("shop", "p", "v", "id", "kopia", "Completed").problem


@pytest.mark.parametrize("phase, message, told", [
    ("Failed", "no space", "the backup has no data of it: no space"), ("Canceled", "", "saving it was Canceled"),
    ("Completed", "", ""), ("", "", "")])
def test_no_snapshot_is_a_problem_unless_the_volume_was_empty(phase: str, message: str, told: str) -> None:
    problem = Saved("shop", "p", "v", "", "restic", phase, message).problem
    assert told in problem and bool(problem) is bool(told)


def test_data_that_is_there_in_part_comes_back_with_a_remark() -> None:
    saved = Saved("shop", "p", "v", "id", "restic", "Failed", "3 files could not be read")
    assert saved.problem == "" and saved.remark == "the backup has it in part only: 3 files could not be read"


def test_snapshots_that_stand_on_a_pod_are_its_claims() -> None:
    pod = {"metadata": {"namespace": "shop", "name": "db-0", "annotations": {
        "snapshot.ark.heptio.com/data": "1234abcd", "snapshot.velero.io/cache": "5678abcd",
        "snapshot.velero.io/gone": "9999abcd", "other.io/data": "x"}},
        "spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}},
                             {"name": "cache", "emptyDir": {}}]}}
    [(saved, claim)] = saved_by_pod(pod)
    assert (claim, saved.namespace, saved.volume, saved.snapshot) == ("data-db-0", "shop", "data", "1234abcd")
