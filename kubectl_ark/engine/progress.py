"""How far a run is, and whether it is to go on."""

from __future__ import annotations

import threading
from typing import Protocol


class Progress:
    """Thread-safe counters that the heartbeat reads. Counting is cheap enough for every item."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = 0
        self._total = 0
        self._step = ""
        self._ended: BaseException | None = None
        self.over = threading.Event()
        """Set once the run is to stop, for those who wait for something else meanwhile."""

    def done(self, count: int = 1) -> None:
        """That many more items are finished."""
        with self._lock:
            self._done += count

    def total(self, count: int) -> None:
        """How many items there are, as far as is known now."""
        with self._lock:
            self._total = count

    def step(self, text: str) -> None:
        """What is being done now, a few words for a person: "listing deployments.apps"."""
        with self._lock:
            self._step = text

    def snapshot(self) -> tuple[int, int, str]:
        """(done, total, step); total is never less than done."""
        with self._lock:
            return self._done, max(self._total, self._done), self._step

    def end(self, reason: BaseException) -> None:
        """The run is to stop: the next ``checkpoint`` raises ``reason``. The first reason stays."""
        with self._lock:
            self._ended = self._ended or reason
        self.over.set()

    def checkpoint(self) -> None:
        """Raise what ``end`` was given (RunLost, Cancelled, Interrupted), if anything; call it between items."""
        if self._ended is not None:
            raise self._ended


class Checkpoint(Protocol):
    """What long work calls between its steps."""

    def __call__(self) -> None:
        """Raise RunLost, Cancelled or Interrupted if the run is to stop."""
