"""Snapshots of volumes, by a real CSI driver, snapshot-controller and csi-snapshotter."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.ark import Ark, eventually
from tests.e2e.bucket import Bucket
from tests.e2e.csi import SNAPSHOTS, Csi, claim, pod

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("csi")]

Object = dict[str, Any]
ABSENT = "absent.kubectl-ark.test"


class Shop:
    """One namespace with workloads whose volumes the CSI driver has."""

    def __init__(self, ark: Ark, csi: Csi, namespace: str) -> None:
        self.ark, self.csi, self.namespace, self.cluster = ark, csi, namespace, ark.cluster

    def make(self) -> None:
        """The namespace."""
        self.cluster.run("create", "namespace", self.namespace)

    def pod(self, name: str, *, storage_class: str = "", **annotations: str) -> None:
        """A pod with a claim ``<name>-data``, once it runs."""
        item = pod(self.namespace, name, of=f"{name}-data")
        item["metadata"]["annotations"] = annotations
        self.cluster.apply(claim(self.namespace, f"{name}-data", storage_class=storage_class or self.csi.storage_class),
                           item)
        self.ready(name)

    def ready(self, *names: str, timeout: str = "90s") -> None:
        """Until these pods are."""
        self.cluster.run("wait", "--for=condition=Ready", *(f"pod/{name}" for name in names), "-n", self.namespace,
                         f"--timeout={timeout}")

    def sh(self, name: str, command: str) -> str:
        """What a shell in a pod prints."""
        return self.cluster.run("exec", "-n", self.namespace, name, "--", "sh", "-c", command).stdout

    def bound(self, name: str) -> str:
        """The handle of a claim's volume, once it is bound."""
        self.cluster.run("wait", "--for=jsonpath={.status.phase}=Bound", f"persistentvolumeclaim/{name}", "-n",
                         self.namespace, "--timeout=60s")
        return self.csi.handle_of_claim(self.namespace, name)

    def lose(self) -> None:
        """The namespace goes with all that is in it."""
        self.cluster.run("delete", "namespace", self.namespace, "--ignore-not-found", "--timeout=120s")

    def backup(self, name: str, *flags: str, code: int = 0) -> str:
        """Back it up; what that said."""
        return self.ark("backup", name, "--include-namespaces", self.namespace, *flags, "--wait", code=code).all

    def restore(self, name: str, backup: str, *flags: str, code: int = 0) -> str:
        """Bring it back; what that said."""
        return self.ark("restore", name, "--from-backup", backup, *flags, "--wait", code=code).all


@pytest.fixture
def shop(ark: Ark, csi: Csi, name: str) -> Iterator[Shop]:
    """A namespace of the test's own."""
    shop = Shop(ark, csi, f"s-{name}")
    shop.make()
    yield shop
    shop.lose()


def infos(bucket: Bucket, backup: str) -> dict[str, Any]:
    """What volumeinfo says of each claim."""
    found = json.loads(gzip.decompress(bucket.read(f"backups/{backup}/{backup}-volumeinfo.json.gz")))
    return {each["pvcName"]: each for each in found}


def leftovers(ark: Ark, name: str) -> list[str]:
    """Objects of snapshots that a run of this name has left."""
    found: list[str] = []
    for kind in (f"volumesnapshots.{SNAPSHOTS}", f"volumesnapshotcontents.{SNAPSHOTS}"):
        for label in ("backup-name", "restore-name"):
            found += ark.cluster.run("get", kind, "-A", "-l", f"ark.heptio.com/{label}={name}", "-o",
                                     "name").stdout.split()
    return found


