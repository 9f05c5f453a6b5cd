"""What was done to each item, on disk: Velero's restore resource list (ark-format.md §2.4)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import orjson

CREATED = "created"
UPDATED = "updated"
FAILED = "failed"

MAX_REASON = 400
"""Characters; the results have the whole sentence."""
SKIPPED = "skipped"


class HookCounts(NamedTuple):
    """status.hookStatus of a restore: exec hooks that were to run, and those of them that failed."""

    attempted: int = 0
    failed: int = 0


class Outcome:
    """Thread-safe. Each kind's lines go to a file of their own, so that only one kind is ever held in memory."""

    def __init__(self, workdir: Path) -> None:
        self.hooks = HookCounts()
        self.counts = {CREATED: 0, UPDATED: 0, FAILED: 0, SKIPPED: 0}
        self._directory = workdir
        self._numbers: dict[str, int] = {}
        self._current: tuple[str, BinaryIO] | None = None
        self._lock = threading.Lock()

    def record(self, key: str, title: str, action: str, *, reason: str = "") -> None:
        """key: "apps/v1/Deployment". title: "shop/web". reason: why it was left alone or failed; one line."""
        reason = " ".join(reason[:MAX_REASON].split())
        line = f"{title}({action}: {reason})\n" if reason else f"{title}({action})\n"
        with self._lock:
            self.counts[action] += 1
            self._file(key).write(line.encode())

    def resource_list(self) -> Iterator[bytes]:
        """The JSON document {key: sorted list of "<name>(<action>)"} in pieces, one kind at a time."""
        with self._lock:
            self._close()
        yield b"{"
        for index, key in enumerate(sorted(self._numbers)):
            lines = sorted(self._path(key).read_text().splitlines())
            yield (b"," if index else b"") + orjson.dumps(key) + b":" + orjson.dumps(lines)
        yield b"}\n"

    def _file(self, key: str) -> BinaryIO:
        if self._current is None or self._current[0] != key:
            self._close()
            self._numbers.setdefault(key, len(self._numbers))
            self._current = key, self._path(key).open("ab")
        return self._current[1]

    def _path(self, key: str) -> Path:
        return self._directory / f"outcome-{self._numbers[key]}"

    def _close(self) -> None:
        if self._current is not None:
            self._current[1].close()
            self._current = None
