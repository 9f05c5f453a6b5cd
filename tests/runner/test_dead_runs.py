"""A pass ends the runs that cannot end themselves, and no others."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from kubectl_ark.model import times
from tests.harness import Ark, Object

pytestmark = pytest.mark.api


@pytest.fixture(autouse=True)
def settings(ark: Ark) -> None:
    """The ConfigMap that install leaves."""
    ark.settings()


def write(ark: Ark, kind: str, name: str, **status: Any) -> None:
    """Put fields into a CR's status."""
    ark.api.patch_merge(f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/{kind.lower()}s/{name}/status",
                        {"status": status})


def judged(ark: Ark) -> str:
    """The page of a pass over dead runs that goes well."""
    runner = ark.start("reconcile", "--only", "deadruns")
    assert runner.wait() == 0, runner.text
    return runner.text


CLAIM = {"jobUID": "j", "podUID": "p", "podName": "pod", "attempt": 1}


@pytest.mark.parametrize("kind", ["Backup", "Restore"])
def test_a_run_whose_job_is_gone_is_failed_with_the_reason(ark: Ark, name: str, kind: str) -> None:
    ark.make(ark.cr(kind, name, **({"backupName": "b"} if kind == "Restore" else {})))
    write(ark, kind, name, phase="InProgress", claim=CLAIM, step="uploading")
    text = judged(ark)
    assert f"deadruns: {kind.lower()}/{name}: is dead and marked Failed: its Job was deleted" in text
    status = ark.status(kind, name)
    assert (status["phase"], status["failureReason"]) == ("Failed", "its Job was deleted before the run ended")
    assert {each["type"]: each["status"] for each in status["conditions"]} == {"Succeeded": "False", "Finished": "True"}
    events = ark.api.get(f"/api/v1/namespaces/{ark.namespace}/events",
                         params={"fieldSelector": f"involvedObject.name={name}"})["items"]
    assert [each["reason"] for each in events] == [f"{kind}Failed"]


def started(ark: Ark, name: str) -> Object:
    """The Job of a Backup that a pass has started; nothing here ever runs it."""
    ark.backup(name)
    assert ark.run("reconcile", "--only", "starts") == 0
    uid = ark.got(ark.cr("Backup", name))["metadata"]["uid"]
    [job] = ark.api.get(f"/apis/batch/v1/namespaces/{ark.namespace}/jobs",
                        params={"labelSelector": f"ark.heptio.com/run-uid={uid}"})["items"]
    return dict(job)


def test_a_run_whose_job_lives_goes_on(ark: Ark, name: str) -> None:
    job = started(ark, name)
    write(ark, "Backup", name, phase="InProgress", claim={**CLAIM, "jobUID": job["metadata"]["uid"]})
    before = ark.got(ark.cr("Backup", name))
    judged(ark)
    assert ark.got(ark.cr("Backup", name)) == before


def test_a_run_whose_job_can_start_no_further_pod_is_failed(ark: Ark, name: str) -> None:
    job = started(ark, name)
    path = f"/apis/batch/v1/namespaces/{ark.namespace}/jobs/{job['metadata']['name']}"
    moment = job["metadata"]["creationTimestamp"]
    failed = {"status": "True", "reason": "BackoffLimitExceeded", "message": "tried too often",
              "lastTransitionTime": moment}
    ark.api.patch_merge(path + "/status", {"status": {"startTime": moment, "conditions": [
        {**failed, "type": "FailureTarget"}, {**failed, "type": "Failed"}]}})
    judged(ark)
    assert ark.status("Backup", name)["failureReason"] == "its Job failed: tried too often"


def test_finished_and_mirrored_runs_and_those_of_a_laptop_are_left_alone(ark: Ark, name: str) -> None:
    mirror, own, laptop = ark.cr("Backup", name), ark.cr("Backup", name + "-b"), ark.cr("Backup", name + "-c")
    mirror["metadata"]["annotations"] = {"ark.heptio.com/synced": "true"}
    for item, status in ((mirror, {"phase": "InProgress", "claim": CLAIM}), (own, {"phase": "Completed"}),
                         (laptop, {"phase": "InProgress", "claim": {"podUID": "p", "jobUID": ""}})):
        ark.make(item)
        write(ark, "Backup", item["metadata"]["name"], **status)
    before = [ark.got(item) for item in (mirror, own, laptop)]
    judged(ark)
    assert [ark.got(item) for item in (mirror, own, laptop)] == before


def test_a_schedules_backup_is_held_against_the_job_that_made_it(ark: Ark, name: str) -> None:
    item = ark.cr("Backup", name)
    item["metadata"]["annotations"] = {"ark.heptio.com/job": "no-such-job/1-2-3"}
    ark.make(item)
    judged(ark)
    assert "its Job was deleted" in ark.status("Backup", name)["failureReason"]


def test_post_hooks_that_nobody_can_run_now_are_left_to_later_passes_for_an_hour(ark: Ark, name: str) -> None:
    ark.backup(name)
    pending = [{"namespace": "default", "pod": "out-of-reach", "uid": "u", "hooks": []}]
    now = times.now()
    write(ark, "Backup", name, phase="InProgress", claim=CLAIM, pendingHooks=pending,
          heartbeatTimestamp=times.format_time(now))
    runner = ark.start("reconcile", "--only", "deadruns")
    assert runner.wait() == 1
    assert "deadruns: Error: post hooks of pod default/out-of-reach could not be run: service acc" in runner.text
    assert ark.status("Backup", name)["pendingHooks"] == pending
    write(ark, "Backup", name, heartbeatTimestamp=times.format_time(now - datetime.timedelta(hours=2)))
    assert ark.run("reconcile", "--only", "deadruns") == 1
    status = ark.status("Backup", name)
    assert status["phase"] == "Failed" and "pendingHooks" not in status
