"""Backups as they lie in a bucket, whoever wrote them: kubectl-ark, Velero, Ark 0.10 and Ark 0.9 (ark-format §4)."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.backup.ownership import MAX_METADATA
from kubectl_ark.model import layout
from kubectl_ark.store.bucket import Bucket


@dataclasses.dataclass(frozen=True)
class Stored:
    """One backup. ``bucket`` is the one to read it from; ``directory`` and ``key`` (of its metadata) are real keys."""

    bucket: Bucket
    directory: str
    key: str
    backup: Any
    """The metadata as decoded; ``model.stored_backup.problem`` says whether it is sound."""

    @property
    def url(self) -> str:
        """Of its metadata, for messages."""
        return self.bucket.location.url + self.key


def names(bucket: Bucket) -> set[str]:
    """Names of all directories that may be backups; which of them are whole is another question."""
    foreign = set(bucket.directories()) - layout.ROOTS
    return set(bucket.directories(layout.BACKUPS)) | foreign


def find(bucket: Bucket, name: str) -> Stored | None:
    """The backup of that name; None if there is no whole one. Raises Damaged where its metadata is no JSON."""
    for place, key, real in _places(bucket, name):
        try:
            text = place.get(key, limit=MAX_METADATA)
        except errors.KeyMissing:
            continue
        try:
            return Stored(place, real.rpartition("/")[0] + "/", real, json.loads(text))
        except (ValueError, RecursionError) as fault:
            raise errors.Damaged(f"{bucket.location.url}{real} is not JSON", hint="use another backup") from fault
    return None


def exists(bucket: Bucket, name: str) -> bool:
    """Whether there is a whole backup of that name."""
    return any(place.exists(key) for place, key, _ in _places(bucket, name))


def holder(bucket: Bucket, key: str) -> Bucket | None:
    """The bucket to read a file from, as it is or as Ark 0.9 laid it out; None if it is in neither place."""
    places = (bucket, bucket.flattened()) if key.startswith(layout.BACKUPS) else (bucket,)
    return next((place for place in places if place.exists(key)), None)


def _places(bucket: Bucket, name: str) -> tuple[tuple[Bucket, str, str], ...]:
    """Where the metadata may be: the bucket to ask, the key to ask for, the real key."""
    ours, ark = layout.metadata(name), layout.ark_metadata(name)
    return ((bucket, ours, ours), (bucket, ark, ark),
            (bucket.flattened(), ark, ark.removeprefix(layout.BACKUPS)))
