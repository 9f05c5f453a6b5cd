"""Warnings and errors of a run, sorted as Velero's results file sorts them (its pkg/util/results)."""

from __future__ import annotations

import threading
from typing import Any

RUN: None = None
"""Place of a message that concerns the run itself."""

CLUSTER = ""
"""Place of a message about a cluster-scoped object; any other text is a namespace."""


class Results:
    """Thread-safe. What is kept is bounded: after ``limit`` messages of one level only the count goes on."""

    def __init__(self, *, limit: int = 20_000) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._counts = {"warnings": 0, "errors": 0}
        self._messages: dict[str, dict[str, Any]] = {"warnings": {}, "errors": {}}

    @property
    def warnings(self) -> int:
        """How many warnings there were."""
        return self._counts["warnings"]

    @property
    def errors(self) -> int:
        """How many errors there were; any makes the run PartiallyFailed."""
        return self._counts["errors"]

    def add(self, level: str, message: str, place: str | None) -> None:
        """level: "warnings" or "errors". place: a namespace, CLUSTER or RUN."""
        with self._lock:
            self._counts[level] += 1
            if self._counts[level] > self._limit:
                return
            kept = self._messages[level]
            if place is None:
                kept.setdefault("velero", []).append(message)
            elif place == CLUSTER:
                kept.setdefault("cluster", []).append(message)
            else:
                kept.setdefault("namespaces", {}).setdefault(place, []).append(message)

    def document(self) -> dict[str, Any]:
        """The results file: {"errors": R, "warnings": R}."""
        with self._lock:
            result = {level: dict(self._messages[level]) for level in ("errors", "warnings")}
            for level, count in self._counts.items():
                if count > self._limit:
                    left = f"{count - self._limit} more are in the log only"
                    result[level]["velero"] = [*result[level].get("velero", []), left]
            return result
