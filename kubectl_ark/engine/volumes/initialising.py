"""Making a restic repository exactly once, however many runs find at the same time that it is missing.

restic writes a key first and ``config`` last. Two at once leave two keys with different secrets, and a repository that
nobody can read. So whoever makes it claims that in the bucket first, by a put that only one can win. A claim is given
up by nobody but its holder; one that is still the newest after a while belongs to a dead holder, and the next number is
claimed. Whoever wins looks once more whether the repository is there by now.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Iterator

from kubectl_ark import errors
from kubectl_ark.engine.progress import Checkpoint
from kubectl_ark.engine.volumes import restic
from kubectl_ark.engine.volumes.repository import OpenRepository
from kubectl_ark.model import layout, times

INIT_SECONDS = 60.0
"""restic is ended if it takes longer."""

STALE_SECONDS = 180.0
"""A claim that has been seen for so long belongs to nobody any more: far longer than its holder may take."""

LOOK_SECONDS = 1.0

_BEFORE_CONFIG = ("keys/", "locks/")
"""All that a repository has before it has a config."""


def ensure(repository: OpenRepository, *, checkpoint: Checkpoint, stale_seconds: float = STALE_SECONDS) -> bool:
    """Initialise the repository unless it is there; whether it was made by this very call.

    Waits for others who make it just now. Raises StoreError, StoreUnusable, what ``checkpoint`` raises.
    """
    bucket, newest, since = repository.bucket, 0, time.monotonic()
    while not repository.exists():
        checkpoint()
        number = max(map(_number, bucket.keys(layout.initialisations(repository.directory))), default=0)
        if number != newest:
            newest, since = number, time.monotonic()
        if number and time.monotonic() - since < stale_seconds:
            time.sleep(min(LOOK_SECONDS, stale_seconds))
            continue
        claim = json.dumps({"holder": secrets.token_hex(8), "time": times.format_time(times.now())}).encode()
        mine = number + 1
        if bucket.put(layout.initialisation(repository.directory, mine), claim, only_if_absent=True):
            with _given_up(repository, mine):
                return _made(repository)
    return False


def _number(key: str) -> int:
    text = key.rpartition("/")[2].removesuffix(".json")
    return int(text) if text.isdigit() else 0


@contextlib.contextmanager
def _given_up(repository: OpenRepository, number: int) -> Iterator[None]:
    """This claim and those before it go in the end; one after it is another's."""
    try:
        yield
    finally:
        for key in list(repository.bucket.keys(layout.initialisations(repository.directory))):
            if _number(key) <= number:
                repository.bucket.delete(key)


def _made(repository: OpenRepository) -> bool:
    if repository.exists():
        return False
    _clear_half(repository)
    late = threading.Event()
    timer = threading.Timer(INIT_SECONDS, late.set)
    timer.daemon = True
    timer.start()
    try:
        ended = repository.run(["init"], stop=late)
    finally:
        timer.cancel()
    if ended.code != restic.DONE:
        raise restic.failure(ended, f"initialising {repository.title}")
    return True


def _clear_half(repository: OpenRepository) -> None:
    """Remove the key that an initialisation which was killed has left; no data can be there that needs it."""
    found = list(repository.bucket.keys(repository.directory))
    foreign = [key for key in found if not key.removeprefix(repository.directory).startswith(_BEFORE_CONFIG)]
    if foreign:
        raise errors.StoreUnusable(
            f"{repository.title} has lost its config, but holds data ({foreign[0].rpartition('/')[2][:16]} and others)",
            hint=f"bring {repository.directory}config back from a copy of the bucket, or move what is under "
                 f"{repository.directory} away")
    for key in found:
        repository.bucket.delete(key)
