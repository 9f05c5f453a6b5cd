"""Runs that go well, and every way in which a run may be dead or stuck, followed on a real node."""

from __future__ import annotations

import dataclasses
import subprocess
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from kubectl_ark import errors
from kubectl_ark.launch import cancelling, installing, logs, paths, runs
from kubectl_ark.launch.follow import follow
from kubectl_ark.launch.kubectl import Kubectl
from kubectl_ark.model import kinds, phases
from tests.environment import Environment
from tests.launch.conftest import NAMESPACE

pytestmark = pytest.mark.node


class Stuck(Exception):
    """Raised out of ``report`` once the remark waited for is there."""


def started(kubectl: Kubectl, **more: Any) -> dict[str, Any]:
    name = f"b-{uuid.uuid4().hex[:8]}"
    backup = {"apiVersion": kinds.API_VERSION, "kind": "Backup", "metadata": {"name": name, "namespace": NAMESPACE},
              "spec": {"includedNamespaces": ["kube-public"]}}
    return runs.start(kubectl, kinds.BACKUP, backup, **more).resource


def remark_of(kubectl: Kubectl, resource: dict[str, Any], word: str, *, within: float = 15) -> str:
    """The first remark with ``word`` in it; the issue allows 15 seconds."""
    found = ""

    def report(_: dict[str, Any], remark: str) -> None:
        nonlocal found
        if word in remark:
            found = remark
            raise Stuck
    with pytest.raises(Stuck):
        follow(kubectl, kinds.BACKUP, resource, report=report, timeout=within)
    return found


def ignore(_: dict[str, Any], __: str) -> None:
    """No report."""


@pytest.fixture
def settings(kubectl: Kubectl, installed: installing.Plan) -> Iterator[Any]:
    """Change ark-settings for one test."""
    def change(**data: str) -> None:
        kubectl.patch("configmap", "ark-settings", NAMESPACE, {"data": data})
    yield change
    change(**installed.settings.to_data())


def test_a_backup_is_followed_to_its_end_and_its_log_comes_from_the_bucket(
        kubectl: Kubectl, installed: installing.Plan) -> None:
    installing.validate(kubectl, installed)
    resource = started(kubectl)
    ended = follow(kubectl, kinds.BACKUP, resource, report=ignore, timeout=120)
    assert phases.phase_of(ended) == "Completed"
    text = b"".join(logs.read(kubectl, kinds.BACKUP, resource["metadata"]["name"], NAMESPACE, follow=False))
    assert b"Completed" in text
    assert kubectl.get(paths.custom(kinds.DOWNLOAD_REQUEST, NAMESPACE))["items"] == []


def test_out_of_memory_is_failed_with_the_reason_within_seconds(
        kubectl: Kubectl, installed: installing.Plan,
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubectl_ark.model.settings.LEAST_MEMORY", "1Mi")
    ended = follow(kubectl, kinds.BACKUP, started(kubectl, memory_limit="14Mi"), report=ignore, timeout=180)
    assert phases.phase_of(ended) == "Failed"
    assert "memory limit of 14Mi (OOMKilled) 3 times" in ended["status"]["failureReason"]
    assert {each["type"]: each["status"] for each in ended["status"]["conditions"]} == {
        "Succeeded": "False", "Finished": "True"}


def test_a_missing_image_is_reported_with_the_remedy(
        kubectl: Kubectl, installed: installing.Plan, settings: Any) -> None:
    other = dataclasses.replace(installed, settings=dataclasses.replace(installed.settings, image="localhost/no:1"))
    installing.apply(kubectl, other)
    try:
        resource = started(kubectl)
        assert "kubectl ark install --image" in remark_of(kubectl, resource, "ImagePullBackOff")
        assert cancelling.cancel(kubectl, kinds.BACKUP, resource["metadata"]["name"], NAMESPACE) == "cancelled"
    finally:
        installing.apply(kubectl, installed)


def test_an_unschedulable_pod_is_reported_with_the_remedy(kubectl: Kubectl, settings: Any) -> None:
    settings(cpuRequest="1000", cpuLimit="1000")
    resource = started(kubectl)
    assert "Insufficient cpu" in remark_of(kubectl, resource, "Unschedulable")
    cancelling.cancel(kubectl, kinds.BACKUP, resource["metadata"]["name"], NAMESPACE)


def test_a_refused_pod_is_reported_with_the_remedy(
        cluster: Environment, kubectl: Kubectl, installed: installing.Plan) -> None:
    cluster.run("create", "quota", "none", "-n", NAMESPACE, "--hard=pods=0")
    try:
        deadline = time.monotonic() + 10
        while not cluster.get("quota", "none", "-n", NAMESPACE).get("status", {}).get("hard"):
            assert time.monotonic() < deadline
        resource = started(kubectl)
        assert "raise the quota" in remark_of(kubectl, resource, "exceeded quota")
        cancelling.cancel(kubectl, kinds.BACKUP, resource["metadata"]["name"], NAMESPACE)
    finally:
        cluster.run("delete", "quota", "none", "-n", NAMESPACE)


def test_a_job_that_is_deleted_under_a_run_ends_it(kubectl: Kubectl, settings: Any) -> None:
    settings(cpuRequest="1000", cpuLimit="1000")
    resource = started(kubectl)
    job = runs.look(kubectl, kinds.BACKUP, resource["metadata"]["name"], NAMESPACE).job
    assert job is not None
    kubectl.delete(paths.jobs(NAMESPACE, job["metadata"]["name"]))
    ended = follow(kubectl, kinds.BACKUP, resource, report=ignore, timeout=30, had_job=True)
    assert "Job was deleted" in ended["status"]["failureReason"]


def test_the_deadline_ends_a_run(kubectl: Kubectl, settings: Any) -> None:
    settings(activeDeadlineSeconds="3", cpuRequest="1000", cpuLimit="1000")
    ended = follow(kubectl, kinds.BACKUP, started(kubectl), report=ignore, timeout=60)
    assert "deadline" in ended["status"]["failureReason"]


def test_a_deleted_backup_ends_the_waiting_and_its_job(kubectl: Kubectl, settings: Any) -> None:
    settings(cpuRequest="1000", cpuLimit="1000")
    resource = started(kubectl)
    kubectl.delete(paths.custom(kinds.BACKUP, NAMESPACE, resource["metadata"]["name"]))
    with pytest.raises(errors.KubectlFailed, match="was deleted"):
        follow(kubectl, kinds.BACKUP, resource, report=ignore, timeout=30)


def test_a_timeout_leaves_the_run_and_no_child_behind(kubectl: Kubectl, settings: Any) -> None:
    settings(cpuRequest="1000", cpuLimit="1000")
    resource = started(kubectl)
    with pytest.raises(errors.TimedOut, match="still New"):
        follow(kubectl, kinds.BACKUP, resource, report=ignore, timeout=1)
    name = resource["metadata"]["name"]
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert not [line for line in listed.splitlines() if f"metadata.name%3D{name}" in line]
    assert phases.phase_of(runs.read(kubectl, kinds.BACKUP, name, NAMESPACE)) == "New"
    cancelling.cancel(kubectl, kinds.BACKUP, name, NAMESPACE)
