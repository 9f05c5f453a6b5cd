"""One at a time in the cache: builds, starts and stops."""

from __future__ import annotations

import fcntl
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator


@contextmanager
def locked(cache: Path) -> Iterator[None]:
    """Nobody else builds, starts or stops anything in this cache meanwhile; waits for it, and says so.

    What a killed predecessor was building is removed.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another command that works in {cache} ...", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        for unfinished in (*cache.glob("bin/*.tmp"), *cache.glob("images/tmp*")):
            shutil.rmtree(unfinished)
        yield
