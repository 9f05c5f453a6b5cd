"""What goes on beside the listing: stages of pods whose volumes are being saved."""

from __future__ import annotations

import collections
import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

from kubectl_ark.engine.progress import Checkpoint

LOOK_SECONDS = 0.5


class Slots:
    """How many may be at it at once: in all and on one node."""

    def __init__(self, at_once: int, per_node: int) -> None:
        self._at_once, self._per_node = at_once, per_node
        self._turn = threading.Condition()
        self._taken: collections.Counter[str] = collections.Counter()

    def take(self, node: str, checkpoint: Checkpoint) -> None:
        """Wait for a slot. node: "" where it does not matter. Raises what ``checkpoint`` raises."""
        while True:
            checkpoint()
            with self._turn:
                if self._turn.wait_for(lambda: self._is_free(node), LOOK_SECONDS):
                    self._taken[node] += 1
                    return

    def give_back(self, node: str) -> None:
        """The slot is free again."""
        with self._turn:
            self._taken[node] -= 1
            self._turn.notify_all()

    @contextlib.contextmanager
    def taken(self, node: str, checkpoint: Checkpoint) -> Iterator[None]:
        """Hold a slot for as long as this lasts."""
        self.take(node, checkpoint)
        try:
            yield
        finally:
            self.give_back(node)

    def _is_free(self, node: str) -> bool:
        if self._taken.total() >= self._at_once:
            return False
        return not node or self._taken[node] < self._per_node


class Beside:
    """Work in threads of its own, of which the caller hears when it asks. at_once: threads."""

    def __init__(self, at_once: int) -> None:
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="volumes")
        self._under_way: set[Future[None]] = set()

    def begin(self, work: Callable[[], None]) -> None:
        """Have this done. Raises what work begun earlier has raised meanwhile."""
        self._collect(0)
        self._under_way.add(self._pool.submit(work))

    def finish(self, checkpoint: Checkpoint) -> None:
        """Wait for all of it. Raises what it raised, or ``checkpoint`` raises."""
        while self._under_way:
            checkpoint()
            self._collect(LOOK_SECONDS)

    def close(self) -> None:
        """Wait for what goes on, whatever comes of it; it is expected to end soon by itself."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _collect(self, seconds: float) -> None:
        done, self._under_way = wait(self._under_way, timeout=seconds)
        for each in done:
            each.result()
