"""The test cluster's own volumes with snapshots do what a storage does, by Kubernetes alone."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.ark import eventually
from tests.e2e.csi import SNAPSHOTS, Csi, claim, pod, snapshot, snapshot_by_handle
from tests.environment import Environment

pytestmark = pytest.mark.node

FIRST = "echo first > /data/file && ln /data/file /data/same && chown 1234:5678 /data/file && truncate -s 8M /data/hole"


@pytest.fixture
def namespaces(cluster: Environment) -> Iterator[tuple[str, str]]:
    """Two namespaces that are the test's own."""
    names = tuple(f"csi-{secrets.token_hex(3)}" for _ in range(2))
    cluster.apply(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names))
    yield names[0], names[1]
    cluster.run("delete", "namespace", *names, "--ignore-not-found", "--wait=false")


def in_pod(cluster: Environment, namespace: str, name: str, command: str) -> str:
    """What a shell in the pod prints, once the pod runs."""
    cluster.run("wait", "--for=condition=Ready", f"pod/{name}", "-n", namespace, "--timeout=60s")
    return cluster.run("exec", "-n", namespace, name, "--", "sh", "-c", command).stdout


def test_a_claim_from_a_snapshot_holds_what_was_there_when_it_was_taken(
        cluster: Environment, csi: Csi, namespaces: tuple[str, str]) -> None:
    place, _ = namespaces
    cluster.apply(claim(place, "data"), pod(place, "writer", of="data"))
    in_pod(cluster, place, "writer", FIRST)
    volume = csi.handle_of_claim(place, "data")
    os.setxattr(csi.volume(volume) / "file", "user.mark", b"kept")

    cluster.apply(snapshot(place, "monday", of="data"))
    taken = csi.content_of(place, "monday")["status"]["snapshotHandle"]
    in_pod(cluster, place, "writer", "echo more >> /data/file; touch /data/later")
    cluster.apply(claim(place, "back", snapshot="monday"), pod(place, "reader", of="back"))
    assert in_pod(cluster, place, "reader", "ls /data; cat /data/file") == "file\nhole\nsame\nfirst\n"

    returned = csi.volume(csi.handle_of_claim(place, "back"))
    file, hole = (returned / "file").stat(), (returned / "hole").stat()
    assert (file.st_uid, file.st_gid, file.st_ino) == (1234, 5678, (returned / "same").stat().st_ino)
    assert (hole.st_size, hole.st_blocks) == (8 << 20, 0)
    assert os.getxattr(returned / "file", "user.mark") == b"kept"

    cluster.run("delete", "pods", "--all", "-n", place)
    cluster.run("delete", f"volumesnapshots.{SNAPSHOTS}/monday", "persistentvolumeclaim/data",
                "persistentvolumeclaim/back", "-n", place)
    directories = (csi.volume(volume).parent, csi.snapshot(taken).parent, returned.parent)
    eventually(lambda: not any(each.exists() for each in directories), "the directories are gone")
    assert volume not in Path("/proc/self/mountinfo").read_text()


def test_a_snapshot_that_is_retained_outlives_its_namespace_and_comes_back_by_its_handle(
        cluster: Environment, csi: Csi, namespaces: tuple[str, str]) -> None:
    lost, other = namespaces
    cluster.apply(claim(lost, "data", storage_class=csi.immediate))
    cluster.run("wait", "--for=jsonpath={.status.phase}=Bound", "persistentvolumeclaim/data", "-n", lost,
                "--timeout=60s")
    (csi.volume(csi.handle_of_claim(lost, "data")) / "file").write_text("first\n")
    cluster.apply(snapshot(lost, "kept", of="data"), snapshot(lost, "gone", of="data"))
    contents = {name: csi.content_of(lost, name) for name in ("kept", "gone")}
    handles = {name: content["status"]["snapshotHandle"] for name, content in contents.items()}
    kept = contents["kept"]["metadata"]["name"]
    cluster.run("patch", f"volumesnapshotcontents.{SNAPSHOTS}", kept, "--type=merge", "-p",
                json.dumps({"spec": {"deletionPolicy": "Retain"}}))
    cluster.run("delete", "namespace", lost)
    eventually(lambda: not csi.snapshot(handles["gone"]).exists(), "the other snapshot is gone")
    cluster.run("delete", f"volumesnapshotcontents.{SNAPSHOTS}", kept)
    assert csi.snapshot(handles["kept"]).exists()

    cluster.apply(*snapshot_by_handle(other, "again", handle=handles["kept"], policy="Delete"))
    cluster.apply(claim(other, "data", snapshot="again"), pod(other, "reader", of="data"))
    assert in_pod(cluster, other, "reader", "cat /data/file") == "first\n"
    cluster.run("delete", f"volumesnapshots.{SNAPSHOTS}", "again", "-n", other)
    eventually(lambda: not csi.snapshot(handles["kept"]).exists(), "the snapshot is gone with its last object")
    assert in_pod(cluster, other, "reader", "cat /data/file") == "first\n"


def test_a_claim_too_small_for_its_snapshot_is_told_so(
        cluster: Environment, csi: Csi, namespaces: tuple[str, str]) -> None:
    place, _ = namespaces
    cluster.apply(claim(place, "data", storage_class=csi.immediate), snapshot(place, "large", of="data"))
    content = csi.content_of(place, "large")
    cluster.apply(claim(place, "small", storage_class=csi.immediate, snapshot="large", size="1Mi"))
    said = f"snapshot {content['status']['snapshotHandle']} needs 16777216 bytes, not 1048576"
    eventually(lambda: said in cluster.run("get", "events", "-n", place, "-o", "jsonpath={..message}").stdout,
               "an Event says so")
