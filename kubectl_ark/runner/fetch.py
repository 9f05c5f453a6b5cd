"""One object out of the bucket, to be read through the API server by ``kubectl exec … cat``.

This pod has no API token: what it needs is in its environment and in a mounted Secret.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from kubectl_ark import errors
from kubectl_ark.runner import archives, stored
from kubectl_ark.store.bucket import Bucket
from kubectl_ark.store.location import parse

SERVE_SECONDS = 600.0
"""How long the file waits for somebody to begin to read it, or to read it once more."""

POLL_SECONDS = 0.5
CHUNK = 1 << 20


def fetch(output: Path, *, environment: Mapping[str, str]) -> None:
    """Write the object to ``output`` and what is known of it to ``output``.json, then wait until time is up.

    environment: ARK_LOCATION (a BackupStorageLocation's spec as JSON), ARK_KEY, ARK_CREDENTIALS_FILE. The file appears
    under its name only when it is whole and checked; a reader that takes it away ends the waiting. Raises InvalidInput,
    KeyMissing, Damaged, StoreUnusable, StoreError.
    """
    try:
        spec, key = json.loads(environment["ARK_LOCATION"]), environment["ARK_KEY"]
    except (KeyError, ValueError) as fault:
        raise errors.InvalidInput(f"fetch: ARK_LOCATION and ARK_KEY must be set and sound: {fault}") from fault
    name = environment.get("ARK_LOCATION_NAME", "")
    secret = _secret(Path(environment["ARK_CREDENTIALS_FILE"])) if "ARK_CREDENTIALS_FILE" in environment else None
    bucket = Bucket(parse(name, spec, secret=secret))
    bucket = stored.holder(bucket, key) or bucket
    partial = output.with_name(output.name + ".partial")
    digest, size = hashlib.sha256(), 0
    with bucket.open(key) as stream, partial.open("wb") as file_:
        while chunk := stream.read(CHUNK):
            file_.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    facts = {"size": size, "sha256": digest.hexdigest(),
             "checked": archives.check(bucket, key, partial, sha256=digest.hexdigest())}
    output.with_name(output.name + ".json").write_text(json.dumps(facts))
    partial.rename(output)
    print(json.dumps(facts), flush=True)
    _serve(output)


def _serve(output: Path) -> None:
    """Nobody tells this pod when it has been read; looking twice a second is all there is."""
    deadline = time.monotonic() + SERVE_SECONDS
    while output.exists() and time.monotonic() < deadline:
        if _is_being_read(output):
            deadline = time.monotonic() + SERVE_SECONDS
        time.sleep(POLL_SECONDS)


def _is_being_read(file: Path) -> bool:
    """Whether some process, such as the ``cat`` of an exec, has the file open."""
    path = str(file.resolve())
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(link) == path:
                return True
    return False


def _secret(file: Path) -> str | None:
    """The mounted credentials; None where the optional Secret is not there: then the surroundings give them."""
    try:
        return file.read_text()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as fault:
        raise errors.StoreUnusable(f"the storage location's Secret cannot be read: {fault}") from fault
