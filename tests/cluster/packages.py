"""Debian packages: installed when something of theirs is missing and this process may."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Iterable

from .errors import ClusterError
from .processes import run

CNI_PLUGINS = Path("/usr/lib/cni")

# What is looked for (a command, or a file) -> the Debian package that has it.
_API = {"openssl": "openssl"}
_NODE = {
    "ip": "iproute2", "nsenter": "util-linux", "iptables": "iptables", "conntrack": "conntrack", "socat": "socat",
    "ethtool": "ethtool", "mount": "mount", "containerd": "containerd", "ctr": "containerd", "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins", "buildah": "buildah", "mmdebstrap": "mmdebstrap",
    # mmdebstrap asks it whether the host's keys are good for another suite.
    "gpg": "gpg",
}
# Debian splits these from its Python: for the venv that Go may have to come in, and for the image's wheels.
_PYTHON = {"ensurepip": "python3-venv", "pip": "python3-pip"}


def _missing(wanted: "dict[str, str]", python: "dict[str, str]") -> "list[str]":
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    found = {name: Path(name).exists() if name.startswith("/") else shutil.which(name, path=path) for name in wanted}
    return sorted({package for name, package in wanted.items() if not found[name]}
                  | {package for module, package in python.items() if find_spec(module) is None})


def missing_packages(*, node: bool) -> "list[str]":
    """Names of the Debian packages that are still needed."""
    return _missing({**_API, **_NODE}, _PYTHON) if node else _missing(_API, {})


def install(names: Iterable[str], *, log: Path) -> None:
    """Install packages with apt. Raises ClusterError when this user may not, or there is no apt."""
    names = list(names)
    if not names:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ClusterError(f"missing: {' '.join(names)}; install these packages, or run this as root on Debian")
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], log=log, what="reading the package lists", env=environment)
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *names], log=log,
        what=f"installing {' '.join(names)}", env=environment)
