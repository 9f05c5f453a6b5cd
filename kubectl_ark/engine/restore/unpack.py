"""A stored gzip stream, of one or many members, as bounded plain bytes; any damage is one clear error."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Protocol

from isal import igzip_lib

from kubectl_ark import errors

STORED_CHUNK = 256 * 1024
PLAIN_CHUNK = 256 * 1024
"""Bytes that one step of decompression gives at most: what a compression bomb can make us hold."""

_ISAL_ERROR: type[Exception] = igzip_lib.error  # type: ignore[assignment]  # its stub lacks "type"


class Readable(Protocol):
    """A binary stream; ``read`` gives at most ``size`` bytes, b"" at the end."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""


class Gunzip:
    """Reads a gzip stream and hashes the stored bytes on the way.

    subject: how messages name the object, "the archive of backup b". limit: plain bytes that it may unpack to.
    Methods raise Damaged where the stream is cut, changed (CRC) or larger than ``limit``.
    """

    def __init__(self, stream: Readable, *, subject: str, limit: int) -> None:
        self.subject = subject
        self._stream = stream
        self._limit = limit
        self._digest = hashlib.sha256()
        self._decoder = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        self._stored = 0
        self._plain = 0
        self._piece = b""
        self._at = 0

    def read(self, size: int, /) -> bytes:
        """Exactly ``size`` bytes; fewer only at the end of the stream."""
        end = self._at + size
        if end <= len(self._piece):
            result = self._piece[self._at:end]
            self._at = end
            return result
        parts = [self._piece[self._at:]]
        missing = size - len(parts[0])
        while missing > 0:
            self._piece = self._next()
            self._at = min(missing, len(self._piece))
            if not self._piece:
                break
            parts.append(self._piece[:self._at])
            missing -= self._at
        return b"".join(parts)

    def lines(self, *, longest: int) -> Iterator[bytes]:
        """The lines without their ends; one of more than ``longest`` bytes is damage."""
        rest = b""
        while piece := self._next():
            *whole, rest = (rest + piece).split(b"\n")
            if len(rest) > longest:
                raise errors.Damaged(f"{self.subject} has a line of more than {longest} bytes")
            yield from whole
        if rest:
            yield rest

    def finish(self) -> str:
        """Read to the end, so that every CRC is checked; the sha256 of the stored bytes, in hex."""
        while self._next():
            pass
        return self._digest.hexdigest()

    def _next(self) -> bytes:
        while True:
            data = b""
            if self._decoder.eof:
                # Zeros may follow a member (RFC 1952 leaves it open, gzip pads so); anything else is the next one.
                data = self._decoder.unused_data.lstrip(b"\0") or self._raw()
                if not data.strip(b"\0"):
                    if not data:
                        return b""
                    continue
                self._decoder = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
            elif self._decoder.needs_input:
                data = self._raw()
                if not data:
                    raise errors.Damaged(f"{self.subject} is cut off after {self._stored} bytes",
                                         hint="take another backup: this one was not stored whole")
            try:
                piece: bytes = self._decoder.decompress(data, PLAIN_CHUNK)
            except (_ISAL_ERROR, EOFError, ValueError) as fault:
                raise errors.Damaged(f"{self.subject} is damaged: {fault}",
                                     hint="the stored bytes have changed; use another backup") from fault
            self._plain += len(piece)
            if self._plain > self._limit:
                raise errors.Damaged(f"{self.subject} unpacks to more than {self._limit} bytes; it was not restored")
            if piece:
                return piece

    def _raw(self) -> bytes:
        data = self._stream.read(STORED_CHUNK)
        self._stored += len(data)
        self._digest.update(data)
        return data
