"""A body of known size and hash on its way into the store, which is never held whole.

The client's own way wants all of it in memory, to hash it before it is signed. Where the hash is known that is not
needed: the store itself compares.
"""

from __future__ import annotations

import io
from typing import Any

from minio import Minio

from kubectl_ark.store.parts import Readable


class Body:
    """What is sent. size: in bytes. sha256: of all of it, in hex."""

    def __init__(self, stream: Readable, *, size: int, sha256: str) -> None:
        self.sha256 = sha256
        self._stream, self._size, self._left = stream, size, size

    def __len__(self) -> int:
        return self._size

    def read(self, size: int = -1) -> bytes:
        """The next bytes. Raises OSError where the stream ends before its time."""
        if not self._left:
            return b""
        piece = self._stream.read(min(size, self._left) if size >= 0 else self._left)
        if not piece:
            raise OSError(f"the body ended {self._left} bytes before its end")
        self._left -= len(piece)
        return piece

    def tell(self) -> int:
        """It cannot be sent twice: whoever sends it is told so, and the one who wants it stored tries again."""
        raise io.UnsupportedOperation("this is read once")


class StreamingMinio(Minio):  # type: ignore[misc]
    """The client, for bodies of this kind too."""

    def _build_headers(self, host: str, headers: Any = None, body: Any = None, creds: Any = None) -> Any:
        if not isinstance(body, Body):
            return super()._build_headers(host, headers, body, creds)
        headers, date = super()._build_headers(host, headers, None, creds)
        headers["Content-Length"] = str(len(body))
        headers["x-amz-content-sha256"] = body.sha256
        headers.pop("Content-MD5", None)
        return headers, date
