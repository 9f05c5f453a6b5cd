"""The checksums that a backup of ours carries: of every key, and of every item of the tar in its order.

Gzipped JSON lines: a header {"format": 1, "backup": …, "keys": {key: sha256}}, then {"path", "sha256", "size"} for
each item. The sha256 of its own stored bytes is an annotation of velero-backup.json. Velero writes none: gzip's CRCs
and well-formed JSON are then all there is to go by.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from kubectl_ark import errors
from kubectl_ark.engine.restore.unpack import Gunzip
from kubectl_ark.model import labels, layout
from kubectl_ark.store.bucket import Bucket

MAX_LINE_BYTES = 1024 * 1024
MAX_PLAIN_BYTES = 4 * 1024 * 1024 * 1024
MAX_FORMAT = 1


class Manifest:
    """The checksums of one backup, spooled to a file. ``keys``: key → sha256."""

    def __init__(self, path: Path, subject: str) -> None:
        self._path = path
        self._subject = subject
        header = next(self._documents(), {})
        if header.get("format") != MAX_FORMAT:
            raise errors.Damaged(f"{subject} has format {header.get('format')}, this version reads {MAX_FORMAT}",
                                 hint="restore with the version of kubectl-ark that made the backup, or a newer one")
        self.keys = {str(key): _digest_of(value) for key, value in (header.get("keys") or {}).items()}

    def check(self, key: str, sha256: str) -> None:
        """Raise Damaged unless the stored bytes of ``key`` are what the backup wrote."""
        expected = self.keys.get(key) or self.keys.get(key.rpartition("/")[2])
        if expected is None:
            raise errors.Damaged(f"{self._subject} says nothing about {key}", hint="take another backup")
        if expected != sha256:
            raise errors.Damaged(f"{key} is not what the backup wrote: its sha256 is {sha256}, not {expected}",
                                 hint="nothing was restored; put the stored object back or use another backup")

    def items(self) -> Iterator[tuple[str, str]]:
        """(path, sha256) of every listed item, in the tar's order."""
        documents = self._documents()
        next(documents, None)
        for each in documents:
            if "path" in each:
                yield str(each["path"]), str(each.get("sha256"))

    def _documents(self) -> Iterator[dict[str, Any]]:
        with self._path.open("rb") as file:
            for line in Gunzip(file, subject=self._subject, limit=MAX_PLAIN_BYTES).lines(longest=MAX_LINE_BYTES):
                try:
                    document = orjson.loads(line)
                except ValueError as fault:
                    raise errors.Damaged(f"{self._subject} is damaged: {fault}") from fault
                if isinstance(document, dict):
                    yield document


class ItemCheck:
    """Holds the items of a tar, as they come, against a manifest; both are in the tar's order."""

    def __init__(self, manifest: Manifest, subject: str) -> None:
        self._items = manifest.items()
        self._subject = subject
        self._expected = next(self._items, None)

    def saw(self, path: str, content: bytes, *, is_item: bool) -> None:
        """One entry of the tar. is_item: it would be restored, so it must be listed. Raises Damaged."""
        if self._expected is None or self._expected[0] != path:
            if is_item:
                raise errors.Damaged(f"{self._subject} contains {path}, which its manifest does not list there")
            return
        if hashlib.sha256(content).hexdigest() != self._expected[1]:
            raise errors.Damaged(f"{self._subject}: {path} is not what the backup wrote (sha256 differs)")
        self._expected = next(self._items, None)

    def finish(self) -> None:
        """The tar is at its end. Raises Damaged if the manifest lists more."""
        if self._expected is not None:
            raise errors.Damaged(f"{self._subject} lacks {self._expected[0]}, which its manifest lists")


def fetch(bucket: Bucket, backup: dict[str, Any], workdir: Path) -> Manifest | None:
    """The manifest of a backup, verified by the annotation on it; None for a backup that has no such annotation.

    backup: velero-backup.json. Raises Damaged where the manifest is gone or changed, StoreError.
    """
    metadata = backup["metadata"]
    expected = (metadata.get("annotations") or {}).get(labels.MANIFEST_SHA256)
    if expected is None:
        return None
    key = layout.manifest(metadata["name"])
    path = workdir / "manifest.json.gz"
    digest = hashlib.sha256()
    try:
        with bucket.open(key) as stream, path.open("wb") as file:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
                file.write(chunk)
    except errors.KeyMissing as fault:
        raise errors.Damaged(f"{key} is gone, so the backup cannot be verified",
                             hint="nothing was restored; put the object back or use another backup") from fault
    if digest.hexdigest() != expected:
        raise errors.Damaged(f"{key} is not what the backup wrote: its sha256 is {digest.hexdigest()}, not {expected}",
                             hint="nothing was restored; put the stored object back or use another backup")
    return Manifest(path, key)


def _digest_of(value: Any) -> str:
    return str(value.get("sha256")) if isinstance(value, dict) else str(value)
