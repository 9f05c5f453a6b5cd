"""The data of volumes, saved and brought back by Jobs of their own on the node, with real restic."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.ark import Ark
from tests.e2e.bucket import Bucket
from tests.e2e.stateful import Stateful, listing, several_files
from tests.environment import own

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("volumes")]

OPT_IN = {"backup.ark.heptio.com/backup-volumes": "data"}
PASSWORD = "the password of the tests' repositories"


@pytest.fixture(scope="module", autouse=True)
def password(ark: Ark) -> None:
    """The password of the repositories, as install makes it."""
    ark.cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {
        "name": "ark-repo-credentials", "namespace": ark.namespace}, "data": {
            "repository-password": base64.b64encode(PASSWORD.encode()).decode()}})


@pytest.fixture
def shop(ark: Ark, name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stateful]:
    """A namespace for workloads with volumes."""
    root = Path("/var/tmp") / own(f"ark-volumes-{name}")
    stateful = Stateful(ark.cluster, f"v-{name}", root)
    ark.cluster.run("create", "namespace", stateful.namespace)
    yield stateful
    stateful.lose()
    root.rmdir()


def volumes_of(ark: Ark, kind: str, run: str, uid: str) -> list[dict[str, Any]]:
    """The PodVolumeBackups or PodVolumeRestores of a run."""
    found = ark.api.get(f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/{kind}")["items"]
    return [each for each in found if each["metadata"]["ownerReferences"][0]["uid"] == uid]


def test_a_namespace_that_is_lost_with_its_disks_comes_back_with_every_file(
        ark: Ark, shop: Stateful, bucket: Bucket, name: str) -> None:
    directory = shop.pod("db", annotations=OPT_IN)
    several_files(directory)
    before = listing(directory)
    said = ark("backup", name, "--include-namespaces", shop.namespace, "--wait")
    backup = ark.get("backup", name)
    [saved] = volumes_of(ark, "podvolumebackups", name, backup["metadata"]["uid"])
    assert saved["status"]["phase"] == "Completed", saved["status"]
    assert len(saved["status"]["snapshotID"]) == 64 and saved["status"]["filesTotal"] >= 6
    assert saved["status"]["progress"]["bytesDone"] == saved["status"]["progress"]["totalBytes"] > 9 << 20
    assert backup["status"]["phase"] == "Completed" and not backup["status"].get("warnings"), said.all
    shop.lose()
    directory = shop.volume("db-data", "db-data")
    said = ark("restore", f"{name}-r", "--from-backup", name, "--wait")
    ark.cluster.run("wait", "--for=condition=Ready", "pod/db", "-n", shop.namespace, "--timeout=60s")
    assert listing(directory) == before
    restore = ark.get("restore", f"{name}-r")
    [back] = volumes_of(ark, "podvolumerestores", f"{name}-r", restore["metadata"]["uid"])
    assert back["status"]["phase"] == "Completed" and restore["status"]["phase"] == "Completed", said.all
