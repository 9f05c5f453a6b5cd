"""What data of volumes a bucket holds already, and whether this cluster's password opens it."""

from __future__ import annotations

from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.volumes import passwords
from kubectl_ark.engine.volumes.repository import opened
from kubectl_ark.model import layout
from kubectl_ark.runner.work import Work
from kubectl_ark.store.bucket import Bucket

MOST_TRIED = 5
"""So many repositories are tried: those that Velero made have another password, and one that fits is enough."""


def look(work: Work, bucket: Bucket) -> dict[str, Any] | None:
    """For the location's status: {"found", "example", "passwordFits"}; None where there are none.

    passwordFits is left out where this cluster has no password. Raises StoreError, ApiError.
    """
    names = [name for name in sorted(bucket.directories(layout.RESTIC))
             if bucket.exists(layout.repository(name) + "config")]
    if not names:
        return None
    told: dict[str, Any] = {"found": len(names), "example": layout.repository(names[0]).rstrip("/")}
    try:
        password = passwords.read(work.api, work.namespace, None)
    except errors.StoreUnusable:
        return told
    fits = False
    for name in names[:MOST_TRIED]:
        work.progress.checkpoint()
        with opened(bucket, layout.repository(name), password=password.text, scratch=work.directory) as repository:
            if fits := repository.opens_with(password.text):
                break
    return {**told, "passwordFits": fits}
