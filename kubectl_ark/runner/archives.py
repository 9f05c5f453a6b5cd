"""Whether a fetched archive is what its backup wrote, before anybody is given it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from kubectl_ark import errors
from kubectl_ark.engine.backup.ownership import MAX_METADATA
from kubectl_ark.engine.restore import manifest
from kubectl_ark.engine.restore.archive import MAX_PLAIN_BYTES
from kubectl_ark.engine.restore.tarball import entries
from kubectl_ark.engine.restore.unpack import Gunzip
from kubectl_ark.model import layout
from kubectl_ark.store.bucket import Bucket

BY_MANIFEST, BY_ARCHIVE, NOT = "manifest", "archive", ""
"""How a file was checked: by the backup's list of checksums, by gzip's and tar's own, not at all."""


def check(bucket: Bucket, key: str, file: Path, *, sha256: str) -> str:
    """How the file, fetched from ``key``, was checked. sha256: of its bytes. Raises Damaged, StoreError.

    Only archives are checked: a log is there before the list of checksums is.
    """
    backup = key.removeprefix(layout.BACKUPS).partition("/")[0]
    if key != layout.contents(backup):
        return NOT
    checksums = _manifest(bucket, backup)
    if checksums is not None:
        if checksums.get(key) != sha256:
            raise errors.Damaged(f"{bucket.location.url}{key} is not what the backup wrote: its sha256 is {sha256}, "
                                 f"not {checksums.get(key)}", hint="use another backup")
        return BY_MANIFEST
    with file.open("rb") as stream:
        plain = Gunzip(stream, subject=f"{bucket.location.url}{key}", limit=MAX_PLAIN_BYTES)
        for _ in entries(plain):
            pass
        plain.finish()
    return BY_ARCHIVE


def _manifest(bucket: Bucket, backup: str) -> dict[str, str] | None:
    """The backup's own checksums by key; None where it has none: Velero writes none."""
    try:
        stored = json.loads(bucket.get(layout.metadata(backup), limit=MAX_METADATA))
        with tempfile.TemporaryDirectory() as directory:
            found = manifest.fetch(bucket, stored, Path(directory))
    except (errors.KeyMissing, ValueError, KeyError, TypeError):
        return None
    except errors.Damaged as fault:
        raise errors.Damaged(fault.message, hint="use another backup") from fault
    return found.keys if found else None
