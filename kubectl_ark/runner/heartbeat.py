"""A run's sign of life: progress onto the CR, and the user's wish to cancel back from it."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType

from kubectl_ark import errors
from kubectl_ark.engine.progress import Progress
from kubectl_ark.model import times
from kubectl_ark.runner.run import Run

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 1.0
QUIET_SECONDS = 2.0
"""Without progress a beat comes as often: within it a cancel is seen, and a deleted CR too."""


class Heartbeat:
    """Writes at most once a second while the context lasts. count_field: "itemsBackedUp" or "itemsRestored"."""

    def __init__(self, run: Run, progress: Progress, *, count_field: str) -> None:
        self._run, self._progress, self._count_field = run, progress, count_field
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        last, written = None, time.monotonic()
        while not self._over.wait(INTERVAL_SECONDS):
            now = self._progress.snapshot()
            if now == last and time.monotonic() - written < QUIET_SECONDS:
                continue
            done, total, step = now
            try:
                self._run.update(progress={"totalItems": total, self._count_field: done}, step=step or None,
                                 heartbeatTimestamp=times.format_time(times.now()))
            except (errors.RunLost, errors.Interrupted) as reason:
                self._progress.end(reason)
                return
            except Exception as failure:  # a heart that stops without a word would look like a dead run
                logger.warning("progress could not be written: %s", failure)
            last, written = now, time.monotonic()
            if (wish := self._run.cancellation()) is not None:
                self._progress.end(wish)
                return
