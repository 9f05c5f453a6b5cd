"""The two lists beside the tar: what is in it with checksums, and the names by kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from kubectl_ark.engine.spool import Spool, compressed

_LINES = 1000


class Manifest:
    """``<b>-manifest.json.gz``: a header line, then a line for each item in the tar's order.

    Header: {"format": 1, "backup", "uid", "clusterID", "keys": {key: {"sha256", "size"}}, "members": [{"name",
    "offset"}], "items"}. Item: {"path", "sha256", "size"}. Two gzip members, read as one stream.
    """

    def __init__(self, directory: Path) -> None:
        self._spool = Spool(directory / "manifest-items.gz")
        self._keys: dict[str, dict[str, Any]] = {}
        self._lines: list[str] = []

    def item(self, path: str, digest: str, size: int) -> None:
        """digest: sha256 in hex of the item's JSON; size in bytes."""
        self._lines.append(f'{{"path":{_quoted(path)},"sha256":"{digest}","size":{size}}}\n')
        if len(self._lines) >= _LINES:
            self._flush()

    def key(self, key: str, digest: str, size: int) -> None:
        """A stored key, its sha256 and its size as stored."""
        self._keys[key] = {"sha256": digest, "size": size}

    def document(self, header: dict[str, Any]) -> bytes:
        """The whole file. header: what is to stand in the first line beside format and keys."""
        self._flush()
        first = json.dumps({"format": 1, **header, "keys": self._keys}, separators=(",", ":")).encode() + b"\n"
        return compressed(first) + self._spool.close()

    def _flush(self) -> None:
        self._spool.write("".join(self._lines).encode())
        self._lines = []


class ResourceList:
    """``<b>-resource-list.json.gz``: {"v1/Pod": ["ns/name", …], …}, each list sorted.

    Names are spooled kind by kind. The API server lists in the order of "ns/name", so sorting costs little.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._names: dict[str, list[str]] = {}
        self._files: dict[str, Path] = {}
        self._waiting = 0

    def add(self, kind: str, name: str) -> None:
        """kind: "apps/v1/Deployment". name: "ns/name" or "name"."""
        self._names.setdefault(kind, []).append(name)
        self._waiting += 1
        if self._waiting >= 5000:
            self._flush()

    def document(self) -> bytes:
        """The whole file, gzipped."""
        self._flush()
        spool = Spool(self._directory / "resource-list.gz")
        for piece in self._pieces():
            spool.write(piece)
        return spool.close()

    def _pieces(self) -> Iterator[bytes]:
        yield b"{"
        for index, (kind, path) in enumerate(sorted(self._files.items())):
            names = sorted(path.read_text().splitlines())
            yield (b"," if index else b"") + orjson.dumps(kind) + b":" + orjson.dumps(names)
        yield b"}\n"

    def _flush(self) -> None:
        for kind, names in self._names.items():
            path = self._files.setdefault(kind, self._directory / f"names-{len(self._files)}")
            with path.open("a") as file:
                file.writelines(name + "\n" for name in names)
        self._names, self._waiting = {}, 0


def _quoted(path: str) -> str:
    """The path as a JSON string; most need no escaping."""
    if path.isascii() and path.isprintable() and '"' not in path and "\\" not in path:
        return f'"{path}"'
    return json.dumps(path)
