"""Dynamic volumes with snapshots: a CSI driver over plain directories, snapshot-controller and csi-snapshotter.

Not part of every start: whoever needs it asks for it, and then it stays until the cluster goes.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Mapping, Optional

from . import kind
from .binaries import CSI, Binaries
from .controlplane import ControlPlane
from .errors import ClusterError
from .layout import Layout
from .processes import Daemon, wait_until

DRIVER = "csi.kubectl-ark.test"
STORAGE_CLASS = SNAPSHOT_CLASS = "ark-csi"
IMMEDIATE = "ark-csi-immediate"
DAEMONS = ("csi-driver", "csi-snapshotter", "snapshot-controller")

_CLIENT = "github.com/kubernetes-csi/external-snapshotter/client/v8"
_CRDS = tuple(f"{plural}.snapshot.storage.k8s.io"
              for plural in ("volumesnapshotclasses", "volumesnapshotcontents", "volumesnapshots"))
_USER = "csi"


def reason_against(layout: Layout, values: Mapping[str, str]) -> Optional[str]:
    """Why a cluster cannot have it, None if it can. values: its lines, see `environment`."""
    if values.get("ARK_TEST_STATE") != str(layout.state) or kind.is_up(layout):
        return "the cluster is not one of ours"
    return values.get("ARK_TEST_NODE_REASON") or None


class CsiStorage:
    """The storage of one node: `directory`/volumes/HANDLE/data and `directory`/snapshots/HANDLE/data."""

    def __init__(self, layout: Layout, *, binaries: Binaries) -> None:
        self.directory = layout.state / "csi"
        self._layout = layout
        self._binaries = binaries
        self._log = layout.state / "logs" / "csi.log"
        self._daemons = [Daemon(layout.state, name) for name in DAEMONS]

    def started(self) -> "list[Daemon]":
        """Its processes, none where nobody has asked for it."""
        return self._daemons if self.directory.exists() else []

    def is_up(self) -> bool:
        """Whether all its processes live."""
        return all(daemon.running() for daemon in self._daemons)

    def start(self, control_plane: ControlPlane) -> None:
        """Start all of it anew; returns when claims can be made and snapshots be taken. Raises ClusterError.

        The binaries must be there, and the node must be ready. Volumes and snapshots that are there stay.
        """
        # csi-snapshotter would end by itself some time after it has lost the driver.
        for daemon in self._daemons:
            daemon.kill()
        driver, snapshotter, controller = self._daemons
        authority = control_plane.authority
        authority.issue(_USER, common_name="csi", organization="system:masters")
        kubeconfig = authority.kubeconfig(_USER, server=control_plane.url)
        self.directory.mkdir(exist_ok=True, mode=0o700)
        self._run(driver, f"--name={DRIVER}", f"--node={self._layout.node_name}", f"--directory={self.directory}",
                  f"--socket={self._socket}", f"--kubeconfig={kubeconfig}",
                  f"--registration-socket={self._layout.state / 'node/kubelet/plugins_registry/csi.sock'}")
        self._apply_crds()
        self._kubectl("apply", "--server-side", "-f", "-", input=json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": _objects()}))
        wait_until(self._is_registered, what="waiting for the kubelet to take the CSI driver", timeout_seconds=30,
                   daemon=driver)
        # Last: that these two live says that all is there.
        common = (f"--kubeconfig={kubeconfig}", "--leader-election=false", "--kube-api-qps=100", "--kube-api-burst=200",
                  # Tests wait for every try.
                  "--retry-interval-start=250ms", "--retry-interval-max=5s")
        self._run(snapshotter, f"--csi-address={self._socket}", *common)
        self._run(controller, *common)

    @property
    def _socket(self) -> Path:
        return self.directory / "csi.sock"

    def _run(self, daemon: Daemon, *arguments: str) -> None:
        daemon.start([str(self._binaries.path(daemon.name)), *arguments])

    def _apply_crds(self) -> None:
        directory = self._binaries.sources(CSI, module=_CLIENT, log=self._log) / "config/crd"
        files = [directory / f"snapshot.storage.k8s.io_{name.partition('.')[0]}.yaml" for name in _CRDS]
        self._kubectl("apply", "--server-side", *(f"--filename={file}" for file in files))
        self._kubectl("wait", "--for=condition=Established", "--timeout=30s", *(f"crd/{name}" for name in _CRDS))

    def _is_registered(self) -> bool:
        node = json.loads(self._kubectl("get", "csinode", self._layout.node_name, "-o", "json"))
        return any(each["name"] == DRIVER for each in node["spec"]["drivers"] or [])

    def _kubectl(self, *arguments: str, input: Optional[str] = None) -> str:
        kubeconfig = self._layout.state / "pki" / f"{_USER}.kubeconfig"
        done = subprocess.run([str(self._binaries.path("kubectl")), f"--kubeconfig={kubeconfig}", *arguments],
                              input=input, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ClusterError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout


def _objects() -> "list[dict[str, Any]]":
    """What a user is given: the driver, two storage classes and a class of snapshots."""
    def storage_class(name: str, binding: str) -> "dict[str, Any]":
        return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
                "provisioner": DRIVER, "reclaimPolicy": "Delete", "volumeBindingMode": binding}

    return [
        {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": DRIVER},
         "spec": {"attachRequired": False, "podInfoOnMount": False, "fsGroupPolicy": "File",
                  "volumeLifecycleModes": ["Persistent"]}},
        storage_class(STORAGE_CLASS, "WaitForFirstConsumer"), storage_class(IMMEDIATE, "Immediate"),
        {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass",
         "metadata": {"name": SNAPSHOT_CLASS}, "driver": DRIVER, "deletionPolicy": "Delete"},
    ]
