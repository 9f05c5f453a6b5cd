"""The checksum that goes with stored bytes, so that the store refuses what the network has changed.

A bucket with object lock takes nothing without one.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Union

Bytes = Union[bytes, memoryview]


def headers(algorithm: str, data: Bytes) -> dict[str, str]:
    """Headers of the put of ``data``. algorithm: one of ``location_config.CHECKSUMS``, "" for Content-MD5."""
    if not algorithm:
        return {"Content-MD5": _text(hashlib.md5(data, usedforsecurity=False).digest())}
    return {header(algorithm): value(algorithm, data)}


def header(algorithm: str) -> str:
    """The header that holds a checksum: "x-amz-checksum-crc32"."""
    return f"x-amz-checksum-{algorithm.lower()}"


def value(algorithm: str, data: Bytes) -> str:
    """The checksum in base64."""
    if algorithm == "CRC32":
        return _text(zlib.crc32(data).to_bytes(4, "big"))
    return _text(hashlib.new(algorithm.lower(), data, usedforsecurity=False).digest())


def _text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
