"""Up and down: everything in its order, said as it is done."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Optional, Sequence

from . import csi, environment, numbers, packages, restic
from .binaries import CSI, PARTS, Binaries
from .controllers import Controllers
from .controlplane import ControlPlane
from .images import BUSYBOX_IMAGE, Images
from .layout import PROJECT, Layout
from .locking import locked
from .node import Node
from .node_files import PAUSE_IMAGE
from .processes import Daemon, wait_until
from .progress import Progress
from .storage import S3Server, saved_credentials

_WITHOUT_NODE = ("kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd", "versitygw")
_NODE = ("kube-proxy", "kubelet", "containerd")
_STORED = ("s3", "s3-credentials")


class Cluster:
    """The cluster of one name. With `without_node`, a reason, it is API server, controllers and S3 only."""

    def __init__(self, layout: Layout, *, without_node: Optional[str] = None) -> None:
        self.layout = layout
        self.binaries = Binaries(layout.cache)
        self.without_node = without_node

    @classmethod
    def running(cls, layout: Layout) -> "Cluster":
        """The cluster that is up, for tests that stop parts of it. Raises ClusterError when there is none."""
        values = environment.load(layout)
        return cls(numbers.held(layout),
                   without_node=None if values["ARK_TEST_NODE"] == "1" else values["ARK_TEST_NODE_REASON"])

    @property
    def control_plane(self) -> ControlPlane:
        """etcd and API server."""
        layout = self.layout
        return ControlPlane(layout.state, binaries=self.binaries, address=self._address,
                            ports=(layout.port(0), layout.port(1), layout.port(2)),
                            service_subnet=layout.service_subnet, certificate_addresses=[layout.service_address],
                            advertised=not self.without_node)

    @property
    def storage(self) -> S3Server:
        """The S3 server."""
        state, (data, credentials) = self.layout.state, _STORED
        return S3Server(state, data=state / data, binaries=self.binaries, address=self._address,
                        port=self.layout.port(3), credentials=saved_credentials(state / credentials))

    @property
    def controllers(self) -> Controllers:
        """Controller-manager and scheduler."""
        return Controllers(self.layout.state, binaries=self.binaries, manager_port=self.layout.port(4),
                           scheduler_port=self.layout.port(5))

    @property
    def node(self) -> Node:
        """containerd, kubelet and kube-proxy."""
        return Node(self.layout, binaries=self.binaries)

    @property
    def csi(self) -> csi.CsiStorage:
        """Volumes with snapshots; not there until `start_csi`."""
        return csi.CsiStorage(self.layout, binaries=self.binaries)

    @property
    def images(self) -> Images:
        """The images that the node needs."""
        return Images(cache=self.layout.cache, project=PROJECT, log=self._log("images"))

    def is_up(self) -> bool:
        """Whether it came up whole, as what is asked for now, and every process still lives."""
        if not environment.file_of(self.layout).exists():
            return False
        if (environment.load(self.layout)["ARK_TEST_NODE"] == "1") == bool(self.without_node):
            return False
        return all(daemon.running() for daemon in self.daemons()) and (
            bool(self.without_node) or self.node.network.exists())

    def daemons(self) -> "list[Daemon]":
        """All its processes."""
        return [self._daemon(name) for name in (_WITHOUT_NODE if self.without_node else _WITHOUT_NODE + _NODE)]

    def up(self) -> "dict[str, str]":
        """Bring it up, or only the runner image up to date; returns the lines of `environment`. Raises ClusterError."""
        with locked(self.layout.cache):
            self.layout = numbers.chosen(self.layout)
            if self.is_up():
                if not self.without_node:
                    self._refresh_runner()
            else:
                self._start()
            return self._write_values()

    def lose(self) -> "dict[str, str]":
        """Lose the cluster and bring up another in its place: nothing is left but what the S3 server stores.

        Objects, pods, keys and certificates are gone without a farewell; the new one has the same addresses and an
        etcd as empty as on the first day. Returns the lines of `environment`. Raises ClusterError.
        """
        with locked(self.layout.cache):
            self.layout = numbers.chosen(self.layout)
            self._start(keeping=_STORED)
            return self._write_values()

    def start_csi(self) -> None:
        """Give the node that is up volumes with snapshots, if it has none yet. Raises ClusterError."""
        with locked(self.layout.cache):
            self.layout = numbers.held(self.layout)
            if self.csi.is_up():
                return
            progress = Progress(total=2)
            with progress.step(f"external-snapshotter {CSI.version} and a CSI driver" + (
                    "" if self.binaries.is_built(CSI) else f": building (about {CSI.first_time} the first time)")):
                self.binaries.build(CSI, log=self._log("build-csi"))
            with progress.step("CSI driver, csi-snapshotter and snapshot-controller"):
                self.csi.start(self.control_plane)

    def down(self) -> None:
        """Take it down, whatever state it is in, and remove its state; its number is free again."""
        with locked(self.layout.cache):
            self.layout = numbers.held(self.layout)
            self._remove()

    def install_packages(self) -> None:
        """Install what is missing of Debian's packages."""
        packages.install(packages.missing_packages(node=not self.without_node), log=self._log("packages"))

    def _start(self, *, keeping: Sequence[str] = ()) -> None:
        progress = Progress(total=3 + len(PARTS) + (0 if self.without_node else 3))
        with progress.step("cleaning up" if self.layout.state.exists() else "checking the machine"):
            self._remove(keeping=keeping)
            self.install_packages()
        for part in PARTS:
            with progress.step(f"{part.name} {part.version}" + (
                    "" if self.binaries.is_built(part) else f": building (about {part.first_time} the first time)")):
                self.binaries.build(part, log=self._log(f"build-{part.name}"))
        self.layout.state.mkdir(parents=True, mode=0o700, exist_ok=True)
        numbers.record(self.layout)
        if not self.without_node:
            with progress.step("busybox and runner image (about two minutes the first time)"):
                self.images.tools()
                self.images.runner()
            with progress.step(f"containerd in the network namespace {self.layout.interface}"):
                self.node.network.create()
                self.node.start_containerd()
        with ThreadPoolExecutor(max_workers=1) as pool:
            # Half a minute of disk where the machine is slow, while the API server wants the processor.
            images = None if self.without_node else pool.submit(self._import_images)
            plane = self.control_plane
            with progress.step(f"S3 server {self.storage.url}"):
                self.storage.create_bucket(environment.BUCKET)
                self.storage.start()
            with progress.step(f"etcd and API server {plane.url}"):
                plane.start()
                self.controllers.start(plane)
            if images is not None:
                with progress.step("kubelet, kube-proxy and images"):
                    self.node.start(plane)
                    images.result()
                    wait_until(lambda: self.node.is_ready(plane.kubeconfig), what="waiting for the node",
                               timeout_seconds=60, daemon=self.node.kubelet)

    def _refresh_runner(self) -> None:
        if self.images.runner_reference not in self.node.images():
            with Progress(total=1).step("the sources changed: runner image"):
                self._import_images()

    def _import_images(self) -> None:
        tools = self.images.tools()
        for reference, archive in ((PAUSE_IMAGE, tools), (BUSYBOX_IMAGE, tools),
                                   (self.images.runner_reference, self.images.runner())):
            self.node.import_image(archive, reference, log=self._log("images"))

    def _values(self) -> "dict[str, str]":
        return {
            "ARK_TEST_KUBECONFIG": str(self.control_plane.kubeconfig),
            "ARK_TEST_KUBECTL": str(self.binaries.path("kubectl")),
            "ARK_TEST_RESTIC": restic.on_path() or ("" if self.without_node else str(self.images.restic())),
            "ARK_TEST_S3_URL": self.storage.url,
            "ARK_TEST_S3_ACCESS_KEY": self.storage.credentials.access_key,
            "ARK_TEST_S3_SECRET_KEY": self.storage.credentials.secret_key,
            "ARK_TEST_S3_DIR": str(self.storage.data),
            "ARK_TEST_IMAGE": self.images.runner_reference,
            "ARK_TEST_NODE": "0" if self.without_node else "1",
            "ARK_TEST_NODE_REASON": self.without_node or "",
            "ARK_TEST_STATE": str(self.layout.state),
        }

    def _write_values(self) -> "dict[str, str]":
        values = self._values()
        environment.write(self.layout, values)
        return values

    def _remove(self, *, keeping: Sequence[str] = ()) -> None:
        environment.file_of(self.layout).unlink(missing_ok=True)
        for name in (*csi.DAEMONS, *_WITHOUT_NODE[:2]):
            self._daemon(name).kill()
        if os.geteuid() == 0 and (self.node.exists() or self.node.network.exists()):
            self.node.remove()
        # The API server before etcd, which it would wait for.
        for name in _WITHOUT_NODE[2:]:
            self._daemon(name).kill()
        state = self.layout.state
        for path in state.iterdir() if keeping and state.exists() else [state]:
            if path.name in keeping:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    @property
    def _address(self) -> str:
        """Where API server and S3 listen: where there are pods, they must reach them."""
        return "127.0.0.1" if self.without_node else self.layout.host_address

    def _daemon(self, name: str) -> Daemon:
        return Daemon(self.layout.state, name)

    def _log(self, name: str) -> Path:
        """Logs of what outlives the cluster: builds and packages."""
        return self.layout.cache / "logs" / f"{name}.log"
