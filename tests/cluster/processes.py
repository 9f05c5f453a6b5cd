"""Processes that outlive the command that starts them, and are never mistaken for anybody else's."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Callable, Mapping, Optional, Sequence

from .errors import ClusterError


def run(argv: Sequence[str], *, log: Path, what: str, env: Optional[Mapping[str, str]] = None,
        cwd: Optional[Path] = None) -> None:
    """Run a command to its end, output appended to `log`. Raises ClusterError saying that `what` failed."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        output.write(f"$ {shlex.join(argv)}\n")
        output.flush()
        try:
            code = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=cwd,
                                  env=None if env is None else {**os.environ, **env}).returncode
        except OSError as error:
            raise ClusterError(f"{what} failed: {error}", log=log) from error
    if code:
        raise ClusterError(f"{what} failed: {os.path.basename(argv[0])} ended with {code}", log=log)


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> Optional[str]:
    """Start time of a live process in clock ticks since boot (proc(5), field 22), None when it is gone or a zombie."""
    try:
        # The command name may hold spaces and brackets: count from the last closing one.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def _bind(address: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))


def port_is_free(address: str, port: int) -> bool:
    """Whether nobody listens on the port; address: "" for any of this machine's."""
    try:
        _bind(address, port)
    except OSError:
        return False
    return True


def require_free_port(address: str, port: int, use: str) -> None:
    """Raises ClusterError when another process listens on the port."""
    try:
        _bind(address, port)
    except OSError as error:
        raise ClusterError(f"{use} needs {address}:{port}, which another process has ({error.strerror}): "
                           "stop it, or choose other ports by another ARK_TEST_CLUSTER_NAME") from error


def wait_until(ready: Callable[[], bool], *, what: str, timeout_seconds: float,
               daemon: Optional["Daemon"] = None) -> None:
    """Poll until `ready`; gives up at once when `daemon` has died. Raises ClusterError with the daemon's log."""
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        if daemon is not None and not daemon.running():
            raise ClusterError(f"{what}: {daemon.name} ended by itself", log=daemon.log)
        if time.monotonic() > deadline:
            raise ClusterError(f"{what}: not within {timeout_seconds:.0f} s", log=daemon.log if daemon else None)
        time.sleep(0.1)


@dataclass(frozen=True)
class _Record:
    pid: int
    start_time: str
    boot_id: str
    argv: Sequence[str]
    env: Mapping[str, str]


class Daemon:
    """A background process with its record in `directory/pids` and its output in `directory/logs`.

    The record holds start time and boot beside the pid, so that a reused pid is never signalled, and the arguments, so
    that another process (a test) can start it again exactly as it was.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self.name = name
        self.log = directory / "logs" / f"{name}.log"
        self._record_file = directory / "pids" / f"{name}.json"

    def _record(self) -> Optional[_Record]:
        try:
            return _Record(**json.loads(self._record_file.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    @property
    def pid(self) -> Optional[int]:
        """The process's id, None when it does not run."""
        record = self._record()
        if record is None or record.boot_id != _boot_id() or start_time(record.pid) != record.start_time:
            return None
        return record.pid

    def running(self) -> bool:
        """Whether the very process that was started is alive."""
        return self.pid is not None

    def start(self, argv: Sequence[str], env: Optional[Mapping[str, str]] = None) -> None:
        """Start the process in a session of its own. It must not be running."""
        if self.running():
            raise ClusterError(f"{self.name} is running already")
        for directory in (self.log.parent, self._record_file.parent):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        # An ambient KUBECONFIG must lead no component anywhere.
        base = {key: value for key, value in os.environ.items() if key not in ("KUBECONFIG", "NOTIFY_SOCKET")}
        with self.log.open("a") as output:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                       env={**base, **(env or {})}, cwd="/", start_new_session=True)
        record = _Record(process.pid, start_time(process.pid) or "", _boot_id(), list(argv), dict(env or {}))
        descriptor = os.open(self._record_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(record), file)
        # The record owns the process, not this object: no warning about a running child when it is collected.
        process.returncode = 0

    def start_again(self) -> None:
        """Start with the arguments of the last start. Raises ClusterError when there was none."""
        record = self._record()
        if record is None:
            raise ClusterError(f"{self.name} has never been started")
        self.start(record.argv, record.env)

    def signal(self, number: int) -> None:
        """Send a signal if the process is alive."""
        pid = self.pid
        if pid is not None:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def _reap(self) -> None:
        """Collect the exit status where the process is a child of this one; a zombie counts as gone all the same."""
        record = self._record()
        if record is not None:
            try:
                os.waitpid(record.pid, os.WNOHANG)
            except ChildProcessError:
                pass

    def stop(self, timeout_seconds: float = 10) -> None:
        """SIGTERM, after the timeout SIGKILL; returns when it is gone. No error when it was not running."""
        if timeout_seconds > 0:
            self.signal(signal.SIGTERM)
            self._wait_until_gone(timeout_seconds)
        if self.running():
            self.signal(signal.SIGKILL)
            self._wait_until_gone(10)
        if self.running():
            raise ClusterError(f"{self.name} (pid {self.pid}) survives SIGKILL", log=self.log)
        self._reap()

    def _wait_until_gone(self, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        while self.running() and time.monotonic() < deadline:
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL; returns when it is gone. For processes whose state is thrown away."""
        self.stop(timeout_seconds=0)
