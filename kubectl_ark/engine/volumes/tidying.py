"""The upkeep of a restic repository: data that no snapshot needs is removed, and what is left is checked."""

from __future__ import annotations

import re
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.progress import Checkpoint
from kubectl_ark.engine.volumes import restic
from kubectl_ark.engine.volumes.locks import Locks
from kubectl_ark.engine.volumes.repository import OpenRepository

MAX_UNUSED = "5%"
"""So much of the repository may be data that is not needed, before packs that are needed in part are written anew."""

MAX_SAID = 300

_REMOVED = re.compile(r"total prune: +\d+ blobs / (?P<size>.+)")
_REMAINING = re.compile(r"remaining: +\d+ blobs / (?P<size>.+)")


def prune(repository: OpenRepository, locks: Locks, *, patience: float, checkpoint: Checkpoint) -> str:
    """Remove the data that no snapshot needs; half a sentence about what came of it.

    patience: seconds that others who work on the repository are waited for. Raises StoreError, StoreUnusable.
    """
    lines: list[str] = []
    ended = locks.holding(["prune", "--max-unused", MAX_UNUSED], patience=patience, checkpoint=checkpoint,
                          hear=lines.append)
    if ended.code != restic.DONE:
        raise restic.failure(ended, f"pruning {repository.title}")
    sizes = [found["size"] for pattern in (_REMOVED, _REMAINING) for line in lines if (found := pattern.match(line))]
    return "{} removed, {} left".format(*sizes) if len(sizes) == 2 else "pruned"


def check(repository: OpenRepository, locks: Locks, *, subset: str, patience: float, checkpoint: Checkpoint) -> str:
    """Look whether the repository is sound; half a sentence about it.

    subset: how much of the data is read and compared with its checksums, "1%", "2/10" or "500M"; "" or "0" for none of
    it. Raises Damaged where it is not sound, StoreError, StoreUnusable.
    """
    found: list[str] = []
    counted: dict[str, Any] = {}

    def heed(message: restic.Message) -> None:
        if message.get("message_type") == "error":
            found.append(" ".join(str(message.get("message")).split()))
        elif message.get("message_type") == "summary":
            counted.update(message)

    reads = subset not in ("", "0")
    ended = locks.holding(["check", *(["--read-data-subset", subset] if reads else [])], patience=patience,
                          checkpoint=checkpoint, heed=heed)
    number = counted.get("num_errors") or 0
    if number:
        raise errors.Damaged(
            f"{repository.title} is damaged: {number} error{'s' if number > 1 else ''}: {' '.join(found)[:MAX_SAID]}",
            hint="copy what is under it, then repair it with restic, as its page on troubleshooting says")
    if ended.code != restic.DONE:
        raise restic.failure(ended, f"checking {repository.title}")
    return f"no errors, {subset} of the data was read" if reads else "no errors, none of the data was read"
