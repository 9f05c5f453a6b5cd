"""The status of a run when answers of the API server are lost, and SIGTERM at a bad moment."""

from __future__ import annotations

import signal
import threading

import pytest

from kubectl_ark import errors
from kubectl_ark.engine.progress import Progress
from kubectl_ark.model import kinds
from kubectl_ark.model.phases import Phase
from kubectl_ark.runner import main
from kubectl_ark.runner.identity import Identity, from_environment
from kubectl_ark.runner.run import Run, TakenOver
from tests.harness import Ark, path_of


def claimed(ark: Ark, name: str, identity: Identity | None = None) -> Run:
    """A run of a Backup, claimed."""
    run = Run(ark.api, kinds.BACKUP, namespace=ark.namespace, name=name,
              identity=identity or from_environment({"ARK_JOB_UID": "job", "ARK_POD_UID": "pod"}))
    run.claim()
    return run


@pytest.mark.api
def test_a_claim_whose_answer_was_lost_is_found_to_be_its_own(ark: Ark, name: str) -> None:
    ark.backup(name)
    alone = from_environment({})
    claimed(ark, name, alone)
    again = claimed(ark, name, alone)
    assert again.attempt == 1
    with pytest.raises(errors.RunLost, match="is claimed by pod"):
        claimed(ark, name, from_environment({}))


@pytest.mark.api
def test_a_write_whose_answer_was_lost_is_not_taken_for_a_failure(ark: Ark, name: str) -> None:
    ark.backup(name)
    run = claimed(ark, name)
    run.enter(Phase.IN_PROGRESS, "", step="uploading")
    stale = run.object
    fields = {"completionTimestamp": "2024-05-01T10:00:00Z", "errors": 0}
    run.enter(Phase.COMPLETED, "done", **fields)
    before = ark.got(ark.cr("Backup", name))
    run.object = stale  # as it is for whoever has not seen the answer
    run.update(**{key: before["status"][key] for key in ("phase", "conditions", "completionTimestamp")}, step=None)
    assert run.object == before == ark.got(ark.cr("Backup", name))


@pytest.mark.api
def test_the_next_pod_of_the_job_takes_over_and_the_former_one_learns_it(ark: Ark, name: str) -> None:
    ark.backup(name)
    former = claimed(ark, name)
    latter = claimed(ark, name, from_environment({"ARK_JOB_UID": "job", "ARK_POD_UID": "next"}))
    assert latter.attempt == 2
    with pytest.raises(TakenOver):
        former.update(step="x")
    with pytest.raises(TakenOver):
        former.let_go(errors.StoreError("the upload is gone"))
    latter.update(step="y")
    latter.let_go(errors.StoreError("the upload is gone"))


@pytest.mark.api
def test_a_run_that_somebody_ended_cannot_be_written_to(ark: Ark, name: str) -> None:
    ark.backup(name)
    run = claimed(ark, name)
    path = f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/backups/{name}/status"
    ark.api.patch_merge(path, {"status": {"phase": "Failed"}})
    with pytest.raises(errors.RunLost, match="ended by somebody else: it is Failed"):
        run.enter(Phase.COMPLETED, "done")


@pytest.mark.api
def test_the_last_look_before_a_backup_exists_sees_that_somebody_ended_the_run(ark: Ark, name: str) -> None:
    ark.backup(name)
    run = claimed(ark, name)
    run.enter(Phase.IN_PROGRESS, "")
    ark.api.patch_merge(path_of(ark.cr("Backup", name)) + "/status", {"status": {"phase": "Failed"}})
    with pytest.raises(errors.RunLost, match="ended by somebody else"):
        run.heed()


def test_sigterm_while_a_lock_is_held_does_not_lock_the_runner_up() -> None:
    stop, progress = threading.Event(), Progress()
    former = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        main.stop_on_signals(stop, progress)
        with progress._lock:
            signal.raise_signal(signal.SIGTERM)
        assert stop.wait(5)
        with pytest.raises(errors.Interrupted):
            progress.checkpoint()
    finally:
        signal.signal(signal.SIGTERM, former[0])
        signal.signal(signal.SIGINT, former[1])
