"""Workloads with data in volumes: directories of the node, so that a test can look into them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.environment import Environment

Object = dict[str, Any]
CLASS = "ark-test-manual"
"""A storage class that is not there: claims of it wait for a volume that is made by hand."""


class Stateful:
    """Pods of one namespace, each with a claim of its own bound to a directory below ``root``."""

    def __init__(self, cluster: Environment, namespace: str, root: Path) -> None:
        self.cluster, self.namespace, self.root = cluster, namespace, root

    def volume(self, name: str, claim: str, *, modes: tuple[str, ...] = ("ReadWriteOnce",)) -> Path:
        """Make a volume that is kept for a claim; its directory."""
        directory = self.root / name
        directory.mkdir(parents=True)
        self.cluster.apply({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": self.volume_name(name)},
            "spec": {"capacity": {"storage": "1Gi"}, "accessModes": list(modes), "storageClassName": CLASS,
                     "persistentVolumeReclaimPolicy": "Delete", "hostPath": {"path": str(directory)},
                     "claimRef": {"namespace": self.namespace, "name": claim}}})
        return directory

    def volume_name(self, name: str) -> str:
        """What the PersistentVolume is called: others have volumes too."""
        return f"{self.namespace}-{name}"

    def claim(self, name: str, *, modes: tuple[str, ...] = ("ReadWriteOnce",)) -> Path:
        """A claim that is bound to a volume of its own; its directory."""
        directory = self.volume(name, name, modes=modes)
        self.cluster.apply({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"accessModes": list(modes), "storageClassName": CLASS,
                     "resources": {"requests": {"storage": "1Gi"}}}})
        self.cluster.run("wait", "--for=jsonpath={.status.phase}=Bound", f"persistentvolumeclaim/{name}", "-n",
                         self.namespace, "--timeout=60s")
        return directory

    def pod(self, name: str, *, claim: str = "", annotations: dict[str, str] | None = None, user: int = 0,
            command: str = "while true; do sleep 0.2; done", modes: tuple[str, ...] = ("ReadWriteOnce",),
            resources: Object | None = None, wait: bool = True) -> Path:
        """A pod with a claim (called ``<name>-data`` if it is given no other) at /data; the claim's directory.

        user: who it runs as, and its group; 0 is root.
        """
        claim = claim or f"{name}-data"
        directory = self.root / claim
        if not directory.exists():
            self.claim(claim, modes=modes)
        self.cluster.apply(
            {"apiVersion": "v1", "kind": "Pod",
             "metadata": {"name": name, "namespace": self.namespace, "annotations": annotations or {},
                          "labels": {"app": name}},
             "spec": {"terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False,
                      "securityContext": {"runAsUser": user, "runAsGroup": user, "runAsNonRoot": bool(user),
                                          "seccompProfile": {"type": "RuntimeDefault"}},
                      "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
                      "containers": [{
                          "name": "main", "image": "localhost/busybox:1", "imagePullPolicy": "IfNotPresent",
                          "command": ["sh", "-c", command], "resources": resources or {},
                          "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                          "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]}})
        if wait:
            self.cluster.run("wait", "--for=condition=Ready", f"pod/{name}", "-n", self.namespace, "--timeout=60s")
        return directory

    def lose(self) -> None:
        """The namespace goes, and with it the volumes and what is in them."""
        self.cluster.run("delete", "namespace", self.namespace, "--ignore-not-found", "--timeout=120s")
        names = self.cluster.run("get", "persistentvolumes", "-o", "name").stdout.split()
        ours = [name for name in names if name.startswith(f"persistentvolume/{self.namespace}-")]
        if ours:
            self.cluster.run("delete", *ours, "--ignore-not-found", "--timeout=60s")
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True)


def several_files(root: Path) -> None:
    """Files of many kinds and owners."""
    (root / "a" / "deep").mkdir(parents=True)
    (root / "a" / "deep" / "random").write_bytes(os.urandom(1 << 20))
    (root / "a" / "text").write_text("words\n" * 100)
    (root / "ünï cödé 'quoted' \"so\"").write_text("odd name")
    (root / "private").write_text("for one alone")
    os.chmod(root / "private", 0o600)
    os.chown(root / "private", 1234, 4321)
    os.symlink("a/text", root / "link")
    os.link(root / "a" / "text", root / "twin")
    with (root / "sparse").open("wb") as file:
        file.truncate(8 << 20)
    os.setxattr(root / "a" / "text", "user.colour", b"blue")


def listing(root: Path) -> str:
    """Everything about every file below a directory: kind, mode, owner, size, time, links, hash, attributes."""
    lines = []
    for path in sorted([root, *root.rglob("*")]):
        status = path.lstat()
        name = path.relative_to(root)
        digest = ""
        if path.is_file() and not path.is_symlink():
            digest = subprocess.run(["sha256sum", "--", str(path)], capture_output=True, check=True,
                                    text=True).stdout.split()[0].lstrip("\\")
        attributes = {} if path.is_symlink() else {key: os.getxattr(path, key) for key in os.listxattr(path)
                                                   if key.startswith("user.")}
        size = 0 if path.is_dir() else status.st_size
        links = 1 if path.is_dir() else status.st_nlink
        time = 0 if path == root else status.st_mtime_ns // 1_000_000
        lines.append(f"{name} {status.st_mode:o} {status.st_uid}:{status.st_gid} {size} {links} {time} {digest} "
                     f"{attributes} {os.readlink(path) if path.is_symlink() else ''}")
    return "\n".join(lines)
