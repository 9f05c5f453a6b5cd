"""From the tar's bytes to the bucket, beside the thread that makes them.

Three stages with bounded queues between them: the caller writes chunks, one thread compresses and hashes them as the
S3 client asks for the next part, the client's own threads send parts. Compressing, hashing and sending all release
Python's lock, so they cost the caller nothing but the second core.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import queue
import threading
from collections.abc import Callable
from typing import Any

from isal import isal_zlib

from kubectl_ark.engine.spool import GZIP
from kubectl_ark.store.bucket import Bucket

WAITING_CHUNKS = 6

PIECE = 1024 * 1024
"""What the S3 client gets at a time, in bytes."""

LOOK_SECONDS = 0.5
"""How often the writing side looks whether the run is to stop, while the store is slow."""


@dataclasses.dataclass
class Uploaded:
    """What was stored. members: {"name", "offset"} of each gzip member, in order."""

    sha256: str = ""
    size: int = 0
    members: list[dict[str, Any]] = dataclasses.field(default_factory=list)


class Upload:
    """An ``archive.Sink`` that stores the tar under a key. Use as a context manager.

    Leaving it with an exception aborts the upload; leaving it normally waits until everything is stored and raises
    what the store said if it failed.
    """

    def __init__(self, bucket: Bucket, key: str, *, checkpoint: Callable[[], None]) -> None:
        self.result = Uploaded()
        self._bucket, self._key, self._checkpoint = bucket, key, checkpoint
        self._queue: queue.Queue[bytes | str | BaseException | None] = queue.Queue(WAITING_CHUNKS)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._store, name="upload", daemon=True)

    def __enter__(self) -> Upload:
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self._abort(error)
            return
        try:
            self._write(None)
            while self._thread.is_alive():
                self._checkpoint()
                self._thread.join(LOOK_SECONDS)
        except BaseException as reason:
            self._abort(reason)
            raise
        if self._failure is not None:
            raise self._failure

    def _abort(self, reason: BaseException) -> None:
        """The S3 client meets ``reason`` instead of more bytes and ends the upload; what waits is dropped."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._queue.get_nowait()
        with contextlib.suppress(_Stopped):
            self._put(reason)
        self._thread.join()

    def member(self, label: str) -> None:
        """What follows is a new gzip member."""
        self._write(label)

    def write(self, chunk: bytes) -> None:
        """The next bytes of the tar. Raises what the store said if the upload has failed."""
        self._write(chunk)

    def _write(self, entry: bytes | str | None) -> None:
        try:
            self._put(entry, checkpoint=self._checkpoint)
        except _Stopped:
            assert self._failure is not None
            raise self._failure from None

    def _put(self, entry: bytes | str | BaseException | None, *, checkpoint: Callable[[], None] | None = None) -> None:
        while self._failure is None:
            try:
                self._queue.put(entry, timeout=LOOK_SECONDS)
                return
            except queue.Full:
                if checkpoint is not None:
                    checkpoint()
        raise _Stopped

    def _store(self) -> None:
        try:
            self._bucket.upload(self._key, _Compressing(self._queue, self.result))
        except BaseException as failure:
            self._failure = failure


class _Stopped(Exception):
    """The other end is gone."""


class _Compressing:
    """What the S3 client reads: the queue's chunks, compressed. It puts a part together itself, so that pieces are
    small: whole parts here would be a second copy of what is in memory there."""

    def __init__(self, source: queue.Queue[Any], result: Uploaded) -> None:
        self._source, self._result = source, result
        self._gzip: Any = None
        self._ready: list[bytes] = []
        self._size = 0
        self._ended = False
        self._digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        size = min(size, PIECE) if size >= 0 else PIECE
        while not self._ended and self._size < size:
            entry = self._source.get()
            if isinstance(entry, BaseException):
                raise entry
            if isinstance(entry, bytes):
                self._take(self._gzip.compress(entry))
                continue
            if self._gzip is not None:
                self._take(self._gzip.flush())
            if entry is None:
                self._ended = True
                self._result.sha256 = self._digest.hexdigest()
            else:
                self._gzip = isal_zlib.compressobj(level=1, wbits=GZIP)
                self._result.members.append({"name": entry, "offset": self._result.size})
        data = b"".join(self._ready)
        self._ready, self._size = ([data[size:]] if len(data) > size else []), max(0, len(data) - size)
        return data[:size]

    def _take(self, data: bytes) -> None:
        if data:
            self._ready.append(data)
            self._size += len(data)
            self._digest.update(data)
            self._result.size += len(data)
