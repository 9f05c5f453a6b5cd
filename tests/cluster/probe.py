"""Whether containers can run on this machine, found out by trying what a container runtime does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Optional, Sequence

from . import cgroups
from .errors import ClusterError

_NAME = f"arkprobe{os.getpid() % 100000}"


def reason_against_containers(missing_packages: Sequence[str]) -> Optional[str]:
    """None when containers can run, else one line that says why not. Leaves nothing behind.

    `missing_packages` are those that will have to be installed first.
    """
    if sys.platform != "linux":
        return f"the system is {sys.platform}, not Linux"
    if os.geteuid() != 0:
        return "not root"
    if missing_packages and not shutil.which("apt-get"):
        return f"no apt-get to install {' '.join(missing_packages)}"
    return _namespaces() or _mounts() or _network() or _control_groups()


def has_overlay(directory: Path) -> bool:
    """Whether overlayfs can be mounted below a directory; inside a container it often cannot."""
    with tempfile.TemporaryDirectory(dir=directory, prefix="overlay") as place:
        for name in ("lower", "upper", "work", "merged"):
            Path(place, name).mkdir()
        options = f"lowerdir={place}/lower,upperdir={place}/upper,workdir={place}/work"
        merged = f"{place}/merged"
        if subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, merged],
                          capture_output=True, check=False).returncode:
            return False
        subprocess.run(["umount", merged], check=False)
        return True


def _refusal(*argv: str) -> Optional[str]:
    try:
        answer = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (answer.stderr.strip().splitlines() or ["refused"])[-1] if answer.returncode else None


def _namespaces() -> Optional[str]:
    refusal = _refusal("unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--mount-proc", "true")
    return f"namespaces are refused ({refusal})" if refusal else None


def _mounts() -> Optional[str]:
    with tempfile.TemporaryDirectory(prefix="arkprobe") as place:
        refusal = _refusal("mount", "-t", "tmpfs", "tmpfs", place)
        if refusal:
            return f"mounts are refused ({refusal})"
        subprocess.run(["umount", place], check=False)
    return None


def _network() -> Optional[str]:
    script = (f"ip netns add {_NAME} && ip link add {_NAME} type veth peer name eth0 netns {_NAME}"
              f" && ip -n {_NAME} link add br0 type bridge; code=$?"
              f"; ip link delete {_NAME} 2> /dev/null; ip netns delete {_NAME} 2> /dev/null; exit $code")
    refusal = _refusal("sh", "-c", script)
    return f"network interfaces are refused ({refusal})" if refusal else None


def _control_groups() -> Optional[str]:
    try:
        cgroups.create(_NAME)
    except ClusterError as error:
        return str(error)
    finally:
        # What could be made is removed, whether or not the rest was refused.
        cgroups.remove(_NAME)
    return None
