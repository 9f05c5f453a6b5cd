"""A run that loses its Job, its time, its CR or its owner's favour."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.e2e.ark import Ark, config_maps, eventually, finish
from tests.e2e.bucket import Bucket
from tests.e2e.many import NAMESPACE as MANY
from tests.e2e.node import Stepped
from tests.environment import Environment

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("killed")]

NAMESPACE = "ark-e2e-some"


@pytest.fixture(scope="module", autouse=True)
def some(cluster: Environment) -> Iterator[None]:
    """A namespace with something in it."""
    cluster.apply(*config_maps(NAMESPACE, 5))
    yield
    cluster.run("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture
def running(ark: Ark, name: str) -> Iterator[Stepped]:
    """The runner of backup ``name``, stopped after its claim and before its end."""
    ark("backup", name, "--include-namespaces", NAMESPACE)
    with Stepped(ark, "backup", name) as runner:
        runner.until(lambda: ark.status("backup", name).get("phase") == "InProgress", "the run is in progress")
        yield runner


def test_a_run_whose_job_is_deleted_is_failed_by_describe(ark: Ark, name: str, running: Stepped) -> None:
    job = ark.of_run("jobs", "backup", name)[0]["metadata"]["name"]
    ark.cluster.run("delete", "job", job, "-n", ark.namespace, "--cascade=background")
    answer = ark("describe", "backup", name)
    assert "its Job was deleted before the run ended" in answer.out
    assert ark.status("backup", name)["phase"] == "Failed"


def test_a_run_whose_job_is_deleted_is_failed_by_wait(ark: Ark, name: str) -> None:
    waiting = ark.start("backup", name, "--include-namespaces", NAMESPACE, "--wait")
    with Stepped(ark, "backup", name) as runner:
        runner.until(lambda: ark.status("backup", name).get("phase") == "InProgress", "the run is in progress")
        job = ark.of_run("jobs", "backup", name)[0]["metadata"]["name"]
        ark.cluster.run("delete", "job", job, "-n", ark.namespace, "--cascade=background")
        answer = finish(waiting, timeout=20)
    assert answer.code == 1 and "its Job was deleted before the run ended" in answer.err.splitlines()[-1], answer.all


def test_a_run_that_exceeds_its_deadline_is_failed_with_the_reason(ark: Ark, name: str) -> None:
    def deadline(seconds: int) -> None:
        ark.cluster.run("patch", "configmap", "ark-settings", "-n", ark.namespace, "--type=merge", "-p",
                        json.dumps({"data": {"activeDeadlineSeconds": str(seconds)}}))

    deadline(8)
    try:
        waiting = ark.start("backup", name, "--include-namespaces", NAMESPACE, "--wait")
        with Stepped(ark, "backup", name):
            answer = finish(waiting, timeout=40)
    finally:
        deadline(4 * 3600)
    assert answer.code == 1, answer.all
    for word in ("Failed", "deadline of 8s", "activeDeadlineSeconds", "ark-settings"):
        assert word in answer.err.splitlines()[-1], answer.all


def test_deleting_the_cr_ends_job_and_pod_and_leaves_nothing_in_the_bucket(
    ark: Ark, bucket: Bucket, name: str, running: Stepped,
) -> None:
    uid = ark.get("backup", name)["metadata"]["uid"]
    running.until(lambda: bucket.keys(f"backups/{name}/"), "the run has claimed its name in the bucket")
    ark.cluster.run("delete", "backups.ark.heptio.com", name, "-n", ark.namespace)
    running.resume()
    eventually(lambda: not ark.labelled("jobs", uid) and not ark.labelled("pods", uid), "Job and pod are gone")
    assert bucket.keys(f"backups/{name}/") == []
    assert bucket.uploads() == 0


def test_wait_says_that_the_cr_was_deleted(ark: Ark, name: str) -> None:
    waiting = ark.start("backup", name, "--include-namespaces", NAMESPACE, "--wait")
    with Stepped(ark, "backup", name):
        ark.cluster.run("delete", "backups.ark.heptio.com", name, "-n", ark.namespace)
        answer = finish(waiting, timeout=20)
    assert answer.code == 1 and f"backup/{name} was deleted before its run had ended" in answer.err, answer.all


def test_a_cancelled_run_is_failed_within_seconds_and_leaves_no_backup(
    ark: Ark, bucket: Bucket, many: dict[str, str], name: str,
) -> None:
    waiting = ark.start("backup", name, "--include-namespaces", MANY, "--wait")
    with Stepped(ark, "backup", name) as runner:
        runner.until(bucket.uploads, "a part of the tar is in the bucket")
        time.sleep(1.5)  # a heartbeat is due, and will be the first thing that it does
        answer = ark("cancel", "backup", name)
        assert answer.out == f"backup.ark.heptio.com/{name} cancel requested\n"
        runner.resume()
        waited = finish(waiting, timeout=30)
    assert waited.code == 1 and "cancelled by " in waited.err.splitlines()[-1], waited.all
    status = ark.status("backup", name)
    assert status["phase"] == "Failed" and status["failureReason"].startswith("cancelled by ")
    assert bucket.uploads() == 0
    assert f"backups/{name}/velero-backup.json" not in bucket.keys(f"backups/{name}/")
    again = ark("cancel", "backup", name, code=1)
    assert "has ended already: it is Failed" in again.err
