"""From a volume's Job to the run that started it: progress, result, and whether to go on."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import threading
import time
import urllib.parse
from typing import Any

from kubectl_ark import errors

REACH_SECONDS = 40.0
"""How long the run is tried to be reached: its pod may just be replaced. A minute is what a user has to wait for the
sentence that tells of a NetworkPolicy."""

CONNECT_SECONDS = 10.0
STOP = 410
"""The run's answer to a Job that is to stop."""


class Reports:
    """One Job's way to its run. address: "http://10.96.7.1:8473"."""

    def __init__(self, address: str, *, user: str, token: str) -> None:
        parts = urllib.parse.urlsplit(address)
        self._host, self._port = str(parts.hostname), parts.port or 80
        credentials = base64.b64encode(f"{user}:{token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}

    def reach(self, stop: threading.Event, *, patience: float = REACH_SECONDS) -> None:
        """Raise StoreUnusable unless the run can be connected to. Raises Interrupted once ``stop`` is set."""
        deadline = time.monotonic() + patience
        while True:
            try:
                with socket.create_connection((self._host, self._port), timeout=CONNECT_SECONDS):
                    return
            except OSError as fault:
                if time.monotonic() > deadline:
                    raise errors.StoreUnusable(
                        f"the run at {self._host}:{self._port}, which has the way to the bucket, cannot be reached: "
                        f"{fault}", hint="a NetworkPolicy may forbid it: allow egress from this namespace to the pods "
                        "of kubectl-ark's, or save this namespace without volumes") from fault
                if stop.wait(1.0):
                    raise errors.Interrupted("the pod is being stopped") from fault

    def send(self, report: dict[str, Any], *, tries: int = 1) -> bool:
        """Tell the run; False if it wants this Job to stop. A run that does not answer is no reason to."""
        for number in range(tries):
            if number:
                time.sleep(1.0)
            try:
                return self._posted(report) != STOP
            except (OSError, http.client.HTTPException):
                continue
        return True

    def _posted(self, report: dict[str, Any]) -> int:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_SECONDS)
        try:
            connection.request("POST", "/report", body=json.dumps(report), headers=self._headers)
            return connection.getresponse().status
        finally:
            connection.close()
