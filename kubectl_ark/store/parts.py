"""A stream of unknown length into one object, part by part, in one buffer.

The client's own way puts a part together by adding bytes to bytes, so that each costs its size two or three times.
"""

from __future__ import annotations

import contextlib
from typing import Protocol
from xml.etree import ElementTree

from minio import Minio

from kubectl_ark.store import checksums
from kubectl_ark.model.location_config import Config

PART_SIZE = 5 * 1024 * 1024
"""Bytes of one part, the least that S3 takes: with at most 10,000 parts this takes tars up to 48 GiB."""

_HEADERS = {"Content-Type": "application/octet-stream"}


class Readable(Protocol):
    """What ``upload`` reads from: ``read(n)`` gives up to n bytes, b"" only at the end; it may raise to abort."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, b"" at the end."""


def upload(client: Minio, bucket: str, key: str, stream: Readable, config: Config) -> None:
    """Store the stream. What does not fill one part is one put. If reading or storing fails, the upload is aborted.

    Raises what the client and the stream raise.
    """
    buffer = memoryview(bytearray(PART_SIZE))
    size = _fill(buffer, stream)
    if size < PART_SIZE:
        data = buffer[:size] if size else b""
        client._put_object(bucket, key, data, {
            **_HEADERS, **config.write_headers, **checksums.headers(config.checksum, data)})
        return
    algorithm = {"x-amz-checksum-algorithm": config.checksum} if config.checksum else {}
    upload_id = client._create_multipart_upload(bucket, key, {**_HEADERS, **config.write_headers, **algorithm})
    try:
        parts: list[tuple[str, str]] = []
        while size:
            data = buffer[:size]
            etag = client._upload_part(bucket, key, data, dict(checksums.headers(config.checksum, data)), upload_id,
                                       len(parts) + 1)
            parts.append((etag, checksums.value(config.checksum, data) if config.checksum else ""))
            size = _fill(buffer, stream)
        _complete(client, bucket, key, upload_id, parts, config.checksum)
    except BaseException:
        with contextlib.suppress(Exception):  # what went wrong first is what must be heard
            client._abort_multipart_upload(bucket, key, upload_id)
        raise


def _complete(client: Minio, bucket: str, key: str, upload_id: str, parts: list[tuple[str, str]],
              algorithm: str) -> None:
    """Put the parts together. The client's own call does not know of the parts' checksums, which S3 wants to hear."""
    root = ElementTree.Element("CompleteMultipartUpload")
    for number, (etag, checksum) in enumerate(parts, start=1):
        part = ElementTree.SubElement(root, "Part")
        ElementTree.SubElement(part, "PartNumber").text = str(number)
        ElementTree.SubElement(part, "ETag").text = f'"{etag}"'
        if checksum:
            ElementTree.SubElement(part, f"Checksum{algorithm}").text = checksum
    client._execute("POST", bucket, key, body=ElementTree.tostring(root), headers={"Content-Type": "application/xml"},
                    query_params={"uploadId": upload_id})


def _fill(buffer: memoryview, stream: Readable) -> int:
    """Read until the buffer is full or the stream ends; how many bytes that were."""
    size = 0
    while size < len(buffer) and (piece := stream.read(len(buffer) - size)):
        buffer[size:size + len(piece)] = piece
        size += len(piece)
    return size
