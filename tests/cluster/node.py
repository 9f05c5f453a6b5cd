"""The one node: containerd, kubelet and kube-proxy, everything of theirs below one directory."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from . import cgroups, leftovers, node_files, probe
from .binaries import Binaries
from .controlplane import ControlPlane
from .errors import ClusterError
from .layout import Layout
from .network import NodeNetwork
from .processes import Daemon, run, wait_until


class Node:
    """A node of one cluster. It needs root."""

    def __init__(self, layout: Layout, *, binaries: Binaries) -> None:
        self._layout = layout
        self._binaries = binaries
        self._directory = layout.state / "node"
        self.network = NodeNetwork(layout)
        self.containerd = Daemon(layout.state, "containerd")
        self.kubelet = Daemon(layout.state, "kubelet")
        self.proxy = Daemon(layout.state, "kube-proxy")

    def exists(self) -> bool:
        """Whether there may be something of it to remove."""
        return self._directory.exists()

    @property
    def _socket(self) -> Path:
        return self._directory / "containerd.sock"

    def start_containerd(self) -> None:
        """Start containerd, ready to import images."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        node_files.write_containerd(self._directory, socket=self._socket, snapshotter=self._snapshotter(),
                                    layout=self._layout)
        cgroups.create(self._layout.interface)
        containerd = shutil.which("containerd") or "/usr/bin/containerd"
        # The network namespace is containerd's own: a pod with hostNetwork is in the node's network, not the machine's.
        self.containerd.start(self.network.inside(containerd, "--config", str(self._directory / "containerd.toml")))
        wait_until(lambda: self._ctr("version").returncode == 0, what="waiting for containerd", timeout_seconds=30,
                   daemon=self.containerd)

    def start(self, control_plane: ControlPlane) -> None:
        """Start kubelet and kube-proxy; returns at once, see `is_ready`."""
        authority, layout = control_plane.authority, self._layout
        authority.issue("kubelet", common_name=f"system:node:{layout.node_name}", organization="system:nodes")
        authority.issue("kube-proxy", common_name="system:kube-proxy")
        kubeconfigs = {name: authority.kubeconfig(name, server=control_plane.url) for name in ("kubelet", "kube-proxy")}
        configs = node_files.write_kubernetes(self._directory, socket=self._socket, layout=layout,
                                              client_ca=authority.certificate, kubeconfigs=kubeconfigs)
        self.kubelet.start(self.network.inside(
            str(self._binaries.path("kubelet")), f"--config={configs['kubelet']}",
            f"--kubeconfig={kubeconfigs['kubelet']}", f"--hostname-override={layout.node_name}",
            f"--node-ip={layout.node_address}", f"--root-dir={self._directory / 'kubelet'}",
            f"--cert-dir={self._directory / 'kubelet-pki'}"))
        self.proxy.start(self.network.inside(
            str(self._binaries.path("kube-proxy")), f"--config={configs['kube-proxy']}",
            f"--hostname-override={layout.node_name}"))

    def import_image(self, archive: Path, reference: str, *, log: Path) -> None:
        """Import an image archive unless an image of that name is there."""
        if reference in self.images():
            return
        run(self._ctr_command("images", "import", "--snapshotter", self._snapshotter(), str(archive)), log=log,
            what=f"importing {reference}")
        if reference not in self.images():
            raise ClusterError(f"{archive} holds no image {reference}", log=log)

    def images(self) -> "list[str]":
        """Names of the imported images."""
        return self._ctr("images", "list", "-q").stdout.split()

    def is_ready(self, kubeconfig: Path) -> bool:
        """Whether the Node object's condition Ready is True."""
        answer = subprocess.run(
            [str(self._binaries.path("kubectl")), f"--kubeconfig={kubeconfig}", "get", "node", self._layout.node_name,
             "-o", "json"], capture_output=True, check=False)
        if answer.returncode:
            return False
        conditions = json.loads(answer.stdout)["status"].get("conditions", [])
        return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)

    def remove(self) -> None:
        """Kill the three and their containers and remove what they left, also after a crash or a reboot."""
        self.proxy.kill()
        self.kubelet.kill()
        cgroups.remove(self._layout.interface)
        leftovers.kill_shims(self._socket)
        self.containerd.kill()
        leftovers.unmount_below(self._directory)
        leftovers.remove_shim_sockets(self._directory / "containerd-state")
        leftovers.remove_links_into(Path("/var/log/containers"), self._directory)
        leftovers.remove_network_results(node_files.network_name(self._layout))
        self.network.remove()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _snapshotter(self) -> str:
        return "overlayfs" if probe.has_overlay(self._directory) else "native"

    def _ctr_command(self, *arguments: str) -> "list[str]":
        return ["ctr", "--address", str(self._socket), "--namespace", "k8s.io", *arguments]

    def _ctr(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self._ctr_command(*arguments), capture_output=True, text=True, check=False)
