"""Where a cluster lives: directories, ports, addresses. Values only, nothing is touched."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Optional

from .errors import ClusterError

DEFAULT_NAME = "ark"
PROJECT = Path(__file__).resolve().parents[2]

# Below Linux' ephemeral ports (32768), away from 6443 and 2379, so that it may stand beside another cluster.
_FIRST_PORT = 26400
_PORTS_EACH = 10
_PORTS_USED = 6

NUMBERS = range(1, 16)
"""What clusters of other names than the default may have; that has 0. The service subnets allow no more."""


def cache_directory(environ: Mapping[str, str]) -> Path:
    """Everything that is built or fetched, outside the checkout: KUBECTL_ARK_CACHE, else the user's cache directory."""
    if environ.get("KUBECTL_ARK_CACHE"):
        return Path(environ["KUBECTL_ARK_CACHE"]).absolute()
    return Path(environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")).absolute() / "kubectl-ark"


@dataclass(frozen=True)
class Layout:
    """One cluster. Its number gives it ports, interface and subnets of its own, so that 16 can stand at once.

    number: 0 to 15; None for a cluster that holds none, as it is not up (see `numbers`).
    """

    name: str
    cache: Path
    number: Optional[int]

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Layout":
        """The cluster that ARK_TEST_CLUSTER_NAME names; without it `ark`, which is the only one to have its number yet.

        Raises ClusterError for an unusable name.
        """
        name = environ.get("ARK_TEST_CLUSTER_NAME") or DEFAULT_NAME
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,15}", name):
            raise ClusterError(f"ARK_TEST_CLUSTER_NAME={name!r}: use 1-16 of a-z, 0-9 and -, beginning with a letter")
        return cls(name=name, cache=cache_directory(environ), number=0 if name == DEFAULT_NAME else None)

    @property
    def index(self) -> int:
        """The number. Raises ClusterError for a cluster that holds none."""
        if self.number is None:
            raise ClusterError(f"cluster {self.name} holds no number, and so has no ports and no network: it is not up")
        return self.number

    @property
    def state(self) -> Path:
        """Everything of this cluster that `down` removes."""
        return self.cache / "run" / self.name

    @property
    def interface(self) -> str:
        """The host's end of the link to the node; also the name of network namespace and cgroup."""
        return f"ark{self.index}"

    @property
    def node_name(self) -> str:
        """Name of the Node object."""
        return f"{self.name}-node"

    @property
    def host_address(self) -> str:
        """The host as the node and its pods see it: API server and S3 listen here."""
        return f"10.213.{self.index}.1"

    @property
    def node_address(self) -> str:
        """The node's InternalIP."""
        return f"10.213.{self.index}.2"

    @property
    def link_prefix(self) -> int:
        """Prefix length of the link between host and node."""
        return 30

    @property
    def pod_subnet(self) -> str:
        """Addresses of pods."""
        return f"10.214.{self.index}.0/24"

    @property
    def service_subnet(self) -> str:
        """Addresses of services: 4094, as the tests create thousands of objects."""
        return f"10.215.{self.index * 16}.0/20"

    @property
    def service_address(self) -> str:
        """The API server's own service: the first address of the service subnet."""
        return f"10.215.{self.index * 16}.1"

    def port(self, offset: int) -> int:
        """0 API server, 1 etcd, 2 etcd peers, 3 S3, 4 controller-manager, 5 scheduler."""
        return _FIRST_PORT + _PORTS_EACH * self.index + offset

    @property
    def ports(self) -> "list[int]":
        """All of them."""
        return [self.port(offset) for offset in range(_PORTS_USED)]
