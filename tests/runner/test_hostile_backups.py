"""Stored backups that are damaged, forged or Velero's: nothing is created of what cannot be trusted."""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Callable

import pytest

from kubectl_ark import errors
from kubectl_ark.model import layout
from tests.engine.restore import stored
from tests.harness import Ark, Object, is_clear, namespace

pytestmark = pytest.mark.api

Objects = dict[str, bytes]
Spoil = Callable[[str, Objects, Object], None]


def tar_named(path: str) -> Callable[[str, Objects, Object], None]:
    """An archive without checksums, which holds an entry of this name."""
    def spoil(name: str, objects: Objects, backup: Object) -> None:
        forged(name, objects, backup, gzip.compress(stored.tar_of({"metadata/version": b"1.1.0\n", path: b"{}"})))
    return spoil


def linked(name: str, objects: Objects, backup: Object) -> None:
    """An archive with a symbolic link."""
    info = tarfile.TarInfo(f"resources/configmaps/namespaces/{name}/c.json")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    forged(name, objects, backup, gzip.compress(stored.tar_with(info)))


def bomb(name: str, objects: Objects, backup: Object) -> None:
    """An archive whose one entry claims to be larger than any object."""
    content = b" " * (80 * 1024 * 1024)
    forged(name, objects, backup, gzip.compress(
        stored.tar_of({f"resources/configmaps/namespaces/{name}/c.json": content}), 9))


def forged(name: str, objects: Objects, backup: Object, archive: bytes) -> None:
    """Put another archive in, as somebody who can write the bucket would: the checksums are left out."""
    objects[layout.contents(name)] = archive
    backup["metadata"]["annotations"] = {}


def truncated(name: str, objects: Objects, backup: Object) -> None:
    """Half of the archive; Velero's have no checksums, so the gzip stream must tell."""
    forged(name, objects, backup, objects[layout.contents(name)][:200])


def flipped(name: str, objects: Objects, backup: Object) -> None:
    """One bit of the archive."""
    content = bytearray(objects[layout.contents(name)])
    content[len(content) // 2] ^= 1
    objects[layout.contents(name)] = bytes(content)


def other_manifest(name: str, objects: Objects, backup: Object) -> None:
    """A manifest that is not the one that velero-backup.json names."""
    objects[layout.manifest(name)] += b"x"


def without_archive(name: str, objects: Objects, backup: Object) -> None:
    """No archive at all."""
    del objects[layout.contents(name)]


SPOILT: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "leads out of it": (tar_named("resources/../../etc/passwd"), ("leads out of it",)),
    "is absolute": (tar_named("/etc/passwd"), ("leads out of it",)),
    "holds a link": (linked, ("a symbolic link",)),
    "is a bomb": (bomb, ("more than the",)),
    "is cut": (truncated, ("archive",)),
    "has a flipped bit": (flipped, ("is damaged", "use another backup")),
    "is not what its manifest says": (other_manifest, ("manifest.json.gz is not what the backup wrote",)),
    "is gone": (without_archive, ("has no archive",)),
}


@pytest.mark.parametrize("what", SPOILT)
def test_nothing_is_created_of_a_backup_whose_archive(what: str, ark: Ark, name: str) -> None:
    spoil, words = SPOILT[what]
    files = stored.files_of({"namespaces": [namespace(name)],
                             "configmaps": [stored.config_map(name, f"c-{each}", a="b") for each in range(20)]})
    bucket, backup = stored.backup_of(files, name=name)
    objects = dict(bucket.objects)
    spoil(name, objects, backup)
    ark.store_backup(backup, objects)
    ark.restore(name, name)
    runner = ark.start("restore", name)
    assert runner.wait(60) == errors.RUNNER_INVALID, runner.text
    status = ark.status("Restore", name)
    assert status["phase"] == "Failed" and is_clear(status["failureReason"], *words)
    assert "Traceback" not in runner.text
    assert ark.get(namespace(name)) is None, "something was created"
    assert runner.peak_kib < 192 * 1024


def record(**fields: object) -> bytes:
    """A velero-backup.json; NAME stands for the backup's name."""
    return json.dumps({"apiVersion": "velero.io/v1", "kind": "Backup", "metadata": {"name": "NAME"},
                       "status": {"phase": "Completed"}, **fields}).encode()


@pytest.mark.parametrize("text, words", [
    (b"not JSON", "is not JSON; use another backup"), (b"[]", "is not a Kubernetes object; use another backup"),
    (record(kind="Restore"), "is not a Backup but a velero.io/v1 Restore; use another backup"),
    (b'{"metadata": {"name": "NAME"}}', "has neither apiVersion nor kind; use another backup"),
    (record(metadata={"name": "other"}), 'of another backup, "other"; use another backup'),
    (record(metadata={"name": "NAME", "annotations": ["a"]}), 'metadata.annotations: ["a"] is not a mapping; use'),
    (record(status={"phase": ["Completed"]}), 'status.phase: ["Completed"] is not text; use another backup'),
    (record(status={"phase": "InProgress"}), "is InProgress, so it cannot be restored"),
])
def test_a_restore_is_refused_when_the_backups_own_record_is_no_good(
        text: bytes, words: str, ark: Ark, name: str) -> None:
    ark.write(layout.metadata(name), text.replace(b"NAME", name.encode()))
    ark.restore(name, name)
    assert ark.run("restore", name) == errors.RUNNER_INVALID
    status = ark.status("Restore", name)
    assert status["phase"] == "FailedValidation" and is_clear(
        status["validationErrors"][0], words, layout.metadata(name))
    assert len(status["validationErrors"]) == 1


def test_a_restore_of_a_backup_that_is_nowhere_says_where_it_looked(ark: Ark, name: str) -> None:
    ark.restore(name, "nosuch")
    assert ark.run("restore", name) == errors.RUNNER_INVALID
    assert is_clear(ark.status("Restore", name)["validationErrors"][0], '"nosuch" does not exist', ark.prefix)


def test_a_bucket_that_velero_wrote_is_restored_without_a_backup_object(spare_ark: Ark, name: str) -> None:
    ark = spare_ark
    for path in stored.VELERO.rglob("*"):
        if path.is_file():
            ark.write(str(path.relative_to(stored.VELERO)), path.read_bytes())
    ark.restore(name, stored.VELERO_BACKUP)
    runner = ark.start("restore", name)
    assert runner.wait(60) == 0, runner.text
    status = ark.status("Restore", name)
    assert status["phase"] in ("Completed", "PartiallyFailed") and status["progress"]["itemsRestored"] > 5, runner.text
    listed = json.loads(gzip.decompress(ark.read(layout.restore_resource_list(name))))
    assert any("(created)" in each for each in listed["v1/ConfigMap"]), listed
    assert ark.get(namespace("shop")) is not None
