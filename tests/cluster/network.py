"""A network namespace for the node, joined to the host by one pair of interfaces.

Everything that a node's networking leaves behind (the bridge of the pods, kube-proxy's iptables rules, connection
tracking, forwarding) is inside the namespace and goes with it; the host's own tables are not touched.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from .layout import Layout
from .processes import run


class NodeNetwork:
    """The node's network namespace; its name is that of the host's interface."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._log = layout.state / "logs" / "network.log"

    @property
    def _namespace(self) -> Path:
        return Path("/run/netns") / self._layout.interface

    def inside(self, *argv: str) -> "list[str]":
        """The command that runs `argv` in the namespace, with the host's mounts."""
        return ["nsenter", f"--net={self._namespace}", *argv]

    def exists(self) -> bool:
        """Whether namespace and link are there. A cluster that holds no number has none."""
        return self._layout.number is not None and all(path.exists() for path in self._parts())

    def is_begun(self) -> bool:
        """Whether one of them is there."""
        return any(path.exists() for path in self._parts())

    def create(self) -> None:
        """Make namespace, link, addresses and the host's routes to pods and services. Raises ClusterError."""
        layout, link = self._layout, self._layout.interface
        self._ip("netns", "add", link)
        self._ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", link)
        self._ip("address", "add", f"{layout.host_address}/{layout.link_prefix}", "dev", link)
        self._ip("link", "set", link, "up")
        for arguments in (("link", "set", "lo", "up"), ("link", "set", "eth0", "up"),
                          ("address", "add", f"{layout.node_address}/{layout.link_prefix}", "dev", "eth0"),
                          ("route", "add", "default", "via", layout.host_address)):
            self._ip("-n", link, *arguments)
        for subnet in (layout.pod_subnet, layout.service_subnet):
            self._ip("route", "add", subnet, "via", layout.node_address, "dev", link)
        run(self.inside("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"), log=self._log,
            what="switching on forwarding in the node's network namespace")

    def remove(self) -> None:
        """Remove namespace and link, and the host's routes with them; nothing to do is no error."""
        for arguments in (("link", "delete", self._layout.interface), ("netns", "delete", self._layout.interface)):
            subprocess.run(["ip", *arguments], capture_output=True, check=False)

    def _parts(self) -> "list[Path]":
        return [self._namespace, Path("/sys/class/net", self._layout.interface)]

    def _ip(self, *arguments: str) -> None:
        run(["ip", *arguments], log=self._log, what="setting up the node's network")
