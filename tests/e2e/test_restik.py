"""Restik on the node: label, CronJob, snapshots by volumes' Jobs, Events, retention, and what goes with the label."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubectl_ark.model import times
from tests.e2e.ark import Ark
from tests.e2e.bucket import Bucket
from tests.e2e.restik import CONFIG, Shop
from tests.e2e.stateful import Stateful
from tests.environment import own

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("volumes")]


@pytest.fixture
def shop(ark: Ark, name: str) -> Iterator[Shop]:
    """A namespace for workloads with volumes, and the Restik's Secret."""
    root = Path("/var/tmp") / own(f"ark-restik-{name}")
    stateful = Stateful(ark.cluster, f"k-{name}", root)
    ark.cluster.run("create", "namespace", stateful.namespace)
    shop = Shop(ark, stateful)
    shop.password()
    yield shop
    stateful.lose()
    root.rmdir()
    shop.reconcile()


def test_a_labelled_deployment_is_saved_by_a_cron_job_and_an_event_tells_of_it(
        ark: Ark, shop: Shop, bucket: Bucket) -> None:
    (shop.deployment("web", "nightly") / "file").write_text("one")
    shop.restik("nightly")
    before = shop.uids()
    assert f"restik/nightly of namespace {shop.namespace}: CronJob ark-restik-" in shop.reconcile()
    [cron_job] = shop.cron_jobs()
    assert (cron_job["spec"]["schedule"], cron_job["spec"]["concurrencyPolicy"]) == ("0 0 1 1 *", "Forbid")
    status = shop.get("nightly")["status"]
    assert status["conditions"][0]["reason"] == "Scheduled" and status["workloads"] == ["Deployment/web"]
    log = shop.run("nightly")
    [event] = shop.events("nightly").values()
    assert (event["metadata"]["name"], event["reason"], event["type"]) == ("nightly-1", "Success", "Normal"), log
    assert event["involvedObject"]["uid"] == shop.get("nightly")["metadata"]["uid"]
    assert "pod web-" in event["message"] and "snapshot " in event["message"]
    status = shop.get("nightly")["status"]
    assert status["backupCount"] == 1 and status["message"] == "1 of 1 snapshots taken", status
    assert status["firstBackupTime"] == status["lastBackupTime"] == status["lastSuccessfulBackupTime"]
    assert status["lastBackupDuration"].endswith("s")
    assert bucket.keys(f"plugins/restik/{shop.namespace}/nightly/snapshots/")
    assert not bucket.keys(f"restic/{shop.namespace}/")
    assert shop.uids() == before, "no pod is restarted"
    assert "1" in ark.cluster.run("get", "restiks", "-n", shop.namespace).stdout


def test_each_pod_of_a_stateful_set_has_snapshots_and_the_policy_keeps_some_of_each(
        shop: Shop, bucket: Bucket) -> None:
    for number, directory in enumerate(shop.stateful_set("db", "often", replicas=2)):
        (directory / "file").write_text(str(number))
    shop.restik("often", retentionPolicy={"keepLastSnapshots": 1})
    shop.reconcile()
    shop.run("often")
    events = shop.events("often")
    assert {(name, each["reason"]) for name, each in events.items()} == {("often-1", "Success"), ("often-2", "Success")}
    pods = {pod for pod in ("db-0", "db-1") for each in events.values() if f"pod {pod} " in each["message"]}
    assert pods == {"db-0", "db-1"}
    shop.run("often")
    assert shop.get("often")["status"]["backupCount"] == 4
    assert "2 older ones forgotten" in shop.get("often")["status"]["message"]
    assert len(bucket.keys(f"plugins/restik/{shop.namespace}/often/snapshots/")) == 2


def test_with_another_password_the_snapshot_fails_and_nothing_is_forgotten(shop: Shop, bucket: Bucket) -> None:
    (shop.deployment("web", "nightly") / "file").write_text("kept")
    shop.restik("nightly", retentionPolicy={"keepLastSnapshots": 1})
    shop.reconcile()
    shop.run("nightly")
    directory = f"plugins/restik/{shop.namespace}/nightly/snapshots/"
    before = bucket.keys(directory)
    assert len(before) == 1
    shop.password("another")
    shop.run("nightly")
    event = shop.events("nightly")["nightly-2"]
    assert (event["reason"], event["type"]) == ("Failed", "Warning")
    assert "has another password than Secret" in event["message"] and "another password" in event["message"]
    status = shop.get("nightly")["status"]
    assert status["backupCount"] == 2 and "older ones are all kept" in status["message"]
    assert status["lastSuccessfulBackupTime"] == status["firstBackupTime"] <= status["lastBackupTime"]
    assert bucket.keys(directory) == before


