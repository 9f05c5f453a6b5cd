"""Items that were refused for the time being, tried again when everything else has been restored.

A webhook whose pods this very run brings back refuses what comes before them in the order; so does a quota whose usage
is not counted yet. Whether that is over cannot be watched, only tried.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from kubectl_ark.engine.progress import Progress
from kubectl_ark.engine.restore.transient import Again
from kubectl_ark.engine.runlog import RunLog

PATIENCE_SECONDS = 180.0
"""How long is gone on without a single success: the time that a Deployment's pods need to become ready."""

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0


class Retried(Protocol):
    """Who settles an item: a wave."""

    def anew(self) -> None:
        """A round of further tries begins."""

    def restore(self, position: int, *, last: bool = False) -> None:
        """Settle the item, or put it off again."""


class Deferred(NamedTuple):
    """One item. sentence: why it was refused; "" if it was not even tried."""

    wave: Retried
    position: int
    again: Again
    sentence: str = ""


class Later:
    """Thread-safe."""

    def __init__(self, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Deferred] = []
        self._patience = patience_seconds

    def add(self, deferred: Deferred) -> None:
        """Put an item off."""
        with self._lock:
            self._waiting.append(deferred)

    def run(self, log: RunLog, progress: Progress, *, pause: Callable[[float], None] = time.sleep) -> None:
        """Try what waits again and again, until all is settled or nothing has succeeded for the patience.

        The last round settles everything. Raises what the waves and the run's checkpoint raise.
        """
        deadline, seconds = time.monotonic() + self._patience, 0.0
        while waiting := self._take():
            if not seconds:
                reason = next((each.sentence for each in waiting if each.sentence), "")
                log.info(f"{len(waiting)} objects were refused and are tried again now that the others are there"
                         + (f"; the first: {reason}" if reason else ""))
            progress.step(f"trying {len(waiting)} refused objects again")
            patient = any(each.again is Again.PATIENTLY for each in waiting)
            last = time.monotonic() > deadline
            for wave in {id(each.wave): each.wave for each in waiting}.values():
                wave.anew()
            # First what was not even tried the last time, so that a few that are refused for ever block nothing.
            for deferred in sorted(waiting, key=lambda each: each.sentence != ""):
                progress.checkpoint()
                deferred.wave.restore(deferred.position, last=last or deferred.again is Again.ONCE)
            with self._lock:
                left = len(self._waiting)
            if left < len(waiting):
                deadline = time.monotonic() + self._patience
            seconds = min(2 * seconds or FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
            if left and patient and not last:
                pause(seconds)

    def _take(self) -> list[Deferred]:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        return waiting
