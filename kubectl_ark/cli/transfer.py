"""How far a download is: one live line on a terminal, a line every few seconds otherwise."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType
from typing import TextIO

LIVE_SECONDS, PLAIN_SECONDS = 0.2, 10.0
"""How often it is told at most."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class Transfer:
    """A ``report`` for launch.downloading. A context manager: leaving it takes the live line away."""

    def __init__(self, name: str, stream: TextIO | None = None) -> None:
        self._name = name
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._begun = time.monotonic()
        self._said_at = self._begun
        self._shown = ""

    def __enter__(self) -> Transfer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
                 ) -> None:
        if self._shown:
            self._stream.write("\r" + " " * len(self._shown) + "\r")
            self._stream.flush()

    def __call__(self, done: int, total: int) -> None:
        """done, total: bytes."""
        now = time.monotonic()
        if now - self._said_at < (LIVE_SECONDS if self._live else PLAIN_SECONDS):
            return
        self._said_at = now
        line = f"{self._name}: {summary(done, total, seconds=now - self._begun)}"
        if self._live:
            line = line[:shutil.get_terminal_size().columns - 1]
            self._stream.write("\r" + line.ljust(len(self._shown)))
            self._shown = line
        else:
            self._stream.write(line + "\n")
        self._stream.flush()


def summary(done: int, total: int, *, seconds: float) -> str:
    """ "1.5 MiB of 3.0 MiB, 50%, 512.0 KiB/s"."""
    share = 100 * done // total if total else 100
    return f"{size(done)} of {size(total)}, {share}%, {size(done / seconds if seconds > 0 else 0)}/s"


def size(count: float) -> str:
    """Bytes for people: "512 B", "1.5 MiB"."""
    for unit in _UNITS:
        if count < 1024 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == _UNITS[0] else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("the last unit takes everything")
