"""Sync: what is in the bucket becomes Backups, whoever wrote it, and what has gone from it is removed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.harness import Ark, Object, is_clear
from tests.runner.process import ROOT
from tests.runner.stored import ago, cluster_id, metadata, page, store

pytestmark = pytest.mark.api

FIXTURE = ROOT / "tests" / "fixtures" / "velero-1.18.1" / "backups" / "shop-velero-2"


@pytest.fixture(autouse=True)
def tidy(ark: Ark) -> Iterator[None]:
    """Every test begins with an empty prefix and no Backup."""
    yield
    for key in ark.keys():
        ark.store.client.remove_object(ark.store.bucket, f"{ark.prefix}/{key}")
    ark.api.raw("DELETE", backups(ark))
    ark.location()


def backups(ark: Ark) -> str:
    """The path of all Backups."""
    return f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/backups"


def backup(ark: Ark, name: str) -> Object | None:
    """The CR."""
    return ark.get(ark.cr("Backup", name))


def test_what_kubectl_ark_velero_and_both_old_arks_stored_becomes_backups(ark: Ark) -> None:
    store(ark, "ours", cluster=cluster_id(ark), labels={"ark.heptio.com/schedule-name": "nightly"})
    for file in FIXTURE.iterdir():
        ark.write(f"backups/shop-velero-2/{file.name}", file.read_bytes())
    old = metadata("ark-0-10", version="ark.heptio.com/v1", labels={"ark-schedule": "weekly"}, volumeBackups={
        "pv": {"snapshotID": "s", "type": "gp2", "iops": None}})
    ark.write("backups/ark-0-10/ark-backup.json", json.dumps(old).encode())
    older = {**old, "metadata": {**old["metadata"], "name": "ark-0-9"}}
    ark.write("ark-0-9/ark-backup.json", json.dumps(older).encode())
    ark.write("ark-0-9/ark-0-9.tar.gz", b"tar")
    text = page(ark, "locations", "sync", "starts")
    assert "found in default: backup/ark-0-10, backup/ark-0-9, backup/ours, backup/shop-velero-2" in text
    for name, schedule in (("ours", "nightly"), ("shop-velero-2", None), ("ark-0-10", "weekly"), ("ark-0-9", "weekly")):
        found = backup(ark, name)
        assert found is not None and found["spec"]["storageLocation"] == "default"
        assert found["status"]["phase"] == "Completed" and found["status"]["storageLocation"] == "default"
        assert {each["type"]: each["status"] for each in found["status"]["conditions"]} == {
            "Succeeded": "True", "Finished": "True"}
        assert found["metadata"]["annotations"]["ark.heptio.com/synced"] == "true"
        assert found["metadata"]["labels"].get("ark.heptio.com/schedule-name") == schedule
        assert found["metadata"]["labels"]["ark.heptio.com/storage-location"] == "default"
        assert "claim" not in found["status"]
    assert ark.status("Backup", "ark-0-9")["volumeBackups"]["pv"]["snapshotID"] == "s"
    # Nobody starts them, and a second pass finds nothing to do.
    assert ark.api.get(f"/apis/batch/v1/namespaces/{ark.namespace}/jobs")["items"] == []
    assert "sync: nothing to do" in page(ark, "sync", "starts")


def test_a_pass_killed_between_a_backup_and_its_status_is_repaired_by_the_next_and_starts_nothing(ark: Ark) -> None:
    store(ark, "half", cluster=cluster_id(ark))
    item = ark.cr("Backup", "half", storageLocation="default")
    item["metadata"]["annotations"] = {"ark.heptio.com/synced": "true"}
    ark.make(item)
    assert "starts: nothing to do" in page(ark, "starts")
    assert ark.status("Backup", "half")["phase"] == "New"
    assert "backup/half" in page(ark, "sync")
    assert ark.status("Backup", "half")["phase"] == "Completed"


def test_a_backup_whose_data_has_gone_is_removed_but_none_that_runs_or_failed(ark: Ark) -> None:
    store(ark, "whole", cluster=cluster_id(ark))
    for name, phase in (("gone", "Completed"), ("partly", "PartiallyFailed"), ("runs", "InProgress"),
                        ("failed", "Failed"), ("deleting", "Deleting"), ("whole", "Completed")):
        ark.backup(name)
        ark.api.patch_merge(f"{backups(ark)}/{name}/status", {"status": {"phase": phase, "storageLocation": "default"}})
    ark.backup("elsewhere")
    ark.api.patch_merge(f"{backups(ark)}/elsewhere/status", {"status": {
        "phase": "Completed", "storageLocation": "another"}})
    text = page(ark, "sync")
    assert "gone from default, so removed here: backup/gone, backup/partly\n" in text
    left = {each["metadata"]["name"] for each in ark.api.get(backups(ark))["items"]}
    assert left == {"whole", "runs", "failed", "deleting", "elsewhere"}
    assert ark.status("BackupStorageLocation", "default")["firstSyncedTime"]


def test_a_plain_kubectl_delete_of_a_backup_is_undone(ark: Ark) -> None:
    store(ark, "kept", cluster=cluster_id(ark))
    page(ark, "sync")
    ark.remove(ark.cr("Backup", "kept"))
    page(ark, "sync")
    assert ark.status("Backup", "kept")["phase"] == "Completed"


def test_bad_metadata_is_one_line_of_warning_that_names_the_file_and_fails_no_pass(ark: Ark) -> None:
    store(ark, "good")
    ark.write("backups/garbage/velero-backup.json", b"\x00{")
    ark.write("backups/deep/velero-backup.json", b"[" * 100_000)
    ark.write("backups/misnamed/velero-backup.json", json.dumps(metadata("other")).encode())
    ark.write("backups/pod/velero-backup.json", json.dumps({**metadata("pod"), "kind": "Pod"}).encode())
    ark.write("backups/list/velero-backup.json", b"[]")
    ark.write("backups/wrong/velero-backup.json", json.dumps({
        **metadata("wrong"), "spec": {"includedNamespaces": "shop"}}).encode())
    ark.write("backups/unknown/velero-backup.json", json.dumps(metadata("unknown", phase="Great")).encode())
    ark.write("backups/unfinished/velero-backup.json", json.dumps(metadata("unfinished", phase="InProgress")).encode())
    ark.write("backups/none/none.tar.gz", b"tar")
    text = page(ark, "sync")
    assert {each["metadata"]["name"] for each in ark.api.get(backups(ark))["items"]} == {"good"}
    warnings = [line for line in text.splitlines() if line.startswith("sync: Warning: ")]
    assert len(warnings) == 8 and "Error" not in text
    for name, words in (("garbage", "is not JSON"), ("deep", "is not JSON"), ("misnamed", 'another backup, "other"'),
                        ("pod", "is not a Backup but a velero.io/v1 Pod"),
                        ("list", "is not a Kubernetes object"),
                        ("wrong", "includedNamespaces"), ("unknown", "Great"), ("unfinished", "phase InProgress")):
        [line] = [line for line in warnings if f"backup/{name} of default" in line]
        assert is_clear(line, words, f"/backups/{name}/velero-backup.json ", "; repair or delete that file")
    text = page(ark, "sync")
    assert text.count("sync: Warning: ") == 8 and "nothing to do" not in text


def test_what_velero_has_not_finished_is_shown_when_it_has_expired(ark: Ark) -> None:
    store(ark, "finalizing", phase="Finalizing", expires=ago(hours=-1))
    store(ark, "forgotten", phase="WaitingForPluginOperations", expires=ago(hours=1))
    page(ark, "sync")
    assert backup(ark, "finalizing") is None
    assert ark.status("Backup", "forgotten")["phase"] == "WaitingForPluginOperations"


def test_names_that_are_too_long_for_a_label_are_synced(ark: Ark) -> None:
    name = "n" * 240  # the test's store keeps files, whose names end at 255
    store(ark, name, cluster=cluster_id(ark))
    place = "a" * 70
    ark.location(place)
    ark.remove(ark.cr("BackupStorageLocation", "default"))
    page(ark, "sync")
    found = backup(ark, name)
    assert found is not None and found["status"]["phase"] == "Completed"
    assert len(found["metadata"]["labels"]["ark.heptio.com/storage-location"]) == 63
    ark.remove(ark.cr("BackupStorageLocation", place))


def test_a_location_that_is_not_to_be_synced_is_not(ark: Ark) -> None:
    store(ark, "new")
    ark.api.patch_merge(f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/backupstoragelocations/default/status",
                        {"status": {"lastSyncedTime": ago(minutes=5)}})
    for period in ("0", "1h"):
        ark.location(backupSyncPeriod=period)
        page(ark, "sync")
        assert backup(ark, "new") is None
    ark.location(backupSyncPeriod="1m")
    page(ark, "sync")
    assert backup(ark, "new") is not None


def test_a_location_that_leads_elsewhere_is_synced_for_the_first_time_again(ark: Ark) -> None:
    page(ark, "sync")
    path = f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/backupstoragelocations/default/status"
    ark.api.patch_merge(path, {"status": {"firstSyncedTime": ago(hours=30)}})
    page(ark, "sync")
    assert ark.status("BackupStorageLocation", "default")["firstSyncedTime"] == ago(hours=30)
    ark.api.patch_merge(path.rpartition("/")[0], {"spec": {"objectStorage": {"prefix": f"{ark.prefix}/plugins/new"}}})
    page(ark, "sync")
    assert ark.status("BackupStorageLocation", "default")["firstSyncedTime"] != ago(hours=30)


def test_two_passes_at_once_make_each_backup_once(ark: Ark) -> None:
    for number in range(30):
        store(ark, f"b{number:02}", cluster=cluster_id(ark))
    runners = [ark.start("reconcile", "--only", "sync") for _ in range(2)]
    assert [runner.wait() for runner in runners] == [0, 0], runners[0].text + runners[1].text
    found = ark.api.get(backups(ark))["items"]
    assert len(found) == 30 and {each["status"]["phase"] for each in found} == {"Completed"}
