"""Who runs a Backup, and who does not: other Jobs, other clusters, CRs that were deleted, are finished or mirrored."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubectl_ark import errors
from tests.harness import Ark, eventually, is_clear, kubeconfig_through
from tests.runner.conftest import Spare
from tests.runner.proxy import Proxy

pytestmark = pytest.mark.api

KINDS = ["configmaps", "endpoints", "limitranges", "persistentvolumeclaims", "podtemplates", "pods", "resourcequotas",
         "secrets", "serviceaccounts", "services", "namespaces"]
SOME = {"includedNamespaces": ["default"], "includedResources": KINDS}

CANCEL = "ark.heptio.com/cancel-requested"


@pytest.fixture
def slowly(ark: Ark) -> Iterator[Path]:
    """A kubeconfig that goes a slow way: every request takes 0.2 s, a backup some five."""
    with Proxy(ark.api._connection.host, delay=0.2) as proxy:
        yield kubeconfig_through(ark.kubeconfig, proxy.url, ark.directory)


def claimed(ark: Ark, name: str) -> None:
    """Wait until a run has claimed its name in the bucket."""
    eventually(lambda: f"backups/{name}/ark-claim.json" in ark.keys("backups/"), "the claim is in the bucket")


def test_a_job_that_is_not_the_claims_own_goes_away_without_writing(ark: Ark, slowly: Path, name: str) -> None:
    ark.backup(name, **SOME)
    owner = ark.start("backup", name, kubeconfig=slowly, ARK_JOB_UID="one", ARK_POD_UID="one-1")
    claimed(ark, name)
    stranger = ark.start("backup", name, ARK_JOB_UID="two", ARK_POD_UID="two-1")
    assert stranger.wait(10) == 0
    assert "is claimed by pod" in stranger.text
    assert owner.wait(60) == 0, owner.text
    status = ark.status("Backup", name)
    assert (status["phase"], status["claim"]["podUID"]) == ("Completed", "one-1")


def test_a_finished_run_is_left_as_it_is(ark: Ark, name: str) -> None:
    ark.backup(name, **SOME)
    assert ark.run("backup", name, ARK_JOB_UID="job", ARK_POD_UID="first") == 0
    before = ark.got(ark.cr("Backup", name))
    assert ark.run("backup", name, ARK_JOB_UID="job", ARK_POD_UID="second") == 0
    assert ark.got(ark.cr("Backup", name)) == before


def test_a_cr_that_mirrors_a_backup_in_the_bucket_is_never_run(ark: Ark, name: str) -> None:
    item = ark.cr("Backup", name)
    item["metadata"]["annotations"] = {"ark.heptio.com/synced": "true"}
    before = ark.make(item)
    assert ark.run("backup", name) == 0
    assert ark.got(item) == before
    assert ark.keys(f"backups/{name}/") == []


def test_a_runner_stops_within_seconds_when_its_cr_is_deleted_and_leaves_nothing(
        ark: Ark, slowly: Path, name: str) -> None:
    item = ark.backup(name, **SOME)
    runner = ark.start("backup", name, kubeconfig=slowly)
    claimed(ark, name)
    ark.remove(item)
    deleted = time.monotonic()
    assert runner.wait(10) == 0, runner.text
    assert time.monotonic() - deleted < 5
    assert "was deleted" in runner.text
    assert ark.keys(f"backups/{name}/") == [] and ark.uploads() == 0


def test_a_backup_deleted_and_made_again_is_the_new_ones(ark: Ark, slowly: Path, name: str) -> None:
    old = ark.backup(name, **SOME)
    former = ark.start("backup", name, kubeconfig=slowly, ARK_JOB_UID="old", ARK_RUN_UID=old["metadata"]["uid"])
    claimed(ark, name)
    ark.remove(old)
    new = ark.backup(name, includedNamespaces=["kube-public"], includedResources=KINDS)
    latter = ark.start("backup", name, ARK_JOB_UID="new", ARK_RUN_UID=new["metadata"]["uid"])
    assert latter.wait(30) == 0, latter.text
    assert former.wait(10) == 0, former.text
    assert ark.status("Backup", name)["phase"] == "Completed", latter.text
    assert json.loads(ark.read(f"backups/{name}/velero-backup.json"))["metadata"]["uid"] == new["metadata"]["uid"]
    assert "namespaces/cluster/kube-public" in ark.items(name)


def test_the_job_of_a_deleted_backup_does_not_run_the_one_that_was_made_again(ark: Ark, name: str) -> None:
    ark.backup(name)
    assert ark.run("backup", name, ARK_RUN_UID="of-the-former-one") == 0
    assert "claim" not in ark.status("Backup", name)


def test_of_two_clusters_that_write_one_name_at_once_exactly_one_wins(
        ark: Ark, spare: Spare, slowly: Path, name: str, tmp_path: Path) -> None:
    other = Ark(kubeconfig=spare.plane.kubeconfig, namespace=ark.namespace, store=ark.store, directory=tmp_path,
                prefix=ark.prefix)
    other.set_up()
    ours = ark.backup(name, **SOME)
    other.backup(name, **SOME)
    first = ark.start("backup", name, kubeconfig=slowly)
    claimed(ark, name)
    second = other.start("backup", name)
    assert second.wait(30) == errors.RUNNER_NAME_TAKEN, second.text
    assert first.wait(60) == 0, first.text
    cluster = ark.api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    lost = other.status("Backup", name)
    assert lost["phase"] == "Failed"
    assert is_clear(lost["failureReason"], "claimed by another cluster", cluster, "choose another name")
    assert ark.status("Backup", name)["phase"] == "Completed"
    assert json.loads(ark.read(f"backups/{name}/velero-backup.json"))["metadata"]["uid"] == ours["metadata"]["uid"]
    assert len(ark.items(name)) > 0


def test_of_two_namespaces_of_one_cluster_that_write_one_name_exactly_one_wins(
        ark: Ark, slowly: Path, name: str, tmp_path: Path) -> None:
    other = Ark(kubeconfig=ark.kubeconfig, namespace=f"{ark.namespace}-2", store=ark.store, directory=tmp_path,
                prefix=ark.prefix)
    other.set_up()
    ours = ark.backup(name, **SOME)
    other.backup(name, **SOME)
    first = ark.start("backup", name, kubeconfig=slowly)
    claimed(ark, name)
    assert other.run("backup", name) == errors.RUNNER_NAME_TAKEN
    assert first.wait(60) == 0
    assert is_clear(other.status("Backup", name)["failureReason"], "claimed by another Backup of this cluster",
                    ours["metadata"]["uid"])
    assert ark.status("Backup", name)["phase"] == "Completed"
    other.tear_down()


def test_a_name_whose_claim_was_taken_away_fails_and_leaves_the_others_files_alone(
        ark: Ark, slowly: Path, name: str) -> None:
    ark.backup(name, **SOME)
    runner = ark.start("backup", name, kubeconfig=slowly)
    claimed(ark, name)
    ark.write(f"backups/{name}/ark-claim.json", b'{"uid": "other", "clusterID": "elsewhere"}')
    ark.write(f"backups/{name}/{name}-logs.gz", b"the other's")
    assert runner.wait(60) == errors.RUNNER_NAME_TAKEN, runner.text
    status = ark.status("Backup", name)
    assert status["phase"] == "Failed" and is_clear(status["failureReason"], "taken away", "elsewhere")
    assert f"backups/{name}/velero-backup.json" not in ark.keys()


def test_a_name_that_exists_in_the_bucket_is_refused_and_what_is_there_stays(ark: Ark, name: str) -> None:
    ark.write(f"backups/{name}/velero-backup.json", json.dumps({
        "metadata": {"name": name, "uid": "elsewhere"}, "status": {"startTimestamp": "2024-05-01T10:00:00Z"}}).encode())
    ark.backup(name, **SOME)
    assert ark.run("backup", name) == errors.RUNNER_NAME_TAKEN
    status = ark.status("Backup", name)
    assert status["phase"] == "Failed"
    assert is_clear(status["failureReason"], "already exists", "2024-05-01T10:00:00Z", "choose another name")
    assert ark.keys(f"backups/{name}/") == [f"backups/{name}/velero-backup.json"]


def test_a_name_that_heptio_ark_has_used_is_refused_before_anything_is_overwritten(ark: Ark, name: str) -> None:
    files = [f"backups/{name}/{each}" for each in ("ark-backup.json", f"{name}.tar.gz")]
    for each in files:
        ark.write(each, b"{}")
    ark.backup(name, **SOME)
    assert ark.run("backup", name) == errors.RUNNER_NAME_TAKEN
    assert is_clear(ark.status("Backup", name)["failureReason"], "already exists", "Heptio Ark")
    assert ark.keys(f"backups/{name}/") == files


def test_a_cancelled_backup_fails_within_seconds_and_keeps_only_its_log(ark: Ark, slowly: Path, name: str) -> None:
    item = ark.backup(name, **SOME)
    runner = ark.start("backup", name, kubeconfig=slowly)
    claimed(ark, name)
    asked = time.monotonic()
    ark.put({**item, "metadata": {"name": name, "namespace": ark.namespace,
                                  "annotations": {CANCEL: "2024-05-01T10:00:00Z ann@example.com"}}})
    assert runner.wait(15) == errors.RUNNER_INVALID, runner.text
    assert time.monotonic() - asked < 6
    status = ark.status("Backup", name)
    assert status["phase"] == "Failed" and is_clear(status["failureReason"], "cancelled by ann@example.com")
    assert ark.keys(f"backups/{name}/") == [f"backups/{name}/ark-claim.json", f"backups/{name}/{name}-logs.gz"]
    assert ark.uploads() == 0


def test_a_run_that_was_declared_dead_does_not_rise_again(ark: Ark, slowly: Path, name: str) -> None:
    item = ark.backup(name, **SOME)
    runner = ark.start("backup", name, kubeconfig=slowly)
    claimed(ark, name)
    path = f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/backups/{name}/status"
    ark.api.patch_merge(path, {"status": {"phase": "Failed", "failureReason": "its Job is gone"}})
    assert runner.wait(15) == 0, runner.text
    status = ark.status("Backup", item["metadata"]["name"])
    assert (status["phase"], status["failureReason"]) == ("Failed", "its Job is gone")
    assert ark.keys(f"backups/{name}/") == []
