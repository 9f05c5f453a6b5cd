"""What a backup says of a store that cannot be used, and that it leaves nothing half-written there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kubectl_ark import errors
from tests.cluster.binaries import Binaries
from tests.cluster.storage import S3Server
from tests.harness import Ark, Store, config_map, is_clear
from tests.runner.conftest import Spare
from tests.runner.proxy import Proxy

pytestmark = pytest.mark.api

SOURCE = "ark-t-storage-data"


@pytest.fixture(scope="module", autouse=True)
def source(spare_ark: Ark) -> None:
    """A namespace of which a backup is several parts long."""
    spare_ark.make_namespace(SOURCE)
    spare_ark.make_all([config_map(SOURCE, f"big-{number}", size=800_000) for number in range(24)])


@pytest.fixture
def sound(spare_ark: Ark) -> Iterator[Ark]:
    """The Ark namespace, whose location and Secret are put right again afterwards."""
    yield spare_ark
    spare_ark.secret(spare_ark.store.credentials_file)
    spare_ark.location()


def job(ark: Ark, name: str, *, failed: int) -> dict[str, Any]:
    """A Job of which so many pods have failed; what the runner's pod is told about it."""
    container = {"name": "runner", "image": "none"}
    made = ark.make({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": ark.namespace},
        "spec": {"backoffLimit": 2, "suspend": True,
                 "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}})
    path = f"/apis/batch/v1/namespaces/{ark.namespace}/jobs/{name}"
    ark.api.patch_merge(path + "/status", {"status": {"failed": failed}})
    return {"ARK_JOB_UID": made["metadata"]["uid"], "ARK_JOB_NAME": name, "ARK_POD_UID": f"{name}-{failed}"}


@pytest.fixture
def interrupted(sound: Ark, spare: Spare, name: str) -> Iterator[Ark]:
    """The store has stopped in the middle of the upload of backup ``name``, whose first attempt is over."""
    sound.backup(name, includedNamespaces=[SOURCE])
    with Proxy(sound.store.url, hold_after=9_000_000) as proxy:
        sound.location(url=proxy.url)
        runner = sound.start("backup", name, **job(sound, name, failed=0))
        assert proxy.held.wait(60), runner.text
        spare.s3.stop()
        proxy.cut()
        proxy.release()
        assert runner.wait(60) == errors.RUNNER_RETRY, runner.text
        yield sound
    if not spare.s3.is_ready():
        spare.s3.start()


def test_a_store_that_stops_during_the_upload_is_tried_again_and_the_last_attempt_says_failed(
        interrupted: Ark, spare: Spare, name: str) -> None:
    status = interrupted.status("Backup", name)
    assert status["phase"] == "InProgress"
    assert is_clear(status["step"], "attempt 1 failed: ", "uploading", "; trying again")
    last = interrupted.start("backup", name, **job(interrupted, name, failed=2))
    assert last.wait(60) == errors.RUNNER_RETRY, last.text
    status = interrupted.status("Backup", name)
    assert (status["phase"], status["claim"]["attempt"]) == ("Failed", 2)
    assert is_clear(status["failureReason"], 'storage location "default"')
    spare.s3.start()
    keys = interrupted.keys(f"backups/{name}/")
    assert not [key for key in keys if key.endswith((".tar.gz", "velero-backup.json"))]


def test_a_store_that_comes_back_is_used_by_the_next_attempt_which_clears_up(
        interrupted: Ark, spare: Spare, name: str) -> None:
    interrupted.location()
    spare.s3.start()
    assert interrupted.run("backup", name, **job(interrupted, name, failed=1)) == 0
    assert interrupted.status("Backup", name)["phase"] == "Completed"
    assert interrupted.uploads(f"backups/{name}/") == 0 and len(interrupted.items(name)) >= 24


Fault = Callable[[Ark], Any]
FAULTS: dict[str, tuple[Fault, int, str, tuple[str, ...]]] = {
    "nothing listens there": (
        lambda ark: ark.location(url="http://127.0.0.1:9"), errors.RUNNER_RETRY, "Failed",
        ("127.0.0.1:9", "Connection refused")),
    "the bucket is missing": (
        lambda ark: ark.location(bucket="nosuch"), errors.RUNNER_STORAGE_UNUSABLE, "Failed",
        ("the bucket does not exist", "/nosuch/")),
    "the key id is wrong": (
        lambda ark: ark.secret(Store("", "WRONG", ark.store.secret_key).credentials_file),
        errors.RUNNER_STORAGE_UNUSABLE, "Failed", ("does not know the access key",)),
    "the secret is wrong": (
        lambda ark: ark.secret(Store("", ark.store.access_key, "WRONG").credentials_file),
        errors.RUNNER_STORAGE_UNUSABLE, "Failed", ("the secret key is wrong",)),
    "the location is ReadOnly": (
        lambda ark: ark.location(accessMode="ReadOnly"), errors.RUNNER_INVALID, "FailedValidation",
        ('"default" is ReadOnly', '"kubectl ark location set default --access-mode ReadWrite" changes that')),
    "its Secret is missing": (
        lambda ark: ark.location(credential={"name": "nosuch", "key": "cloud"}), errors.RUNNER_STORAGE_UNUSABLE,
        "Failed", ("Secret ark-t-storage-faults/nosuch does not exist", "create it")),
    "the Secret lacks the key": (
        lambda ark: ark.location(credential={"name": "cloud-credentials", "key": "nosuch"}),
        errors.RUNNER_STORAGE_UNUSABLE, "Failed", ('has no key "nosuch"',)),
    "the Secret is garbage": (
        lambda ark: ark.secret("hunter2 hunter2"), errors.RUNNER_STORAGE_UNUSABLE, "Failed",
        ("no usable credentials", "AWS credentials file")),
    "it is not S3's port": (
        lambda ark: ark.location(url=ark.api._connection.host.replace("https", "http")), errors.RUNNER_RETRY, "Failed",
        ('storage location "default"',)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_store_that_cannot_be_used_is_told_in_one_sentence_when(fault: str, sound: Ark, name: str) -> None:
    make, code, phase, words = FAULTS[fault]
    make(sound)
    sound.backup(name, includedNamespaces=["default"])
    runner = sound.start("backup", name)
    assert runner.wait(60) == code, runner.text
    status = sound.status("Backup", name)
    assert status["phase"] == phase
    sentence = status["failureReason"] if phase == "Failed" else "; ".join(status["validationErrors"])
    assert is_clear(sentence, *words)
    for secret in (sound.store.secret_key, "hunter2"):
        assert secret not in runner.text + str(sound.got(sound.cr("Backup", name))["status"])
    assert "Traceback" not in runner.text
    assert sound.keys(f"backups/{name}/") == []


def test_a_location_that_does_not_exist_is_named(sound: Ark, name: str) -> None:
    sound.backup(name, storageLocation="nosuch")
    assert sound.run("backup", name) == errors.RUNNER_INVALID
    status = sound.status("Backup", name)
    assert status["phase"] == "FailedValidation"
    assert is_clear(status["validationErrors"][0], 'storage location "nosuch" does not exist', "get locations")


def test_without_any_credentials_a_run_says_so_soon(sound: Ark, name: str) -> None:
    sound.remove({"apiVersion": "v1", "kind": "Secret",
                  "metadata": {"name": "cloud-credentials", "namespace": sound.namespace}})
    sound.backup(name, includedNamespaces=["default"])
    began = time.monotonic()
    runner = sound.start("backup", name)
    assert runner.wait(60) != 0
    assert time.monotonic() - began < 30, runner.text
    status = sound.status("Backup", name)
    assert status["phase"] == "Failed"
    assert is_clear(status["failureReason"], 'storage location "default"', "credentials")


def test_a_store_that_only_reads_refuses_the_backup(
        sound: Ark, spare: Spare, binaries: Binaries, name: str, tmp_path: Any) -> None:
    with S3Server(tmp_path, data=spare.s3.data, binaries=binaries, credentials=spare.s3.credentials,
                  read_only=True) as reading:
        sound.location(url=reading.url)
        sound.backup(name, includedNamespaces=["default"])
        assert sound.run("backup", name) == errors.RUNNER_STORAGE_UNUSABLE
    status = sound.status("Backup", name)
    assert status["phase"] == "Failed" and is_clear(status["failureReason"], "ark-claim.json", "may not")
