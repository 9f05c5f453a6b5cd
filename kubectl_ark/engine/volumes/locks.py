"""Locks of a restic repository: those whose holder is dead are removed, those of the living are waited for.

restic takes a lock for dead when it is half an hour old, or when it was made on this very host by a process that is no
more. Here the API server knows more: whether the pod that made it still runs.
"""

from __future__ import annotations

import dataclasses
import datetime
import logging
import time
from collections.abc import Callable, Sequence

from kubectl_ark.engine.progress import Checkpoint
from kubectl_ark.engine.volumes import restic
from kubectl_ark.engine.volumes.repository import OpenRepository
from kubectl_ark.engine.volumes.restic import Ended
from kubectl_ark.model import times

logger = logging.getLogger(__name__)

STALE = datetime.timedelta(minutes=30)
"""restic's own rule; whoever lives makes a lock anew every five minutes."""

RETRY = "20s"
"""So long restic itself waits for a lock, before it is asked anew who is alive."""


@dataclasses.dataclass(frozen=True)
class Lock:
    """host: of whoever made it. moment: when, by that host's clock."""

    key: str
    host: str
    moment: datetime.datetime
    exclusive: bool


IsDead = Callable[[Lock], bool]
"""Whether the holder of a lock is known to live no more; False also where nobody knows."""


class Locks:
    """The locks of one repository. is_dead: see there."""

    def __init__(self, repository: OpenRepository, is_dead: IsDead) -> None:
        self._repository, self._is_dead = repository, is_dead
        self._read: dict[str, Lock] = {}
        self.told: list[str] = []
        """A sentence about each lock that was removed."""

    def clear(self) -> None:
        """Remove those of dead holders. Raises StoreError, ApiError."""
        for key in list(self._repository.bucket.keys(f"{self._repository.directory}locks/")):
            lock = self._lock(key)
            if lock is None:
                continue
            old = times.now() - lock.moment > STALE
            if old or self._is_dead(lock):
                self._repository.bucket.delete(key)
                kind = "exclusive lock" if lock.exclusive else "lock"
                why = "is older than half an hour" if old else "is that of a pod that runs no more"
                moment = times.format_time(lock.moment)
                self.told.append(f"the {kind} of {lock.host} from {moment} is removed: it {why}")
                logger.info("%s: %s", self._repository.title, self.told[-1])

    def holding(self, arguments: Sequence[str], *, patience: float, checkpoint: Checkpoint,
                heed: Callable[[restic.Message], None] = lambda message: None,
                hear: Callable[[str], None] = lambda line: None) -> Ended:
        """Run restic once the locks of others let it: those of the dead are removed, the living are waited for.

        heed, hear: see ``restic.run``. patience: seconds; after them it ends with LOCKED. Raises what ``checkpoint``
        raises, StoreError, ApiError.
        """
        deadline = time.monotonic() + patience
        while True:
            self.clear()
            ended = self._repository.run([*arguments, "--retry-lock", RETRY], heed=heed, hear=hear)
            checkpoint()
            if ended.code != restic.LOCKED or time.monotonic() > deadline:
                return ended

    def _lock(self, key: str) -> Lock | None:
        """None for one that cannot be read: it went meanwhile, or is being written."""
        if key not in self._read:
            found = self._repository.document(["cat", "lock", key.rpartition("/")[2], "--no-lock"])
            try:
                self._read[key] = Lock(key, str(found["hostname"]), times.parse_nanoseconds(found["time"]),
                                       bool(found.get("exclusive")))
            except (TypeError, KeyError, ValueError):
                return None
        return self._read[key]
