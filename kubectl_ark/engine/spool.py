"""Gzipped documents: whole ones, and such as grow on disk while a run goes on, so that memory does not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import IO, Any

from isal import isal_zlib

GZIP = 31
"""zlib's window bits for a gzip member."""

_BATCH = 256 * 1024


class Spool:
    """A gzip member written to a file in pieces."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] = path.open("wb")
        self._gzip = isal_zlib.compressobj(level=1, wbits=GZIP)
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """The next uncompressed bytes."""
        self._waiting.append(data)
        self._size += len(data)
        if self._size >= _BATCH:
            self._flush()

    def close(self) -> bytes:
        """End it; the compressed bytes."""
        self._flush()
        self._file.write(self._gzip.flush())
        self._file.close()
        return self.path.read_bytes()

    def _flush(self) -> None:
        self._file.write(self._gzip.compress(b"".join(self._waiting)))
        self._waiting, self._size = [], 0


def compressed(document: bytes) -> bytes:
    """One gzip member."""
    gzip = isal_zlib.compressobj(level=1, wbits=GZIP)
    return bytes(gzip.compress(document) + gzip.flush())


def document(value: Any) -> bytes:
    """A value as Velero stores its side files: one JSON document and a newline, gzipped as one member."""
    return compressed(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def sha256(data: bytes) -> str:
    """In hex."""
    return hashlib.sha256(data).hexdigest()
