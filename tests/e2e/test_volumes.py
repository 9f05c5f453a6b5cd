"""The data of volumes, saved and brought back by Jobs of their own on the node, with real restic."""

from __future__ import annotations

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
    short = saved["status"]["snapshotID"][:8]
    assert f"  {shop.namespace}/db-data:  PodVolumeRestore succeeded, restic snapshot {short}" in ark.details(
        "restore", f"{name}-r")


def test_a_claim_that_no_pod_uses_is_saved_if_that_is_asked_for(ark: Ark, shop: Stateful, name: str) -> None:
    directory = shop.claim("alone")
    (directory / "file").write_text("alone")
    said = ark("backup", f"{name}-without", "--include-namespaces", shop.namespace, "--default-volumes-to-restic",
               "--wait")
    assert "there are warnings" in said.err
    assert f"persistentvolumeclaim {shop.namespace}/alone: object only, data not saved" in ark.details(
        "backup", f"{name}-without")
    ark("backup", name, "--include-namespaces", shop.namespace, "--include-unmounted-claims", "--wait")
    told = ark.details("backup", name)
    assert f"  {shop.namespace}/alone, " in told and "PodVolumeBackup succeeded" in told
    assert "Velero, which looks for the pod, would bring it back empty" in told
    shop.lose()
    directory = shop.volume("alone", "alone")
    ark("restore", f"{name}-r", "--from-backup", name, "--wait")
    assert (directory / "file").read_text() == "alone"


def test_many_volumes_of_a_namespace_are_saved_at_once_and_come_back_under_another_name(
        ark: Ark, shop: Stateful, name: str) -> None:
    pods = [f"p{number}" for number in range(3)]
    for pod in pods:
        (shop.pod(pod, wait=False) / "file").write_text(pod)
    for pod in pods:
        ark.cluster.run("wait", "--for=condition=Ready", f"pod/{pod}", "-n", shop.namespace, "--timeout=60s")
    ark("backup", name, "--include-namespaces", shop.namespace, "--default-volumes-to-restic", "--wait")
    saved = volumes_of(ark, "podvolumebackups", name, ark.get("backup", name)["metadata"]["uid"])
    spans = sorted((each["status"]["startTimestamp"], each["status"]["completionTimestamp"]) for each in saved)
    assert len(spans) == 3 and spans[2][0] <= spans[0][1], "they overlap"
    copy = Stateful(ark.cluster, f"{shop.namespace}-copy", shop.root / "copy")
    try:
        directories = {pod: copy.volume(f"{pod}-data", f"{pod}-data") for pod in pods}
        said = ark("restore", f"{name}-r", "--from-backup", name, "--namespace-mappings",
                   f"{shop.namespace}:{copy.namespace}", "--wait")
        assert {pod: (directory / "file").read_text() for pod, directory in directories.items()} == {
            pod: pod for pod in pods}, said.all
    finally:
        copy.lose()


def test_what_a_backup_saved_of_volumes_is_seen_again_after_its_objects_are_lost(
        ark: Ark, shop: Stateful, name: str) -> None:
    (shop.pod("db", annotations=OPT_IN) / "file").write_text("x")
    ark("backup", name, "--include-namespaces", shop.namespace, "--wait")
    [before] = volumes_of(ark, "podvolumebackups", name, ark.get("backup", name)["metadata"]["uid"])
    ark.cluster.run("delete", f"backups.ark.heptio.com/{name}", "-n", ark.namespace)
    ark.cluster.run("wait", "--for=delete", f"podvolumebackups.ark.heptio.com/{before['metadata']['name']}", "-n",
                    ark.namespace, "--timeout=60s")
    ark("reconcile", "--wait")
    [after] = volumes_of(ark, "podvolumebackups", name, ark.get("backup", name)["metadata"]["uid"])
    assert after["status"]["snapshotID"] == before["status"]["snapshotID"] and after["status"]["phase"] == "Completed"
    assert after["metadata"]["name"] == before["metadata"]["name"]
    assert after["metadata"]["annotations"]["ark.heptio.com/pvc-name"] == "db-data"
