"""The runner's process in its pod, seen from the node, which is this machine.

``Stepped`` lets it run only for moments, so that a test finds it halfway every time and however fast it is.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from tests.e2e.ark import Ark, eventually

STEP_SECONDS = 0.03
"""Processor time that it gets between two looks, however busy the machine is: a few dozen objects' worth."""

IDLE_STEPS = 10
"""It may be waiting instead: so many times as long, by the clock, is a step too."""

START_SECONDS = 0.3
"""How long it may run freely at first: less than it takes Python to import what the runner needs."""


def processes_with(variable: str, value: str) -> list[int]:
    """pids of the processes on this machine, in containers too, that were started with this variable."""
    wanted, found = f"{variable}={value}".encode(), []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (directory / "environ").read_bytes().split(b"\0"):
                found.append(int(directory.name))
        except OSError:
            continue
    return found


class Stepped:
    """The process of a run's pod, stopped. A context manager: leaving it lets the process go on."""

    def __init__(self, ark: Ark, kind: str, name: str, *, pods_before: int = 0) -> None:
        if not ark.cluster.state.is_absolute():
            pytest.skip("the node is not this machine, its processes cannot be seen")
        eventually(lambda: ark.exists(f"{kind}s.ark.heptio.com", name), f"{kind} {name} is there", pause=0.05)
        pod: dict[str, Any] = eventually(lambda: ark.of_run("pods", kind, name)[pods_before:],
                                         f"{kind} {name} has a pod", pause=0.05)[0]
        self.pod = pod["metadata"]["name"]
        self.pid: int = eventually(lambda: _python(processes_with("ARK_POD_UID", pod["metadata"]["uid"])),
                                   f"pod {self.pod} has a process", pause=0.01)
        time.sleep(START_SECONDS)
        self.stop()

    def until(self, is_so: Callable[[], Any], what: str, *, timeout: float = 60) -> None:
        """Let it run in steps until this is so; it is stopped then."""
        deadline = time.monotonic() + timeout
        while not is_so():
            assert time.monotonic() < deadline, f"not within {timeout:.0f} s: {what}"
            self._step()

    def _step(self) -> None:
        used, began = _processor_seconds(self.pid), time.monotonic()
        self.resume()
        while (_processor_seconds(self.pid) < used + STEP_SECONDS
               and time.monotonic() < began + IDLE_STEPS * STEP_SECONDS):
            time.sleep(STEP_SECONDS / 10)
        self.stop()

    def stop(self) -> None:
        """Not a single instruction from here on."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run."""
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, as the kernel does it."""
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        os.kill(self.pid, number)

    def __enter__(self) -> Stepped:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        try:
            self.resume()
        except ProcessLookupError:
            pass


def _processor_seconds(pid: int) -> float:
    """What all threads of a process have used so far (proc(5), fields 14 and 15); for ever if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("inf")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _python(pids: list[int]) -> int | None:
    """The one that runs the runner; what the container's runtime starts before it has the same variables."""
    for pid in pids:
        try:
            if b"kubectl_ark.runner" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        except OSError:
            continue
    return None
