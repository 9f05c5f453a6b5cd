"""Restores of what Heptio Ark 0.9 and 0.10 stored (ark-format §4): no metadata/version, no manifest, other keys."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.engine.restore import stored
from tests.harness import Ark, config_map, eventually, namespace
from tests.runner.stored import metadata, page

pytestmark = pytest.mark.api

DIRECTORIES = {"0.9": "{name}/", "0.10": "backups/{name}/"}


def store(ark: Ark, name: str, *, version: str, place: str) -> None:
    """Lay a backup of one ConfigMap and its namespace into the bucket, as that Ark did."""
    items = {"namespaces": [namespace(place)], "configmaps": [config_map(place, "c", k="v")]}
    files = {path: content for path, content in stored.files_of(items).items()
             if path.startswith("resources/") and "preferredversion" not in path}
    directory = DIRECTORIES[version].format(name=name)
    ark.write(f"{directory}{name}.tar.gz", gzip.compress(stored.tar_of(files)))
    ark.write(f"{directory}{name}-logs.gz", gzip.compress(f"log of {name}".encode()))
    ark.write(f"{directory}ark-backup.json", json.dumps(metadata(
        name, version="ark.heptio.com/v1", labels={"ark-schedule": "weekly"})).encode())


@pytest.mark.parametrize("version", DIRECTORIES)
@pytest.mark.parametrize("synced", [True, False])
def test_what_an_old_ark_stored_comes_back(ark: Ark, name: str, version: str, synced: bool) -> None:
    place = f"old-{name}"
    store(ark, name, version=version, place=place)
    if synced:
        page(ark, "sync")
        ark.adopt(ark.cr("Backup", name))
    ark.adopt(namespace(place))
    ark.restore(f"{name}-r", name)
    assert ark.run("restore", f"{name}-r") == 0
    status = ark.status("Restore", f"{name}-r")
    assert (status["phase"], status.get("errors", 0)) == ("Completed", 0), status
    found = ark.got(config_map(place, "c"))
    assert found["data"] == {"k": "v"} and found["metadata"]["labels"]["ark.heptio.com/backup-name"] == name
    assert f"restores/{name}-r/restore-{name}-r-logs.gz" in ark.keys()
    ark.remove(namespace(place))


@pytest.mark.parametrize("version", DIRECTORIES)
def test_an_old_arks_log_and_archive_are_fetched(ark: Ark, name: str, version: str) -> None:
    store(ark, name, version=version, place=f"old-{name}")
    page(ark, "sync")
    ark.adopt(ark.cr("Backup", name))
    spec = ark.got(ark.cr("BackupStorageLocation", "default"))["spec"]
    secret = ark.directory / "credentials"
    secret.write_text(ark.store.credentials_file)
    for key, end in ((f"{name}-logs.gz", ""), (f"{name}.tar.gz", "archive")):
        output = ark.directory / f"{name}-{version}-{key}"
        runner = ark.start("fetch", "--output", str(output), ARK_LOCATION=json.dumps(spec),
                           ARK_KEY=f"backups/{name}/{key}", ARK_CREDENTIALS_FILE=str(secret))
        eventually(lambda: output.exists() or runner.process.poll() is not None, "it is fetched")
        facts = json.loads(output.with_name(output.name + ".json").read_text())
        assert facts["checked"] == end and output.read_bytes() == ark.read(
            f"{DIRECTORIES[version].format(name=name)}{key}")
        output.unlink()
        assert runner.wait() == 0
    ark.make(ark.cr("DownloadRequest", name, target={"kind": "BackupLog", "name": name}, presign=True))
    page(ark, "downloads")
    assert ark.status("DownloadRequest", name)["phase"] == "Processed", ark.status("DownloadRequest", name)
