"""The control group below which the kubelet puts its pods: all that runs in a container of ours is in it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from .errors import ClusterError

_ROOT = Path("/sys/fs/cgroup")


def is_unified() -> bool:
    """Whether this machine has cgroup v2 only."""
    return (_ROOT / "cgroup.controllers").exists()


def _hierarchies() -> "list[Path]":
    if is_unified():
        return [_ROOT]
    # cpu and cpuacct may be links to one directory.
    return sorted({path.resolve() for path in _ROOT.iterdir() if (path / "cgroup.procs").exists()})


def create(name: str) -> None:
    """Make the group in every hierarchy. Raises ClusterError where that is refused."""
    try:
        for hierarchy in _hierarchies():
            group = hierarchy / name
            group.mkdir(exist_ok=True)
            if is_unified():
                for parent in (hierarchy, group):
                    available = (parent / "cgroup.controllers").read_text().split()
                    (parent / "cgroup.subtree_control").write_text(" ".join(f"+{item}" for item in available))
            elif (group / "cpuset.cpus").exists():
                # A fresh cpuset is empty, and nothing may join an empty one.
                for setting in ("cpuset.cpus", "cpuset.mems"):
                    (group / setting).write_text((hierarchy / setting).read_text())
    except OSError as error:
        raise ClusterError(f"cannot make control groups: {error}") from error


def _groups(name: str) -> "list[Path]":
    """The group and those below it, children first."""
    return [Path(directory) for hierarchy in _hierarchies() if (hierarchy / name).is_dir()
            for directory, _, _ in os.walk(hierarchy / name, topdown=False)]


def processes(name: str) -> "set[int]":
    """Process ids in the group and below."""
    found: "set[int]" = set()
    for group in _groups(name):
        try:
            found.update(int(line) for line in (group / "cgroup.procs").read_text().split())
        except OSError:
            continue
    return found


def remove(name: str, timeout_seconds: float = 10) -> None:
    """Kill what is in the group and remove it. Raises ClusterError when processes stay."""
    deadline = time.monotonic() + timeout_seconds
    while remaining := processes(name):
        if time.monotonic() > deadline:
            raise ClusterError(f"processes {sorted(remaining)} in control group {name} survive SIGKILL")
        for pid in remaining:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)
    for group in _groups(name):
        try:
            group.rmdir()
        except FileNotFoundError:
            pass
        except OSError as error:
            raise ClusterError(f"cannot remove control group {group}: {error}") from error
