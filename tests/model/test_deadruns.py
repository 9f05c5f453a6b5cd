"""Verdicts on runs: each cause of death, what only waits, and what is as it should be.

The shapes of Jobs, pods and Events are those of a Kubernetes 1.34; that they still are is tested on the cluster
(tests/launch).
"""

import datetime
from typing import Any

import pytest

from kubectl_ark.model import deadruns, times

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.timezone.utc)


def ago(seconds: float) -> str:
    return times.format_time(NOW - datetime.timedelta(seconds=seconds))


def backup(phase: str = "InProgress", *, claimed: bool = True, age: float = 30) -> dict[str, Any]:
    status: dict[str, Any] = {"phase": phase}
    if claimed:
        status["claim"] = {"jobUID": "j", "podUID": "p"}
    return {"kind": "Backup", "metadata": {"name": "b", "namespace": "ark", "uid": "u", "creationTimestamp": ago(age)},
            "status": status}


def job(*conditions: tuple[str, str], age: float = 30, active: int = 0) -> dict[str, Any]:
    return {"metadata": {"name": "ark-backup-b", "namespace": "ark", "uid": "j", "creationTimestamp": ago(age)},
            "spec": {"activeDeadlineSeconds": 14400},
            "status": {"active": active, "conditions": [
                {"type": kind, "status": "True", "reason": reason, "message": "why"} for kind, reason in conditions]}}


def pod(phase: str = "Running", *, state: dict[str, Any] | None = None, conditions: list[dict[str, Any]] | None = None,
        age: float = 30) -> dict[str, Any]:
    return {"metadata": {"name": "pod-1", "namespace": "ark", "creationTimestamp": ago(age)},
            "spec": {"nodeName": "n", "containers": [{"image": "img:1", "resources": {"limits": {"memory": "256Mi"}}}]},
            "status": {"phase": phase, "conditions": conditions or [], "containerStatuses": [{"state": state or {}}]}}


def killed() -> dict[str, Any]:
    return pod("Failed", state={"terminated": {"reason": "OOMKilled", "exitCode": 137}})


def judge(resource: dict[str, Any], job_: dict[str, Any] | None, *pods: dict[str, Any],
          **more: Any) -> deadruns.Verdict | None:
    return deadruns.judge(resource, job_, now=NOW, pods=pods, **more)


@pytest.mark.parametrize("phase", ["Completed", "PartiallyFailed", "Failed", "FailedValidation"])
def test_a_finished_run_is_never_judged(phase: str) -> None:
    assert judge(backup(phase), None) is None


def test_a_running_pod_is_as_it_should_be() -> None:
    assert judge(backup(), job(active=1), pod(state={"running": {}})) is None


def test_a_claimed_run_whose_job_is_gone_is_dead() -> None:
    verdict = judge(backup(), None)
    assert verdict and verdict.dead and verdict.reason == "JobGone"


@pytest.mark.parametrize(("silence", "told"), [(2, False), (120, False), (400, True)])
def test_a_run_on_somebodys_machine_is_never_dead_and_mentioned_when_it_is_silent(silence: float, told: bool) -> None:
    run = backup(age=1000)
    run["status"].update(claim={"jobUID": "", "podUID": "x"}, heartbeatTimestamp=ago(silence))
    verdict = judge(run, None)
    assert (verdict is not None) is told
    assert verdict is None or (not verdict.dead and "6m40s" in verdict.message)


def test_a_job_that_is_known_to_have_been_made_and_is_gone_is_an_end() -> None:
    verdict = judge(backup("New", claimed=False, age=1), None, had_job=True)
    assert verdict and verdict.dead and verdict.reason == "JobGone"


def test_the_two_words_for_a_missing_image_are_one_message() -> None:
    first, second = (judge(backup("New"), job(active=1), pod("Pending", state={"waiting": {"reason": reason}}))
                     for reason in ("ErrImagePull", "ImagePullBackOff"))
    assert first == second


def test_a_new_one_without_a_job_waits_and_says_so_only_after_a_moment() -> None:
    assert judge(backup("New", claimed=False, age=1), None) is None
    verdict = judge(backup("New", claimed=False, age=60), None)
    assert verdict and not verdict.dead and verdict.reason == "NoJob"


def test_where_ark_has_another_namespace_the_remedy_names_it() -> None:
    for namespace, command in (("heptio-ark", '"kubectl ark reconcile"'),
                               ("ark-2", '"kubectl ark reconcile -n ark-2"')):
        run = backup("New", claimed=False, age=60)
        run["metadata"]["namespace"] = namespace
        verdict = judge(run, None)
        assert verdict and command in verdict.remedy


@pytest.mark.parametrize("condition", ["Failed", "FailureTarget"])
def test_a_failed_job_is_dead_with_the_last_words_of_its_pod(condition: str) -> None:
    last = pod("Failed", state={"terminated": {"reason": "Error", "exitCode": 1, "message": "the bucket\nis on fire"}})
    verdict = judge(backup(), job((condition, "BackoffLimitExceeded")), last)
    assert verdict and verdict.dead and "the bucket is on fire (exit code 1)" in verdict.message


