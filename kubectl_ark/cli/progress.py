"""What --wait shows: one live line on a terminal, a line per change otherwise."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any, TextIO

from kubectl_ark.model import phases, times

_PLAIN_SECONDS = 10.0
"""Without a terminal, bare counting is repeated no more often."""


class Progress:
    """A ``report`` for launch.follow. Call ``close`` at the end: it leaves the cursor on a fresh line."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._begun = time.monotonic()
        self._shown, self._said_at, self._remark = "", 0.0, ""
        self._subject = ""

    def __call__(self, resource: dict[str, Any], remark: str) -> None:
        """Show where the run stands; ``remark`` is what it waits for, "" for nothing."""
        if phases.is_finished(resource):
            return
        if self._live:
            if remark and remark != self._remark:
                self.clear()
                self._stream.write(f"{remark}\n")
            self._live_line(resource)
        else:
            self._plain_line(resource, remark)
        self._remark = remark
        self._stream.flush()

    def clear(self) -> None:
        """Take the live line away."""
        if self._live and self._shown:
            self._stream.write("\r" + " " * len(self._shown) + "\r")
            self._shown = ""

    close = clear

    def interrupted(self) -> None:
        """Leave the line as it is: the terminal has put ^C behind it."""
        if self._live:
            self._stream.write("\n")
            self._shown = ""

    def _live_line(self, resource: dict[str, Any]) -> None:
        elapsed = times.human_duration(time.monotonic() - self._begun)
        line = f"{resource['metadata']['name']}: {summary(resource)} ({elapsed})"
        line = line[:shutil.get_terminal_size().columns - 1]
        self._stream.write("\r" + line.ljust(len(self._shown)))
        self._shown = line

    def _plain_line(self, resource: dict[str, Any], remark: str) -> None:
        status = resource.get("status") or {}
        subject = f"{status.get('phase')} {status.get('step')} {remark}"
        now = time.monotonic()
        line = f"{resource['metadata']['name']}: {remark or summary(resource)}"
        if line != self._shown and (subject != self._subject or now - self._said_at >= _PLAIN_SECONDS):
            self._stream.write(line + "\n")
            self._shown, self._said_at, self._subject = line, now, subject


def summary(resource: dict[str, Any]) -> str:
    """ "InProgress, uploading, 120 of 300 items"."""
    status = resource.get("status") or {}
    parts = [phases.phase_of(resource)]
    if status.get("step"):
        parts.append(status["step"])
    progress = status.get("progress") or {}
    done, total = items_done(resource), progress.get("totalItems")
    if done or total:
        parts.append(f"{done} of {total} items" if total else f"{done} items")
    return ", ".join(parts)


def items_done(resource: dict[str, Any]) -> int:
    """Items saved or restored so far."""
    progress = (resource.get("status") or {}).get("progress") or {}
    return int(progress.get("itemsBackedUp") or progress.get("itemsRestored") or 0)
