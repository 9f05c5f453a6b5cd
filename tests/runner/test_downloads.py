"""DownloadRequests made by plain ``kubectl apply``: addresses, refusals in words, and what is removed when."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest

from kubectl_ark import errors
from kubectl_ark.model import layout
from tests.harness import Ark, Object, is_clear

pytestmark = pytest.mark.api


@pytest.fixture
def backup(ark: Ark, name: str) -> str:
    """The name of a Completed backup that has its log in the bucket, and nothing else."""
    ark.backup(name)
    state(ark, "backups", name, phase="Completed", storageLocation="default")
    ark.write(layout.backup_log(name), b"the log of " + name.encode())
    return name


def state(ark: Ark, plural: str, name: str, **status: Any) -> None:
    """Write a status by hand."""
    ark.api.patch_merge(f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/{plural}/{name}/status",
                        {"status": status})


def ask(ark: Ark, name: str, kind: str, target: str, **spec: Any) -> Object:
    """Apply a DownloadRequest."""
    item = ark.cr("DownloadRequest", name, target={"kind": kind, "name": target}, **spec)
    made = ark.put(item)
    ark.adopt(item)
    return made


def attend(ark: Ark, *, code: int = 0) -> str:
    """One pass of the topic; its page."""
    runner = ark.start("reconcile", "--only", "downloads")
    assert runner.wait() == code, runner.text
    return runner.text


@pytest.mark.parametrize("kind", ["BackupLog", "BackupLogs"])
def test_an_address_is_written_only_where_it_is_asked_for_and_gives_the_file(ark: Ark, backup: str, kind: str) -> None:
    ask(ark, backup, kind, backup, presign=True)
    page = attend(ark)
    status = ark.status("DownloadRequest", backup)
    with urllib.request.urlopen(status["downloadURL"]) as answer:
        assert answer.read() == b"the log of " + backup.encode()
    assert status["phase"] == "Processed" and status["expiration"] > status.get("startTimestamp", "2026")
    assert f"downloadrequest/{backup}: its status holds an address of {kind} of {backup}" in page
    assert "X-Amz-Signature" in status["downloadURL"] and "X-Amz" not in page
    before = ark.got(ark.cr("DownloadRequest", backup))
    attend(ark)
    assert ark.got(ark.cr("DownloadRequest", backup)) == before


def test_the_file_of_a_run_that_the_cluster_does_not_know_is_found_in_the_bucket(ark: Ark, name: str) -> None:
    ark.write(layout.restore_log(name), b"x")
    ask(ark, name, "RestoreLogs", name, presign=True)
    attend(ark)
    assert ark.status("DownloadRequest", name)["phase"] == "Processed"


REFUSALS = {
    "nobody knows the backup": ("BackupLog", "no-such", None, ('backup "no-such" does not exist', "get backups")),
    "the backup is running": ("BackupLog", "", "InProgress", ("is still InProgress",)),
    "the backup failed": ("BackupContents", "", "Failed", ("is Failed: it has saved nothing",)),
    "the file is not stored": ("BackupVolumeInfos", "", "Completed", ("has no BackupVolumeInfos", "is not in http")),
}


@pytest.mark.parametrize("case", REFUSALS)
@pytest.mark.parametrize("presign", [True, False])
def test_what_cannot_be_had_is_told_in_the_status(ark: Ark, backup: str, case: str, presign: bool) -> None:
    kind, target, phase, words = REFUSALS[case]
    if phase:
        state(ark, "backups", backup, phase=phase)
    ask(ark, backup, kind, target or backup, presign=presign)
    page = attend(ark)
    status = ark.status("DownloadRequest", backup)
    assert status["phase"] == "Failed" and is_clear(status["message"], *words) and "downloadURL" not in status
    assert f"downloadrequest/{backup}: cannot be met" in page
    assert ark.api.get(f"/apis/batch/v1/namespaces/{ark.namespace}/jobs")["items"] == []


def test_a_target_that_does_not_exist_is_refused_by_the_api_server(ark: Ark, name: str) -> None:
    with pytest.raises(errors.Rejected, match='Unsupported value: "BackupSecrets"'):
        ask(ark, name, "BackupSecrets", "b")
    assert ark.get(ark.cr("DownloadRequest", name)) is None


def test_a_location_that_is_broken_is_told_in_the_status(ark: Ark, backup: str) -> None:
    ark.location("broken", credential={"name": "no-such-secret", "key": "cloud"})
    state(ark, "backups", backup, storageLocation="broken")
    ask(ark, backup, "BackupLog", backup, presign=True)
    attend(ark)
    assert is_clear(ark.status("DownloadRequest", backup)["message"], "no-such-secret", "does not exist")
    ark.remove(ark.cr("BackupStorageLocation", "broken"))


def test_what_has_had_its_time_is_removed_and_nothing_else(ark: Ark, backup: str) -> None:
    ask(ark, f"{backup}-old", "BackupLog", backup)
    ask(ark, f"{backup}-young", "BackupLog", backup)
    state(ark, "downloadrequests", f"{backup}-old", phase="Processed", expiration="2026-01-01T00:00:00Z")
    state(ark, "downloadrequests", f"{backup}-young", phase="Processed", expiration="2099-01-01T00:00:00Z")
    assert f"downloadrequest/{backup}-old: removed" in attend(ark)
    assert ark.get(ark.cr("DownloadRequest", f"{backup}-old")) is None
    assert ark.status("DownloadRequest", f"{backup}-young")["phase"] == "Processed"


def test_the_plugins_own_request_is_left_to_the_plugin(ark: Ark, backup: str) -> None:
    item = ark.cr("DownloadRequest", backup, target={"kind": "BackupLog", "name": backup})
    path = f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/downloadrequests"
    before = ark.api.create(path, item, params={"fieldManager": "kubectl-ark"})
    ark.adopt(item)
    attend(ark)
    assert ark.got(item) == before
