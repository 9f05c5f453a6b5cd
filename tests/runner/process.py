"""One process of the runner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Runner:
    """One process of the runner; its output is in a file."""

    def __init__(self, arguments: list[str], *, environment: dict[str, str], output: Path) -> None:
        self.output = output
        plain = {key: value for key, value in os.environ.items()
                 if not key.startswith(("AWS_", "ARK_", "KUBE")) and not key.lower().endswith("_proxy")}
        with output.open("wb") as file:
            self.process = subprocess.Popen([sys.executable, "-m", "kubectl_ark.runner", *arguments], cwd=ROOT,
                                            env={**plain, **environment}, stdout=file, stderr=file)
        self.peak_kib = 0
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def text(self) -> str:
        """Everything that it has said."""
        return self.output.read_text(errors="replace")

    def wait(self, timeout: float = 90) -> int:
        """Its exit code; a runner that does not end in time is killed, and the test fails with what it said."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the runner did not end within {timeout} s:\n{self.text}") from None

    def kill(self) -> None:
        """SIGKILL, as for a lost node or for want of memory."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGSTOP: it does nothing until ``go_on``."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM, as when a node is drained."""
        self.process.send_signal(signal.SIGTERM)

    def _watch(self) -> None:
        status = Path(f"/proc/{self.process.pid}/status")
        while self.process.poll() is None:
            try:
                lines = status.read_text().splitlines()
            except OSError:
                return
            self.peak_kib = max(self.peak_kib, *(int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
            time.sleep(0.1)