def test_a_lost_stateful_set_comes_back_as_it_was_when_its_snapshots_were_taken(
        ark: Ark, csi: Csi, shop: Shop, bucket: Bucket, name: str) -> None:
    template = pod(shop.namespace, "db", of="data")
    template["metadata"] = {"labels": {"app": "db"}}
    del template["spec"]["volumes"]
    volume = claim(shop.namespace, "data")
    volume["metadata"] = {"name": "data"}
    shop.cluster.apply({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": shop.namespace},
        "spec": {"replicas": 2, "serviceName": "db", "podManagementPolicy": "Parallel",
                 "selector": {"matchLabels": {"app": "db"}},
                 "template": {"metadata": template["metadata"], "spec": template["spec"]},
                 "volumeClaimTemplates": [volume]}})
    eventually(lambda: shop.cluster.run("get", "pods", "-n", shop.namespace, "-o", "name").stdout.count("db-") == 2,
               "both pods are there")
    shop.ready("db-0", "db-1")
    for each in ("db-0", "db-1"):
        shop.sh(each, f"echo first of {each} > /data/file")
    said = shop.backup(name)
    status = ark.status("backup", name)
    assert status["phase"] == "Completed" and not status.get("warnings"), ark.details("backup", name)
    assert (status["csiVolumeSnapshotsAttempted"], status["csiVolumeSnapshotsCompleted"]) == (2, 2), said
    assert leftovers(ark, name) == []
    found = infos(bucket, name)
    handles = [each["csiSnapshotInfo"]["snapshotHandle"] for each in found.values()]
    for info in found.values():
        assert (info["backupMethod"], info["result"], info["skipped"]) == ("CSISnapshot", "succeeded", False)
        assert info["csiSnapshotInfo"]["driver"] == csi.driver and info["csiSnapshotInfo"]["ReadyToUse"] is True
        assert info["csiSnapshotInfo"]["size"] == 16 << 20 and info["pvInfo"]["reclaimPolicy"] == "Delete"
        assert info["csiSnapshotInfo"]["snapshotClass"] == csi.snapshot_class
    for each in ("db-0", "db-1"):
        shop.sh(each, "echo later >> /data/file; touch /data/later")
    shop.lose()
    assert all(csi.snapshot(handle).exists() for handle in handles)
    said = shop.restore(f"{name}-r", name)
    assert ark.status("restore", f"{name}-r")["phase"] == "Completed", said
    shop.ready("db-0", "db-1")
    for each in ("db-0", "db-1"):
        assert shop.sh(each, "ls /data; cat /data/file") == f"file\nfirst of {each}\n"
    assert leftovers(ark, f"{name}-r") == [] and all(csi.snapshot(handle).exists() for handle in handles)
    told, first = ark.details("restore", f"{name}-r"), found["data-db-0"]["csiSnapshotInfo"]["snapshotHandle"]
    words = f"  {shop.namespace}/data-db-0:  CSISnapshot succeeded, snapshot {first} of {csi.driver}, 16.0 MiB"
    assert words in told, told


def test_a_snapshot_is_taken_between_the_hooks_of_its_pod(shop: Shop, name: str) -> None:
    shop.pod("db", **{
        "pre.hook.backup.ark.heptio.com/command": '["sh", "-c", "echo frozen > /data/state"]',
        "post.hook.backup.ark.heptio.com/command": '["sh", "-c", "echo thawed > /data/state"]'})
    shop.backup(name)
    assert shop.sh("db", "cat /data/state") == "thawed\n"
    copy = Shop(shop.ark, shop.csi, f"{shop.namespace}-copy")
    try:
        shop.restore(f"{name}-r", name, "--namespace-mappings", f"{shop.namespace}:{copy.namespace}")
        copy.ready("db")
        assert copy.sh("db", "cat /data/state") == "frozen\n"
        assert shop.sh("db", "cat /data/state") == "thawed\n"
    finally:
        copy.lose()


def test_deleting_a_backup_deletes_its_snapshots_and_nothing_else(
        ark: Ark, csi: Csi, shop: Shop, bucket: Bucket, name: str) -> None:
    shop.pod("db")
    handles = {}
    for backup in (name, f"{name}-kept"):
        shop.backup(backup)
        handles[backup] = infos(bucket, backup)["db-data"]["csiSnapshotInfo"]["snapshotHandle"]
    ark("delete", "backup", name, "--yes")
    said = ark("reconcile", "--wait").all
    assert not ark.exists("backups.ark.heptio.com", name) and bucket.keys(f"backups/{name}/") == [], said
    assert not csi.snapshot(handles[name]).exists() and csi.snapshot(handles[f"{name}-kept"]).exists()
    assert leftovers(ark, name) == []


