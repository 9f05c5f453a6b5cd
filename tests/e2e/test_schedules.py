"""Schedules and passes on a real node: CronJobs that fire, a template edited, a schedule paused and deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.ark import TINY, Ark, eventually
from tests.e2e.bucket import Bucket

pytestmark = pytest.mark.node

NAMESPACE = "ark-e2e-schedules"


@pytest.fixture(scope="module")
def own(ark: Ark) -> Iterator[Ark]:
    """An Ark of its own, in which a pass is made every minute."""
    place = ark.in_namespace(NAMESPACE)
    place(*place.install_arguments(reconcile_schedule="* * * * *"))
    yield place
    place("uninstall", "--yes", timeout=320)
    Bucket(place.cluster, place.prefix).remove()


def _listed(ark: Ark, resource: str, **labels: str) -> list[dict[str, Any]]:
    selector = [f"-l={','.join(f'{key}={value}' for key, value in labels.items())}"] if labels else []
    items: list[dict[str, Any]] = ark.cluster.get(resource, "-n", ark.namespace, *selector)["items"]
    return items


def _of_schedule(ark: Ark, name: str) -> list[dict[str, Any]]:
    return _listed(ark, "backups.ark.heptio.com", **{"ark.heptio.com/schedule-name": name})


def test_a_schedule_fires_follows_its_template_pauses_and_goes(own: Ark, name: str) -> None:
    # What somebody applies is run by a pass that nobody asks for.
    own.cluster.apply({"apiVersion": "ark.heptio.com/v1", "kind": "Backup", "metadata": {
        "name": f"{name}-applied", "namespace": own.namespace}, "spec": {"includedNamespaces": ["kube-public"]}})
    answer = own("schedule", "create", name, "--schedule", "CRON_TZ=Europe/Berlin * * * * *", *TINY, "--keep-last", "3")
    assert answer.out == f"schedule.ark.heptio.com/{name} created\n" and answer.err == ""
    eventually(lambda: own.status("schedule", name).get("phase") == "Enabled", "the pass has seen the schedule")
    [cron_job] = [each for each in _listed(own, "cronjobs.batch") if each["metadata"]["name"] != "ark-reconcile"]
    assert cron_job["spec"]["timeZone"] == "Europe/Berlin" and len(cron_job["metadata"]["name"]) <= 52

    fired = eventually(lambda: _of_schedule(own, name), "the schedule fires", timeout=90)[0]
    first = fired["metadata"]["name"]
    assert first.startswith(f"{name}-20") and first.endswith("00")
    assert own.await_end("backup", first)["phase"] == "Completed"
    assert own.of_run("jobs", "backup", first) == [], "its own Job ran it, and no other"
    eventually(lambda: own.status("schedule", name).get("lastBackup"), "the schedule knows its last backup")
    table = own("get", "schedules", name).out
    head, row = table.splitlines()
    for word in ("STATUS", "SCHEDULE", "LAST-BACKUP", "PAUSED", "NEXT-BACKUP"):
        assert word in head
    assert "Enabled" in row and "* * * * *" in row
    assert b"Completed" in own("logs", "backup", first).out.encode()

    own.cluster.run("patch", "schedules.ark.heptio.com", name, "-n", own.namespace, "--type=merge", "-p",
                    json.dumps({"spec": {"template": {"includedResources": ["serviceaccounts"]}}}))
    second = eventually(lambda: [each for each in _of_schedule(own, name) if each["metadata"]["name"] != first],
                        "it fires again", timeout=90)[0]
    assert second["spec"]["includedResources"] == ["serviceaccounts"]
    assert own("schedule", "pause", name).out == f"schedule.ark.heptio.com/{name} paused\n"
    path = ("cronjobs.batch", cron_job["metadata"]["name"], "-n", own.namespace)
    eventually(lambda: own.cluster.get(*path)["spec"]["suspend"], "the CronJob is suspended")
    assert own("schedule", "pause", "--all").out == f"schedule.ark.heptio.com/{name} unchanged\n"
    answer = own("backup", f"{name}-now", "--from-schedule", name, "--wait")
    assert "Completed" in answer.out
    assert {each["metadata"]["name"] for each in _of_schedule(own, name)} >= {first, f"{name}-now"}

    own("delete", "schedule", name, "--yes")
    eventually(lambda: not own.exists("cronjobs.batch", cron_job["metadata"]["name"]), "the CronJob goes with it")
    assert len(_of_schedule(own, name)) >= 3, "its backups stay"
    assert own.status("backup", f"{name}-applied")["phase"] == "Completed"


def test_a_pass_on_demand_shows_its_page_and_starts_what_was_applied(own: Ark, name: str) -> None:
    own(*own.install_arguments())
    assert not own.exists("cronjobs.batch", "ark-reconcile"), "--reconcile-schedule none takes it away"
    own.cluster.apply({"apiVersion": "ark.heptio.com/v1", "kind": "Backup", "metadata": {
        "name": name, "namespace": own.namespace}, "spec": {"includedNamespaces": ["kube-public"]}})
    answer = own("reconcile", "--wait")
    begin, *page, end = answer.out.splitlines()
    assert begin.startswith(f"pass over {own.namespace}, begun 20"), answer.all
    assert any(line.startswith(f"starts: backup/{name}: started Job ark-backup-") for line in page), answer.all
    assert end.endswith("0 could not be done"), answer.all
    assert own.await_end("backup", name)["phase"] == "Completed"
    assert own("reconcile").out.startswith("job.batch/ark-reconcile-")
