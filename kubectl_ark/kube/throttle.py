"""How fast one run may ask the API server: spec.qps of a Backup or Restore.

A token bucket in front of every request of the run, retries too. The run's own status writes do not go through it: a
heartbeat that has to queue behind the work would look like a dead run.
"""

from __future__ import annotations

import threading
import time

from kubectl_ark import errors

DEFAULT_PARALLEL = 32
"""Where more parallel creates no longer made a one-node API server faster (tried)."""


class Throttle:
    """Thread-safe. qps: requests per second, more than 0. burst: requests that may go at once after a pause.

    By default the burst is what one second allows, at least 1 (client-go's is a setting of its own; Velero sets both
    alike).
    """

    def __init__(self, qps: float, *, burst: float | None = None) -> None:
        self._qps = qps
        self._burst = max(1.0, qps if burst is None else burst)
        self._lock = threading.Lock()
        self._tokens = self._burst
        self._filled = time.monotonic()

    def wait(self, stop: threading.Event) -> None:
        """Return when the next request may go. Raises Interrupted when ``stop`` is set meanwhile.

        Who comes first goes first: each takes its token at once, also one that is not there yet, and then waits until
        it would be.
        """
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._qps) - 1
            self._filled = now
            seconds = -self._tokens / self._qps
        if seconds > 0 and stop.wait(seconds):
            raise errors.Interrupted("stopped while waiting for its turn at the API server")
