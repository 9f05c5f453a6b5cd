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
from kubectl_ark.runner import archives, restored, stored
from kubectl_ark.store.bucket import Bucket
from kubectl_ark.store.location import parse

SERVE_SECONDS = 600.0
"""How long the file waits for somebody to begin to read it, or to read it once more."""

POLL_SECONDS = 0.5
CHUNK = 1 << 20


def fetch(output: Path, *, environment: Mapping[str, str]) -> None:
    """Write the object to ``output`` and what is known of it to ``output``.json, then wait until time is up.

    environment: ARK_LOCATION (a BackupStorageLocation's spec as JSON), ARK_KEY, ARK_OWNER (uid of the Restore whose
    file it must be), ARK_CREDENTIALS_FILE, ARK_AUTHORITY_FILE. The file appears under its name only when it is whole
    and checked; a reader that takes it away ends the waiting. Raises InvalidInput, KeyMissing, Damaged, StoreUnusable,
    StoreError.
    """
    try:
        spec, key = json.loads(environment["ARK_LOCATION"]), environment["ARK_KEY"]
    except (KeyError, ValueError) as fault:
        raise errors.InvalidInput(f"fetch: ARK_LOCATION and ARK_KEY must be set and sound: {fault}") from fault
    name = environment.get("ARK_LOCATION_NAME", "")
    secret = _mounted(environment, "ARK_CREDENTIALS_FILE", what="the storage location's Secret")
    authority = _mounted(environment, "ARK_AUTHORITY_FILE", what="the Secret of objectStorage.caCertRef")
    if authority is None and (spec.get("objectStorage") or {}).get("caCertRef"):
        raise errors.StoreUnusable(f'storage location "{name}": the Secret or key of objectStorage.caCertRef does not '
                                   "exist", hint="create it, or correct the location's spec.objectStorage.caCertRef")
    bucket = Bucket(parse(name, spec, secret=secret, authority=authority))
    if owner := environment.get("ARK_OWNER"):
        restored.refuse_another(bucket, key, uid=owner)
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


def _mounted(environment: Mapping[str, str], variable: str, *, what: str) -> str | None:
    """The text of the mounted file that a variable names; None where there is none: mounts are optional."""
    if variable not in environment:
        return None
    try:
        return Path(environment[variable]).read_text()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as fault:
        raise errors.StoreUnusable(f"{what} cannot be read: {fault}") from fault
