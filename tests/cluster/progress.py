"""Says on stderr what is being done, how far it is and how long it took."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import Iterator

# A step that takes minutes shows every half of one that it still lives.
_SIGN_OF_LIFE_SECONDS = 30


class Progress:
    """Numbered steps: `[3/9] starting the API server ... 2.1 s`."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._number = 0

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Announce a step; its time is printed when it ends. On a failure the line ends with FAILED."""
        self._number += 1
        _say(f"[{self._number}/{self._total}] {text} ...")
        started = time.monotonic()
        ended = threading.Event()

        def show_life() -> None:
            while not ended.wait(_SIGN_OF_LIFE_SECONDS):
                _say(f" {time.monotonic() - started:.0f} s ...")

        threading.Thread(target=show_life, daemon=True).start()
        try:
            yield
        except BaseException:
            _say(" FAILED\n")
            raise
        finally:
            ended.set()
        _say(f" {time.monotonic() - started:.1f} s\n")


def _say(text: str) -> None:
    print(text, end="", file=sys.stderr, flush=True)
