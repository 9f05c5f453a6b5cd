"""The log of one run: to the pod's output as it happens, to the bucket when it is over.

The lines have logrus' text form, as Velero writes and people grep them:
``time="…" level=info msg="…" backup=ns/name …``. Warnings and errors are counted into the run's Results.
"""

from __future__ import annotations

import gzip
import json
import sys
import threading
from pathlib import Path
from typing import TextIO

from kubectl_ark.engine.results import Results
from kubectl_ark.model import times

MAX_LOG_BYTES = 256 * 1024 * 1024
"""What the spooled log may hold before compression; a run that says more is told so in its last line."""


class RunLog:
    """Thread-safe. subject: ("backup", "heptio-ark/nightly"). Lines are spooled, gzipped, in ``directory``."""

    def __init__(
        self, results: Results, *, subject: tuple[str, str], directory: Path, echo: TextIO | None = None,
    ) -> None:
        self.results = results
        self.path = directory / "log.gz"
        self._subject = f" {subject[0]}={subject[1]}"
        self._file = gzip.open(self.path, "wt", compresslevel=1, encoding="utf-8")
        self._echo = echo or sys.stdout
        self._lock = threading.Lock()
        self._bytes = 0

    def info(self, message: str, **fields: str) -> None:
        """Something worth knowing. fields: resource=, name=, namespace=, error=, …"""
        self._line("info", message, fields)

    def warning(self, message: str, *, place: str | None = None, **fields: str) -> None:
        """Something the user should look at; the run stays Completed. place: see Results.add."""
        self.results.add("warnings", message, place)
        self._line("warning", message, fields)

    def error(self, message: str, *, place: str | None = None, **fields: str) -> None:
        """Something that was not saved or not restored; the run becomes PartiallyFailed."""
        self.results.add("errors", message, place)
        self._line("error", message, fields)

    def close(self) -> bytes:
        """End the log; its gzipped bytes."""
        with self._lock:
            self._file.close()
        return self.path.read_bytes()

    def _line(self, level: str, message: str, fields: dict[str, str]) -> None:
        extra = "".join(f" {key}={_quoted(value)}" for key, value in sorted(fields.items()))
        line = (f'time="{times.format_time(times.now())}" level={level} '
                f"msg={json.dumps(message, ensure_ascii=False)}{self._subject}{extra}\n")
        with self._lock:
            self._echo.write(line)
            self._echo.flush()
            if self._file.closed or self._bytes > MAX_LOG_BYTES:
                return
            self._bytes += len(line)
            self._file.write(line if self._bytes <= MAX_LOG_BYTES else 'level=warning msg="the log is cut here"\n')


def _quoted(value: str) -> str:
    plain = value and all(char.isalnum() or char in "-._/@^+:" for char in value)
    return value if plain else json.dumps(value, ensure_ascii=False)