def test_three_out_of_memory_kills_are_counted_and_the_remedy_names_the_setting() -> None:
    verdict = judge(backup(), job(("Failed", "BackoffLimitExceeded")), killed(), killed(), killed())
    assert verdict and verdict.dead and verdict.reason == "OOMKilled"
    assert verdict.message == "killed for exceeding its memory limit of 256Mi (OOMKilled) 3 times"
    assert '"kubectl ark install -n ark --memory-limit 512Mi"' in verdict.remedy


def test_between_two_tries_an_out_of_memory_kill_is_only_reported() -> None:
    verdict = judge(backup(), job(), killed())
    assert verdict and not verdict.dead and "another try follows" in verdict.message


def test_the_deadline_is_named() -> None:
    verdict = judge(backup(), job(("FailureTarget", "DeadlineExceeded")), pod())
    assert verdict and verdict.dead and "4h" in verdict.message


def test_a_completed_job_without_a_result_is_dead() -> None:
    verdict = judge(backup(), job(("Complete", "")), pod("Succeeded"))
    assert verdict and verdict.dead and verdict.reason == "NoResult"


@pytest.mark.parametrize(("reason", "age", "dead"), [
    ("ImagePullBackOff", 10, False), ("ImagePullBackOff", 500, True),
    ("InvalidImageName", 1, True), ("ErrImageNeverPull", 1, True), ("CreateContainerConfigError", 10, False),
    ("CreateContainerConfigError", 500, True),
])
def test_a_pod_that_cannot_start_is_reported_at_once_and_dead_after_its_patience(
        reason: str, age: float, dead: bool) -> None:
    stuck = pod("Pending", state={"waiting": {"reason": reason, "message": "back-off"}}, age=age)
    verdict = judge(backup("New", claimed=False), job(active=1), stuck)
    assert verdict and verdict.dead is dead and verdict.reason == reason and verdict.remedy


@pytest.mark.parametrize(("age", "told"), [(5, False), (40, True)])
def test_a_pod_whose_volume_cannot_be_mounted_says_so_after_a_moment(age: float, told: bool) -> None:
    creating = pod("Pending", state={"waiting": {"reason": "ContainerCreating"}}, age=age)
    creating["metadata"]["uid"] = "p1"
    creating["status"]["startTime"] = ago(age)
    events = [{"reason": reason, "message": said, "lastTimestamp": ago(seconds), "involvedObject": {"uid": uid},
               "metadata": {}} for reason, said, seconds, uid in (
        ("FailedMount", "an older one", 9, "p1"), ("FailedMount", 'secret "x"\nnot found', 3, "p1"),
        ("FailedMount", "of another", 1, "p2"), ("BackOff", "of no interest", 1, "p1"))]
    verdict = judge(backup("New", claimed=False), job(active=1), creating, events=events)
    assert (verdict is not None) is told
    assert verdict is None or (not verdict.dead and 'secret "x" not found' in verdict.message)
    assert judge(backup("New", claimed=False), job(active=1), creating) is None, "an image may take its time"


def test_an_unschedulable_pod_is_reported_in_the_schedulers_words() -> None:
    stuck = pod("Pending", conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                                        "message": "0/1 nodes are available"}])
    verdict = judge(backup("New", claimed=False), job(active=1), stuck)
    assert verdict and not verdict.dead and "0/1 nodes are available" in verdict.message


@pytest.mark.parametrize(("said", "remedy"), [
    ('Error creating: pods "x-abc12" is forbidden: exceeded quota: q', "quota"),
    ('Error creating: pods "x-abc12" is forbidden: maximum memory usage per Container is 1Mi, but limit is 2Mi',
     "LimitRange"),
    ('Error creating: pods "x-abc12" is forbidden: violates PodSecurity "restricted:latest"', "restricted"),
])
def test_a_refused_pod_is_known_from_events_alone(said: str, remedy: str) -> None:
    event = {"reason": "FailedCreate", "message": said, "involvedObject": {"uid": "j"}, "metadata": {}}
    verdict = judge(backup("New", claimed=False), job(), events=[event])
    assert verdict and not verdict.dead and remedy in verdict.remedy and "x-abc12" not in verdict.message
    other = judge(backup("New", claimed=False), job(), events=[{**event, "involvedObject": {"uid": "other"}}])
    assert other is None
    late = judge(backup("New", claimed=False), job(age=1000), events=[event])
    assert late and late.dead


def test_a_run_on_a_node_that_is_down_is_dead_after_its_patience() -> None:
    def node(seconds: float) -> dict[str, Any]:
        return {"metadata": {"name": "n"}, "status": {"conditions": [
            {"type": "Ready", "status": "Unknown", "lastTransitionTime": ago(seconds)}]}}

    short = judge(backup(), job(active=1), pod(state={"running": {}}), nodes=[node(20)])
    assert short and not short.dead and short.reason == "NodeNotReady"
    long = judge(backup(), job(active=1), pod(state={"running": {}}), nodes=[node(2000)])
    assert long and long.dead
