"""A stream of unknown length into one object, part by part, in one buffer.

The client's own way puts a part together by adding bytes to bytes, so that each costs its size two or three times.
"""

from __future__ import annotations

import contextlib
from typing import Any, Protocol

from minio import Minio
from minio.datatypes import Part

PART_SIZE = 5 * 1024 * 1024
"""Bytes of one part, the least that S3 takes: with at most 10,000 parts this takes tars up to 48 GiB."""

_HEADERS = {"Content-Type": "application/octet-stream"}


class Readable(Protocol):
    """What ``upload`` reads from: ``read(n)`` gives up to n bytes, b"" only at the end; it may raise to abort."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, b"" at the end."""


def upload(client: Minio, bucket: str, key: str, stream: Readable) -> None:
    """Store the stream. What does not fill one part is one put. If reading or storing fails, the upload is aborted.

    Raises what the client and the stream raise.
    """
    buffer = memoryview(bytearray(PART_SIZE))
    size = _fill(buffer, stream)
    if size < PART_SIZE:
        client._put_object(bucket, key, buffer[:size] if size else b"", dict(_HEADERS))
        return
    upload_id = client._create_multipart_upload(bucket, key, dict(_HEADERS))
    try:
        parts: list[Any] = []
        while size:
            number = len(parts) + 1
            parts.append(Part(number, client._upload_part(bucket, key, buffer[:size], None, upload_id, number)))
            size = _fill(buffer, stream)
        client._complete_multipart_upload(bucket, key, upload_id, parts)
    except BaseException:
        with contextlib.suppress(Exception):  # what went wrong first is what must be heard
            client._abort_multipart_upload(bucket, key, upload_id)
        raise


def _fill(buffer: memoryview, stream: Readable) -> int:
    """Read until the buffer is full or the stream ends; how many bytes that were."""
    size = 0
    while size < len(buffer) and (piece := stream.read(len(buffer) - size)):
        buffer[size:size + len(piece)] = piece
        size += len(piece)
    return size
