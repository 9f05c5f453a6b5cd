"""Snapshots of volumes forgotten: those that one backup has made, and no others.

A snapshot is one object; the data it needs stays until the repository is pruned. So it is removed as an object of the
bucket, which is all that restic's own "forget" does beside it: that would need the password, which may be lost, and an
exclusive lock, which a running backup of the same namespace keeps it from for hours. Nothing depends on the order: a
backup that has the snapshot for its parent has read it already, and a prune that has begun keeps what it needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from kubectl_ark import errors
from kubectl_ark.model import layout
from kubectl_ark.store.bucket import Bucket

_ID = re.compile(r"[0-9a-f]{8,64}")
"""Velero notes the first 8 digits; fewer could mean anything."""


def forget(bucket: Bucket, namespace: str, ids: Iterable[str]) -> list[str]:
    """Forget snapshots in the repository of a namespace's volumes; sentences about what could not be.

    ids: whole, or their beginning of at least 8 digits. One that is gone already, or is no id, is fine.
    """
    directory = f"{layout.repository(namespace)}snapshots/"
    failures = []
    try:
        present = [key.removeprefix(directory) for key in bucket.keys(directory)]
        for wanted in sorted(filter(_ID.fullmatch, set(ids))):
            meant = [each for each in present if each.startswith(wanted)]
            if len(meant) > 1:
                failures.append(f"snapshot {wanted} of {bucket.location.url}{directory} may be each of {len(meant)}")
            for each in meant if len(meant) == 1 else ():
                try:
                    bucket.delete(directory + each)
                except errors.Locked as kept:
                    failures.append(kept.sentence)
    except errors.StoreError as failure:
        failures.append(failure.sentence)
    return failures
