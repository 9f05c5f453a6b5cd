"""Volumes with snapshots, as a test uses them: claims, pods and snapshots as plain dicts, and what lies on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.cluster import csi
from tests.environment import Environment

Object = dict[str, Any]

SNAPSHOTS = "snapshot.storage.k8s.io"
SIZE = "16Mi"


class Csi:
    """The storage of tests/cluster/csi.py. Volumes and snapshots are directories; their handles are their names."""

    driver, snapshot_class = csi.DRIVER, csi.SNAPSHOT_CLASS
    storage_class, immediate = csi.STORAGE_CLASS, csi.IMMEDIATE

    def __init__(self, cluster: Environment, directory: Path) -> None:
        self._cluster, self._directory = cluster, directory

    def volume(self, handle: str) -> Path:
        """The directory with a volume's content; it is not there when the volume has been deleted."""
        return self._directory / "volumes" / handle / "data"

    def snapshot(self, handle: str) -> Path:
        """The directory with a snapshot's content; it is not there when the snapshot has been deleted."""
        return self._directory / "snapshots" / handle / "data"

    def handle_of_claim(self, namespace: str, name: str) -> str:
        """Handle of the volume of a claim that is bound."""
        claim = self._cluster.get("persistentvolumeclaim", name, "-n", namespace)
        volume = self._cluster.get("persistentvolume", claim["spec"]["volumeName"])
        return str(volume["spec"]["csi"]["volumeHandle"])

    def content_of(self, namespace: str, name: str) -> Object:
        """The VolumeSnapshotContent of a VolumeSnapshot, waited for until that is ready to use."""
        self._cluster.run("wait", "--for=jsonpath={.status.readyToUse}=true", f"volumesnapshots.{SNAPSHOTS}/{name}",
                          "-n", namespace, "--timeout=60s")
        snapshot = self._cluster.get(f"volumesnapshots.{SNAPSHOTS}", name, "-n", namespace)
        return self._cluster.get(f"volumesnapshotcontents.{SNAPSHOTS}",
                                 snapshot["status"]["boundVolumeSnapshotContentName"])


def claim(namespace: str, name: str, *, storage_class: str = csi.STORAGE_CLASS, size: str = SIZE,
          snapshot: str | None = None) -> Object:
    """A claim; snapshot: name of the VolumeSnapshot that its volume is made from."""
    spec: Object = {"storageClassName": storage_class, "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": size}}}
    if snapshot:
        spec["dataSource"] = {"apiGroup": SNAPSHOTS, "kind": "VolumeSnapshot", "name": snapshot}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": namespace},
            "spec": spec}


def pod(namespace: str, name: str, *, of: str) -> Object:
    """A pod that does nothing, with the claim ``of`` at /data."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": {
        "terminationGracePeriodSeconds": 1,
        "containers": [{"name": "main", "image": "localhost/busybox:1", "imagePullPolicy": "IfNotPresent",
                        "command": ["sleep", "86400"], "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": of}}]}}


def snapshot(namespace: str, name: str, *, of: str) -> Object:
    """A VolumeSnapshot to be taken of the claim ``of``."""
    return {"apiVersion": f"{SNAPSHOTS}/v1", "kind": "VolumeSnapshot",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"volumeSnapshotClassName": csi.SNAPSHOT_CLASS, "source": {"persistentVolumeClaimName": of}}}


def snapshot_by_handle(namespace: str, name: str, *, handle: str, policy: str = "Retain") -> list[Object]:
    """A VolumeSnapshot of what was taken before, and the VolumeSnapshotContent of that."""
    content = f"{namespace}-{name}"
    return [
        {"apiVersion": f"{SNAPSHOTS}/v1", "kind": "VolumeSnapshotContent", "metadata": {"name": content}, "spec": {
            "driver": csi.DRIVER, "deletionPolicy": policy, "source": {"snapshotHandle": handle},
            "volumeSnapshotRef": {"name": name, "namespace": namespace}}},
        {"apiVersion": f"{SNAPSHOTS}/v1", "kind": "VolumeSnapshot", "metadata": {"name": name, "namespace": namespace},
         "spec": {"source": {"volumeSnapshotContentName": content}}}]