def test_when_the_label_goes_the_cron_job_goes_and_the_data_stays(ark: Ark, shop: Shop, bucket: Bucket) -> None:
    (shop.deployment("web", "nightly") / "file").write_text("kept")
    shop.restik("nightly")
    shop.reconcile()
    shop.run("nightly")
    ark.cluster.run("label", "deployment/web", f"{CONFIG}-", "-n", shop.namespace)
    assert "no more snapshots are taken" in shop.reconcile()
    assert shop.cron_jobs() == []
    [farewell] = [each for each in shop.events("nightly").values() if each["reason"] == "Unscheduled"]
    assert "those that were taken stay where they are" in farewell["message"]
    assert shop.get("nightly")["status"]["conditions"][0]["reason"] == "NotUsed"
    ark.cluster.run("label", "deployment/web", f"{CONFIG}=nightly", "-n", shop.namespace)
    shop.reconcile()
    assert len(shop.cron_jobs()) == 1
    ark.cluster.run("delete", "restiks.backup.appscode.com/nightly", "-n", shop.namespace)
    shop.reconcile()
    assert shop.cron_jobs() == [] and bucket.keys(f"plugins/restik/{shop.namespace}/nightly/snapshots/")


def test_snapshots_are_listed_and_one_of_a_time_comes_back_into_a_new_claim(
        ark: Ark, shop: Shop, bucket: Bucket, name: str) -> None:
    directories = shop.stateful_set("db", "often", replicas=2)
    for number, directory in enumerate(directories):
        (directory / "file").write_text(f"old {number}")
    shop.restik("often")
    shop.reconcile()
    shop.run("often")
    first = times.now()
    time.sleep(1.1)  # restic's times are compared in seconds
    for number, directory in enumerate(directories):
        (directory / "file").write_text(f"new {number}")
    shop.run("often")
    listed = json.loads(ark("get", "snapshots", "-n", shop.namespace, "--restik", "often", "-o", "json").out)
    assert [each["pod"] for each in listed].count("db-1") == 2 and len(listed) == 4
    assert {each["claim"] for each in listed} == {"data-db-0", "data-db-1"}
    table = ark("get", "snapshots", "-n", shop.namespace).out.splitlines()
    assert table[0].split() == ["RESTIK", "SNAPSHOT", "TIME", "POD", "CLAIM", "MIB"] and len(table) == 5
    assert "often" in ark("get", "restiks", "-n", shop.namespace).out
    described = ark("describe", "restik", "often", "-n", shop.namespace).out
    assert "often-4" in described and "backupCount" in described and "StatefulSet/db" in described
    restore = ["restore", f"{name}-r", "--from-restik", f"{shop.namespace}/often", "--to-claim", "again", "--wait"]
    refused = ark(*restore, code=1)
    assert "there are snapshots of 2 claims" in refused.err and "name the pod" in refused.err
    directory = shop.stateful.volume("again", "again")
    at = times.format_time(first)
    ark("restore", f"{name}-old", *restore[2:], "--pod", "db-1", "--at", at)
    assert (directory / "file").read_text() == "old 1"
    assert ark.get("restore", f"{name}-old")["status"]["phase"] == "Completed"
    assert ark.cluster.get("persistentvolumeclaim", "again", "-n", shop.namespace)["spec"]["resources"][
        "requests"]["storage"] == "1Gi"
    ark("restore", f"{name}-new", *restore[2:], "--pod", "db-1")
    assert (directory / "file").read_text() == "new 1"
    early = ark("restore", f"{name}-none", *restore[2:], "--pod", "db-1", "--at", "2020-01-01T00:00:00Z", code=1)
    assert "there is no snapshot from 2020-01-01T00:00:00Z or before" in early.err
    used = ark("restore", f"{name}-used", *restore[2:4], "--to-claim", "data-db-0", "--pod", "db-0", "--wait", code=1)
    assert "is used by pod db-0: scale its workload to 0 first" in used.err
    assert bucket.keys(f"restores/{name}-old/")
