"""Restik on the node: label, CronJob, snapshots by volumes' Jobs, Events, retention, and what goes with the label."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
