"""How this process uses memory: what the pod's limit is made for."""

from __future__ import annotations

import ctypes
import gc

GC_THRESHOLD = 1_000_000

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""glibc's names for them, from its malloc.h."""

LARGE = 128 * 1024


def be_frugal() -> None:
    """Set up garbage collection and, where it is glibc's, the allocator. Call it before threads start."""
    # What is decoded from JSON has no cycles, yet the collector would walk through all of it again and again:
    # listing took 1.7 times as long with the default threshold. This one still bounds what real cycles can hold.
    gc.set_threshold(GC_THRESHOLD)
    # Each thread's own heap and each large block once given back stay with the process by default: a backup of
    # 100,000 objects took 15 MiB more than one of 20,000 that holds just as much at a time.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, LARGE), (_TRIM_THRESHOLD, LARGE)):
            mallopt(parameter, value)