def test_a_snapshot_that_its_driver_cannot_take_or_does_not_take_in_time_is_told_with_its_words(
        ark: Ark, csi: Csi, shop: Shop, bucket: Bucket, name: str) -> None:
    shop.pod("good")
    shop.pod("bad")
    handle = shop.bound("bad-data")
    moved = csi.volume(handle).parent.rename(csi.volume(handle).parent.with_name(f".{handle}.moved"))
    driver = f"{ABSENT}-{name}"
    shop.cluster.apply(
        {"apiVersion": f"{SNAPSHOTS}/v1", "kind": "VolumeSnapshotClass", "metadata": {"name": driver},
         "driver": driver, "deletionPolicy": "Delete"},
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"v-{name}"}, "spec": {
            "capacity": {"storage": "1Mi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": driver,
            "persistentVolumeReclaimPolicy": "Retain", "csi": {"driver": driver, "volumeHandle": "v"},
            "claimRef": {"namespace": shop.namespace, "name": "slow"}}},
        claim(shop.namespace, "slow", storage_class=driver, size="1Mi"))
    try:
        shop.bound("slow")
        said = shop.backup(name, "--csi-snapshot-timeout", "8s", code=3)
        told = ark.details("backup", name)
        assert f"persistentvolumeclaim {shop.namespace}/bad-data: its snapshot failed: " in told, said
        assert f"there is no {handle}" in told, told
        assert (f"persistentvolumeclaim {shop.namespace}/slow: its snapshot failed: it could not be used after 8 s: "
                f"nobody has said why; does the csi-snapshotter of driver {driver} run?") in told, told
        status = ark.status("backup", name)
        assert (status["csiVolumeSnapshotsAttempted"], status["csiVolumeSnapshotsCompleted"]) == (3, 1)
        found = infos(bucket, name)
        assert {key: each["result"] for key, each in found.items()} == {
            "good-data": "succeeded", "bad-data": "failed", "slow": "failed"}
        # Kubernetes lets go of a snapshot that failed once its controller has looked at it again.
        eventually(lambda: leftovers(ark, name) == [], "nothing is left", timeout=60, pause=1)
    finally:
        moved.rename(csi.volume(handle).parent)
        shop.cluster.run("delete", f"volumesnapshotclass.{SNAPSHOTS}/{driver}", f"persistentvolume/v-{name}",
                         "--wait=false")
    shop.lose()
    said = shop.restore(f"{name}-r", name, code=3)
    told = ark.details("restore", f"{name}-r")
    assert f"{shop.namespace}/bad-data\" was created, but its volume is new and empty" in told and handle in told, told
    shop.ready("good")


def test_the_class_comes_from_a_label_or_from_a_location_and_where_nothing_says_it_nothing_is_taken(
        ark: Ark, csi: Csi, shop: Shop, bucket: Bucket, name: str) -> None:
    def snapshot_class(title: str, **labels: str) -> Object:
        return {"apiVersion": f"{SNAPSHOTS}/v1", "kind": "VolumeSnapshotClass",
                "metadata": {"name": title, "labels": labels}, "driver": csi.driver, "deletionPolicy": "Retain"}

    shop.cluster.apply(claim(shop.namespace, "data", storage_class=csi.immediate))
    shop.bound("data")
    one, two = f"{name}-one", f"{name}-two"
    shop.cluster.apply(snapshot_class(one), snapshot_class(two), {
        "apiVersion": "ark.heptio.com/v1", "kind": "VolumeSnapshotLocation",
        "metadata": {"name": name, "namespace": ark.namespace},
        "spec": {"provider": "csi", "config": {f"csi-volumesnapshot-class_{csi.driver}": two}}})
    try:
        shop.backup(name)
        assert "has several snapshot classes" in ark.details("backup", name)
        assert infos(bucket, name)["data"]["skipped"] is True
        shop.backup(f"{name}-2", "--volume-snapshot-locations", name)
        assert infos(bucket, f"{name}-2")["data"]["csiSnapshotInfo"]["snapshotClass"] == two
        shop.cluster.apply(snapshot_class(one, **{"velero.io/csi-volumesnapshot-class": "true"}))
        shop.backup(f"{name}-3")
        info = infos(bucket, f"{name}-3")["data"]["csiSnapshotInfo"]
        assert info["snapshotClass"] == one and csi.snapshot(info["snapshotHandle"]).exists()
        assert leftovers(ark, f"{name}-2") == leftovers(ark, f"{name}-3") == []
        shop.backup(f"{name}-4", "--annotations", f"velero.io/csi-volumesnapshot-class_{csi.driver}={two}")
        assert infos(bucket, f"{name}-4")["data"]["csiSnapshotInfo"]["snapshotClass"] == two
        shop.backup(f"{name}-5", "--snapshot-volumes=false")
        assert infos(bucket, f"{name}-5")["data"]["skipped"] is True
    finally:
        shop.cluster.run("delete", f"volumesnapshotclasses.{SNAPSHOTS}", one, two)


