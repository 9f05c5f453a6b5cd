"""What a node leaves behind when its processes are gone, found by our own paths and names only."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from .errors import ClusterError
from .processes import start_time


def kill_shims(containerd_socket: Path, timeout_seconds: float = 10) -> None:
    """Kill the containerd shims that belong to this very containerd: its socket is among their arguments."""
    deadline = time.monotonic() + timeout_seconds
    while shims := _shims(containerd_socket):
        if time.monotonic() > deadline:
            raise ClusterError(f"containerd shims {shims} survive SIGKILL")
        for pid in shims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)


def _shims(containerd_socket: Path) -> "list[int]":
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or start_time(int(entry.name)) is None:
            continue
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if arguments[0].endswith(b"containerd-shim-runc-v2") and str(containerd_socket).encode() in arguments:
            found.append(int(entry.name))
    return found


def unmount_below(directory: Path) -> None:
    """Unmount everything below a directory, the last mounted first."""
    for target in reversed(mounts_below(directory)):
        if subprocess.run(["umount", target], capture_output=True, check=False).returncode:
            # Busy for a moment after a kill: detach, it goes when its last user does.
            subprocess.run(["umount", "--lazy", target], capture_output=True, check=False)


def mounts_below(directory: Path) -> "list[str]":
    """Mount points below a directory in the order they were mounted."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        # Spaces and the like are written as octal escapes (proc(5)).
        target = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), line.split()[4])
        if target.startswith(f"{directory}/"):
            found.append(target)
    return found


def remove_shim_sockets(containerd_state: Path) -> None:
    """Remove the sockets below /run/containerd/s that killed shims leave; their paths are in the bundles."""
    for note in containerd_state.glob("io.containerd.runtime.v2.task/*/*/address"):
        address = note.read_text().strip().replace("unix://", "")
        if address.startswith("/run/containerd/s/"):
            Path(address).unlink(missing_ok=True)


def remove_links_into(links: Path, directory: Path) -> None:
    """Remove the symlinks in `links` that point below `directory` (the kubelet's /var/log/containers)."""
    if links.is_dir():
        for link in links.iterdir():
            if link.is_symlink() and os.readlink(link).startswith(f"{directory}/"):
                link.unlink(missing_ok=True)


def remove_network_results(network: str) -> None:
    """Remove what libcni remembers about containers of the network of that name, their loopback included."""
    results = Path("/var/lib/cni/results")
    for result in results.glob(f"{network}-*"):
        container = result.name[len(network) + 1:].partition("-")[0]
        (results / f"cni-loopback-{container}-lo").unlink(missing_ok=True)
        result.unlink(missing_ok=True)
