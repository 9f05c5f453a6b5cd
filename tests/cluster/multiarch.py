"""The runner image for more than this machine's architecture, where the kernel can run the other's programs."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from .cluster import Cluster
from .images import host_architecture
from .locking import locked

_ARCHITECTURES = {"amd64": "qemu-x86_64", "arm64": "qemu-aarch64"}


def build(cluster: Cluster, *, every_architecture: bool) -> "list[Path]":
    """Build the image's archives; says on stderr which architecture it left out and why. Raises ClusterError."""
    archives = []
    with locked(cluster.layout.cache):
        cluster.install_packages()
        for architecture, emulator in _ARCHITECTURES.items():
            if architecture == host_architecture():
                archives.append(cluster.images.runner())
            elif every_architecture and _is_registered(emulator):
                archives.append(replace(cluster.images, architecture=architecture).runner())
            elif every_architecture:
                print(f"left out {architecture}: the kernel has no {emulator} enabled in binfmt_misc "
                      "(Debian: qemu-user-static, binfmt-support)", file=sys.stderr)
    return archives


def _is_registered(emulator: str) -> bool:
    """Whether binfmt_misc starts programs of the other architecture."""
    registration = Path("/proc/sys/fs/binfmt_misc") / emulator
    return registration.exists() and registration.read_text().startswith("enabled")