def test_claims_that_no_pod_uses_static_and_retained_volumes_come_back_too(
        ark: Ark, csi: Csi, shop: Shop, bucket: Bucket, name: str) -> None:
    def write(title: str, text: str) -> None:
        (csi.volume(shop.bound(title)) / "file").write_text(text)

    shop.cluster.apply(*(claim(shop.namespace, each, storage_class=csi.immediate) for each in ("alone", "origin")))
    write("alone", "alone")
    write("origin", "static")
    # A volume that somebody made by hand, of a class that never was.
    origin = shop.cluster.get("persistentvolumeclaim", "origin", "-n", shop.namespace)["spec"]["volumeName"]
    handle = csi.handle_of_claim(shop.namespace, "origin")
    shop.cluster.run("patch", "persistentvolume", origin, "--type=merge", "-p",
                     json.dumps({"spec": {"persistentVolumeReclaimPolicy": "Retain"}}))
    shop.cluster.run("delete", "persistentvolumeclaim/origin", "-n", shop.namespace)
    shop.cluster.run("delete", f"persistentvolume/{origin}")
    manual = f"manual-{name}"
    shop.cluster.apply(
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"static-{name}"}, "spec": {
            "capacity": {"storage": "16Mi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": manual,
            "persistentVolumeReclaimPolicy": "Retain", "csi": {"driver": csi.driver, "volumeHandle": handle},
            "claimRef": {"namespace": shop.namespace, "name": "static"}}},
        claim(shop.namespace, "static", storage_class=manual))
    shop.bound("static")
    shop.backup(name, "--snapshot-volumes")
    assert {key: each["result"] for key, each in infos(bucket, name).items()} == {
        "alone": "succeeded", "static": "succeeded"}, ark.details("backup", name)
    write("alone", "later")

    copy = Shop(ark, csi, f"{shop.namespace}-copy")
    try:
        shop.restore(f"{name}-r", name, "--namespace-mappings", f"{shop.namespace}:{copy.namespace}", code=3)
        told = ark.details("restore", f"{name}-r")
        assert f"storage class {manual}, which it asks for, is not there, and driver {csi.driver} has several" in told
        assert (csi.volume(copy.bound("alone")) / "file").read_text() == "alone"
        copy.lose()
        shop.cluster.apply({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {manual: csi.immediate}, "metadata": {
                "name": name, "namespace": ark.namespace, "labels": {
                    "ark.heptio.com/plugin-config": "", "ark.heptio.com/change-storage-class": "RestoreItemAction"}}})
        shop.restore(f"{name}-r2", name, "--namespace-mappings", f"{shop.namespace}:{copy.namespace}")
        assert (csi.volume(copy.bound("static")) / "file").read_text() == "static"
        copy.lose()
        shop.restore(f"{name}-r3", name, "--namespace-mappings", f"{shop.namespace}:{copy.namespace}",
                     "--restore-volumes=false")
        assert "its volume is new and empty, as spec.restorePVs is false" in ark.details("restore", f"{name}-r3")
        assert not list(csi.volume(copy.bound("alone")).iterdir())
    finally:
        copy.lose()
        shop.cluster.run("delete", f"configmap/{name}", "-n", ark.namespace, "--ignore-not-found")
        shop.cluster.run("delete", f"persistentvolume/static-{name}", "--wait=false")
    for run in ("r", "r2", "r3"):
        assert leftovers(ark, f"{name}-{run}") == []
