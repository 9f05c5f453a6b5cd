"""Waiting for what a test expects, and no longer than for that."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(is_so: Callable[[], T | None], what: str, *, timeout: float = 60, pause: float = 0.1) -> T:
    """What ``is_so`` returns once that is true; the test fails with ``what`` if it does not become so in seconds."""
    deadline = time.monotonic() + timeout
    while not (found := is_so()):
        assert time.monotonic() < deadline, f"not within {timeout:.0f} s: {what}"
        time.sleep(pause)
    return found
