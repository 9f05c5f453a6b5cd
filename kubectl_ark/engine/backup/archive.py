"""Items into the tar, and into the two lists that stand beside it (ark-format.md §3).

Each item is written twice, as Velero does: under ``resources/<gr>/`` and under its version. Both copies are the same
bytes; the manifest names the first. The caller says when a kind begins: each kind is a gzip member of its own.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol

from kubectl_ark.engine.backup.records import Manifest, ResourceList
from kubectl_ark.engine.backup.tar import END, Folder, padding
from kubectl_ark.model.resources import Resource

VERSION_PATH = "metadata/version"
FORMAT_VERSION = "1.1.0"

CHUNK = 512 * 1024
"""Bytes handed on at once: large enough that threads seldom meet, small enough to bound what waits."""


class Sink(Protocol):
    """Takes the tar's bytes in order."""

    def member(self, label: str) -> None:
        """What follows is a new gzip member, known as ``label`` in the manifest."""

    def write(self, chunk: bytes) -> None:
        """The next bytes of the tar. Raises what made the other end fail."""


class Archive:
    """Writes the tar of one backup. Not thread-safe. directory: where lists are spooled until they are stored."""

    def __init__(self, sink: Sink, *, directory: Path, mtime: int) -> None:
        self.manifest = Manifest(directory)
        self.resource_list = ResourceList(directory)
        self.items = 0
        self._sink = sink
        self._mtime = mtime
        self._parts: list[bytes] = []
        self._size = 0
        self._namespace: str | None = None
        sink.member("metadata")
        content = f"{FORMAT_VERSION}\n".encode()
        folder, _, name = VERSION_PATH.rpartition("/")
        header = Folder(folder + "/", mtime=mtime).header(name.encode(), len(content))
        self._parts += (header, content, padding(len(content)))

    def begin(self, resource: Resource) -> None:
        """The items that follow are of this kind."""
        self._flush()
        self._sink.member(resource.group_resource)
        self._root = f"resources/{resource.group_resource}/"
        self._version = f"{resource.version}-preferredversion/"
        self._kind = f"{resource.api_version}/{resource.kind}"
        self._enter(None)

    def add(self, namespace: str | None, name: str, content: bytes) -> None:
        """One item of the kind begun last. content: its JSON."""
        if namespace != self._namespace:
            self._enter(namespace)
        size = len(content)
        file, padded = f"{name}.json".encode(), padding(size)
        self._parts += (self._plain.header(file, size), content, padded,
                        self._versioned.header(file, size), content, padded)
        self._size += 2 * size
        self.manifest.item(f"{self._plain.path}{name}.json", _digest(content), size)
        self.resource_list.add(self._kind, f"{namespace}/{name}" if namespace else name)
        self.items += 1
        if self._size >= CHUNK:
            self._flush()

    def finish(self) -> None:
        """End the tar; nothing may be added after."""
        self._parts.append(END)
        self._flush()

    def _enter(self, namespace: str | None) -> None:
        place = f"namespaces/{namespace}/" if namespace else "cluster/"
        self._namespace = namespace
        self._plain = Folder(self._root + place, mtime=self._mtime)
        self._versioned = Folder(self._root + self._version + place, mtime=self._mtime)

    def _flush(self) -> None:
        if self._parts:
            self._sink.write(b"".join(self._parts))
            self._parts, self._size = [], 0


HELD = 2047
"""hashlib lets go of the interpreter's lock above so many bytes, and getting it back takes longer than the hash."""


def _digest(content: bytes) -> str:
    digest = hashlib.sha256(content[:HELD])
    if len(content) > HELD:
        view = memoryview(content)
        for start in range(HELD, len(content), HELD):
            digest.update(view[start:start + HELD])
    return digest.hexdigest()
