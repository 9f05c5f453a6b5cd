"""validate-location: what it says of a store. fetch: the bytes it brings."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kubectl_ark import errors
from tests.cluster.binaries import Binaries
from tests.cluster.storage import S3Server
from tests.harness import Ark, Store, eventually, is_clear
from tests.runner.conftest import Spare

pytestmark = pytest.mark.api


@pytest.fixture
def sound(spare_ark: Ark) -> Iterator[Ark]:
    """The Ark namespace, whose location and Secret are put right again afterwards."""
    yield spare_ark
    spare_ark.secret(spare_ark.store.credentials_file)
    spare_ark.location()


def test_a_sound_location_is_available_and_nothing_is_left_in_it(sound: Ark) -> None:
    assert sound.run("validate-location", "default") == 0
    status = sound.status("BackupStorageLocation", "default")
    assert status["phase"] == "Available" and status["lastValidationTime"]
    assert sound.keys() == []


FAULTS: dict[str, tuple[Callable[[Ark], Any], int, tuple[str, ...]]] = {
    "nothing listens there": (lambda ark: ark.location(url="http://127.0.0.1:9"), errors.RUNNER_RETRY,
                              ("Connection refused",)),
    "the bucket is missing": (lambda ark: ark.location(bucket="nosuch"), errors.RUNNER_STORAGE_UNUSABLE,
                              ("the bucket does not exist", "create it")),
    "the key id is wrong": (lambda ark: ark.secret(Store("", "WRONG", ark.store.secret_key).credentials_file),
                            errors.RUNNER_STORAGE_UNUSABLE, ("does not know the access key",)),
    "the secret is wrong": (lambda ark: ark.secret(Store("", ark.store.access_key, "WRONG").credentials_file),
                            errors.RUNNER_STORAGE_UNUSABLE, ("the secret key is wrong",)),
    "the Secret is garbage": (lambda ark: ark.secret("hunter2"), errors.RUNNER_STORAGE_UNUSABLE,
                              ("no usable credentials",)),
    "the Secret is missing": (lambda ark: ark.location(credential={"name": "nosuch", "key": "cloud"}),
                              errors.RUNNER_STORAGE_UNUSABLE, ("does not exist",)),
    "there is a foreign directory": (lambda ark: ark.write("photos/summer.jpg", b"x"), errors.RUNNER_STORAGE_UNUSABLE,
                                     ("photos", "a prefix of its own")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_location_is_unavailable_with_the_reason_when(fault: str, sound: Ark) -> None:
    make, code, words = FAULTS[fault]
    make(sound)
    runner = sound.start("validate-location", "default")
    assert runner.wait(60) == code, runner.text
    status = sound.status("BackupStorageLocation", "default")
    assert status["phase"] == "Unavailable" and is_clear(status["message"], *words)
    assert "hunter2" not in runner.text + str(status) and sound.store.secret_key not in runner.text
    if "photos/summer.jpg" in sound.keys():
        sound.store.client.remove_object(sound.store.bucket, f"{sound.prefix}/photos/summer.jpg")


def test_a_store_that_only_reads_is_unavailable_unless_the_location_is_meant_so(
        sound: Ark, spare: Spare, binaries: Binaries, tmp_path: Path) -> None:
    with S3Server(tmp_path, data=spare.s3.data, binaries=binaries, credentials=spare.s3.credentials,
                  read_only=True) as reading:
        sound.location(url=reading.url)
        assert sound.run("validate-location", "default") == errors.RUNNER_STORAGE_UNUSABLE
        assert is_clear(sound.status("BackupStorageLocation", "default")["message"], "may not")
        sound.location(url=reading.url, accessMode="ReadOnly")
        assert sound.run("validate-location", "default") == 0
        assert sound.status("BackupStorageLocation", "default")["phase"] == "Available"


def fetching(ark: Ark, key: str, directory: Path, **more: str) -> dict[str, Any]:
    """What a fetching pod is told."""
    credentials = directory / "credentials"
    credentials.write_text(ark.store.credentials_file)
    spec = ark.got(ark.cr("BackupStorageLocation", "default"))["spec"]
    return {"ARK_LOCATION": json.dumps(spec), "ARK_LOCATION_NAME": "default", "ARK_KEY": key,
            "ARK_CREDENTIALS_FILE": str(credentials), **more}


def test_fetch_brings_the_very_bytes_and_ends_when_they_are_taken(sound: Ark, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    sound.write("backups/b/b-logs.gz", content)
    output = tmp_path / "object"
    runner = sound.start("fetch", "--output", str(output), **fetching(sound, "backups/b/b-logs.gz", tmp_path))
    eventually(output.exists, "the object is there")
    assert output.read_bytes() == content
    said = json.loads(runner.text)
    assert said == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "checked": ""}
    assert json.loads(output.with_name("object.json").read_text()) == said
    output.unlink()
    began = time.monotonic()
    assert runner.wait(10) == 0 and time.monotonic() - began < 3


@pytest.mark.parametrize("owner", ["mine", "another"])
def test_fetch_brings_a_restores_file_only_if_it_is_of_the_restore_that_was_asked_for(
        sound: Ark, tmp_path: Path, owner: str) -> None:
    sound.write("restores/r/restore-r-logs.gz", b"log")
    sound.write("restores/r/ark-claim.json", json.dumps({"uid": owner, "clusterID": "c", "namespace": "n"}).encode())
    output = tmp_path / "object"
    runner = sound.start("fetch", "--output", str(output), **fetching(
        sound, "restores/r/restore-r-logs.gz", tmp_path, ARK_OWNER="mine"))
    if owner == "mine":
        eventually(output.exists, "the object is there")
        output.unlink()
    assert runner.wait(10) == (0 if owner == "mine" else errors.RUNNER_INVALID), runner.text
    assert ("restores/r/ belongs to another Restore of that name" in runner.text) is (owner != "mine")
    assert not output.exists()


VELEROS = Path(__file__).parents[1] / "fixtures/velero-1.18.1/backups/shop-velero-2"
ARCHIVE = "backups/shop-velero-2/shop-velero-2.tar.gz"


@pytest.mark.parametrize("cut", [0, 100])
def test_an_archive_without_manifest_is_fetched_only_if_gzip_and_tar_are_sound(
        sound: Ark, tmp_path: Path, cut: int) -> None:
    content = (VELEROS / "shop-velero-2.tar.gz").read_bytes()
    sound.write(ARCHIVE, content[:len(content) - cut])
    sound.write("backups/shop-velero-2/velero-backup.json", (VELEROS / "velero-backup.json").read_bytes())
    output = tmp_path / "object"
    runner = sound.start("fetch", "--output", str(output), **fetching(sound, ARCHIVE, tmp_path))
    if cut:
        assert runner.wait(30) == errors.RUNNER_INVALID and not output.exists()
        assert "Traceback" not in runner.text and ARCHIVE in runner.text
        return
    eventually(output.exists, "the object is there")
    assert json.loads(runner.text)["checked"] == "archive"
    output.unlink()
    assert runner.wait(10) == 0


def test_an_archive_that_is_not_what_its_backup_wrote_is_not_handed_out(
        sound: Ark, tmp_path: Path, name: str) -> None:
    sound.backup(name, includedNamespaces=["kube-public"], includedResources=["configmaps"])
    assert sound.run("backup", name) == 0
    key, output = f"backups/{name}/{name}.tar.gz", tmp_path / "object"
    sound.write(key, gzip.compress(b"sound gzip, but another"))
    runner = sound.start("fetch", "--output", str(output), **fetching(sound, key, tmp_path))
    assert runner.wait(30) == errors.RUNNER_INVALID and not output.exists()
    assert "is not what the backup wrote: its sha256 is" in runner.text and "Traceback" not in runner.text


def test_fetch_says_that_a_key_is_missing(sound: Ark, tmp_path: Path) -> None:
    output = tmp_path / "object"
    runner = sound.start("fetch", "--output", str(output), **fetching(sound, "backups/b/nosuch", tmp_path))
    assert runner.wait(30) == errors.RUNNER_INVALID
    assert "backups/b/nosuch: it is not there" in runner.text and "Traceback" not in runner.text
    assert not output.exists()


def test_fetch_without_credentials_says_so_soon(sound: Ark, tmp_path: Path) -> None:
    runner = sound.start("fetch", "--output", str(tmp_path / "object"), **fetching(
        sound, "backups/b/b-logs.gz", tmp_path, ARK_CREDENTIALS_FILE=str(tmp_path / "nosuch")))
    assert runner.wait(30) != 0
    assert "credentials" in runner.text and "Traceback" not in runner.text
