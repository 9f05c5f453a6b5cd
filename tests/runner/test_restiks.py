"""Restiks at the API server: CronJobs that a pass keeps in step, numbers that many take at once, and Events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kubectl_ark import errors
from kubectl_ark.model import times
from kubectl_ark.model.settings import Settings
from kubectl_ark.runner import restik_counts
from kubectl_ark.runner.restik_counts import Taken
from tests.harness import Ark, Object, eventually, is_clear
from tests.model.test_restiks import SPEC

pytestmark = pytest.mark.api

RESTIKS = "/apis/backup.appscode.com/v1alpha1"
CONFIG = "backup.appscode.com/config"


@pytest.fixture(autouse=True)
def settings(ark: Ark) -> None:
    """The ConfigMap that install leaves."""
    ark.settings(Settings(image="img:1"))


@pytest.fixture
def place(ark: Ark, name: str) -> Iterator[str]:
    """A namespace for workloads."""
    ark.make_namespace(name)
    yield name
    ark.remove({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


def made(ark: Ark, namespace: str, name: str = "nightly", **spec: Any) -> Object:
    """Create a Restik."""
    return ark.make({"apiVersion": "backup.appscode.com/v1alpha1", "kind": "Restik",
                     "metadata": {"name": name, "namespace": namespace}, "spec": {**SPEC, **spec}})


def deployment(ark: Ark, namespace: str, config: str = "nightly") -> Object:
    """A Deployment that runs nothing."""
    return ark.make({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {
            "name": "web", "namespace": namespace, "labels": {CONFIG: config}},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}})


def now(ark: Ark, restik: Object) -> Object:
    return ark.got(restik)


def kept(ark: Ark, place: str) -> list[str]:
    """What the page of a pass over Restiks says of a namespace."""
    runner = ark.start("reconcile", "--only", "restiks")
    assert runner.wait() == 0, runner.text
    return [line for line in runner.text.splitlines() if f"of namespace {place}" in line]


def cron_jobs(ark: Ark, place: str) -> list[Object]:
    found = ark.api.get(f"/apis/batch/v1/namespaces/{ark.namespace}/cronjobs")["items"]
    return [each for each in found if each["metadata"].get("annotations", {}).get(
        "ark.heptio.com/restik", "").startswith(f"{place}/")]


def events(ark: Ark, place: str) -> list[Object]:
    return [each for each in ark.api.get(f"/api/v1/namespaces/{place}/events")["items"]
            if each["involvedObject"]["kind"] == "Restik"]


def test_a_restik_that_a_workload_names_becomes_a_cron_job(ark: Ark, place: str) -> None:
    restik = made(ark, place, schedule="30 0 3 * * *")
    assert kept(ark, place) == [] and cron_jobs(ark, place) == []
    assert now(ark, restik)["status"]["conditions"][0]["reason"] == "NotUsed"
    item = deployment(ark, place)
    [line] = kept(ark, place)
    [cron_job] = cron_jobs(ark, place)
    assert line == (f"restiks: restik/nightly of namespace {place}: CronJob {cron_job['metadata']['name']} made, "
                    "0 3 * * * Etc/UTC")
    pod = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["args"] == ["restik", f"{place}/nightly", "--namespace", ark.namespace]
    assert pod["serviceAccountName"] == "ark-backup" and len(cron_job["metadata"]["name"]) <= 52
    status = now(ark, restik)["status"]
    assert status["cronJob"] == cron_job["metadata"]["name"] and status["workloads"] == ["Deployment/web"]
    assert "are dropped" in status["warnings"][0] and now(ark, restik)["spec"]["schedule"] == "30 0 3 * * *"
    before = now(ark, restik), cron_job
    assert kept(ark, place) == [] and (now(ark, restik), cron_jobs(ark, place)[0]) == before
    ark.api.patch_merge(f"{RESTIKS}/namespaces/{place}/restiks/nightly", {"spec": {"schedule": "@every 1h"}})
    assert "brought up to date, 0 * * * *" in kept(ark, place)[0]
    ark.api.patch_merge(f"{RESTIKS}/namespaces/{place}/restiks/nightly", {"spec": {"paused": True}})
    assert kept(ark, place)[0].endswith(": paused") and cron_jobs(ark, place)[0]["spec"]["suspend"] is True
    ark.remove(item)
    eventually(lambda: ark.get(item) is None, "the Deployment is gone")
    assert "no more snapshots are taken: no workload of namespace" in kept(ark, place)[0]
    assert cron_jobs(ark, place) == []
    [event] = events(ark, place)
    assert event["reason"] == "Unscheduled" and event["involvedObject"]["uid"] == restik["metadata"]["uid"]


def test_a_restik_that_is_wrong_is_told_so_and_keeps_its_schedule(ark: Ark, place: str) -> None:
    restik = made(ark, place)
    deployment(ark, place)
    kept(ark, place)
    ark.api.patch_merge(f"{RESTIKS}/namespaces/{place}/restiks/nightly", {"spec": {"schedule": "@every 10s"}})
    assert "is not valid and takes no snapshots" in kept(ark, place)[0]
    found = now(ark, restik)
    assert found["spec"]["schedule"] == "@every 10s", "never erased"
    assert is_clear(found["status"]["validationErrors"][0], "spec.schedule", "less than a minute")
    assert found["status"]["conditions"][0]["reason"] == "Invalid" and cron_jobs(ark, place)[0]["spec"]["suspend"]
    ark.api.patch_merge(f"{RESTIKS}/namespaces/{place}/restiks/nightly", {"spec": {"schedule": "@daily"}})
    assert "unpaused" in kept(ark, place)[0]
    assert "validationErrors" not in now(ark, restik)["status"]


def test_a_restik_that_was_deleted_loses_its_cron_job(ark: Ark, place: str) -> None:
    restik = made(ark, place)
    deployment(ark, place)
    kept(ark, place)
    ark.remove(restik)
    assert "no more snapshots are taken: it was deleted" in kept(ark, place)[0]
    assert cron_jobs(ark, place) == [] and [each["reason"] for each in events(ark, place)] == ["Unscheduled"]


def taken(good: bool = True) -> Taken:
    return Taken(good, "volume data of pod p: snapshot 0123abcd", times.now(), 1.23)


def test_many_that_end_at_once_have_a_number_and_an_event_each(ark: Ark, place: str) -> None:
    restik = made(ark, place)
    with ThreadPoolExecutor(12) as pool:
        names = list(pool.map(lambda number: restik_counts.count(ark.api, restik, taken(number % 3 > 0)), range(12)))
    assert sorted(names) == sorted(f"nightly-{number}" for number in range(1, 13))
    status = now(ark, restik)["status"]
    assert status["backupCount"] == 12 and status["lastBackupDuration"] == "1.2s"
    assert {each["metadata"]["name"] for each in events(ark, place)} == set(names)
    assert sorted(each["reason"] for each in events(ark, place)) == ["Failed"] * 4 + ["Success"] * 8


def test_the_times_of_a_restik_tell_of_the_first_the_last_and_the_last_good_snapshot(ark: Ark, place: str) -> None:
    restik = made(ark, place)
    restik_counts.count(ark.api, restik, taken(good=False))
    status = now(ark, restik)["status"]
    assert status["firstBackupTime"] == status["lastBackupTime"] and "lastSuccessfulBackupTime" not in status
    restik_counts.count(ark.api, restik, taken())
    later = now(ark, restik)["status"]
    assert later["firstBackupTime"] == status["firstBackupTime"] <= later["lastSuccessfulBackupTime"]
    ark.remove(restik)
    with pytest.raises(errors.RunLost):
        restik_counts.count(ark.api, restik, taken())


def test_a_restik_made_anew_begins_to_count_anew_and_its_event_takes_the_place_of_the_former(
        ark: Ark, place: str) -> None:
    former = made(ark, place)
    restik_counts.count(ark.api, former, taken(good=False))
    ark.remove(former)
    restik = made(ark, place)
    assert restik_counts.count(ark.api, restik, taken()) == "nightly-1"
    [event] = events(ark, place)
    assert event["reason"] == "Success" and event["involvedObject"]["uid"] == restik["metadata"]["uid"]
    assert event["type"] == "Normal"
    with pytest.raises(errors.RunLost, match="made anew"):
        restik_counts.count(ark.api, former, taken())


def test_a_run_says_why_it_takes_no_snapshots(ark: Ark, place: str) -> None:
    restik = made(ark, place)
    outside = ark.start("restik", f"{place}/nightly")
    assert outside.wait() == 10 and "are taken by a Job" in outside.text
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": f"j-{place}", "namespace": ark.namespace},
           "spec": {"suspend": True, "template": {"spec": {
               "restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}}
    found = ark.make(job)
    pod = {"ARK_JOB_NAME": found["metadata"]["name"], "ARK_JOB_UID": found["metadata"]["uid"]}
    unused = ark.start("restik", f"{place}/nightly", **pod)
    assert unused.wait() == 0 and "no workload has the label" in unused.text
    deployment(ark, place)
    still = ark.start("restik", f"{place}/nightly", **pod)
    assert still.wait() == 0, still.text
    assert now(ark, restik)["status"]["message"] == "there is nothing to save: every workload is scaled to 0"
    gone = ark.start("restik", f"{place}/other", **pod)
    assert gone.wait() == 0 and "was deleted" in gone.text
    assert json.dumps(events(ark, place)) == "[]"
