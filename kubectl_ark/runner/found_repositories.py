"""What data of volumes a bucket holds already, and whether this cluster's password opens it."""

from __future__ import annotations

import datetime
import logging
import time
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.volumes import passwords
from kubectl_ark.engine.volumes.repository import OpenRepository, opened
from kubectl_ark.engine.volumes.tenants import Rights
from kubectl_ark.model import layout
from kubectl_ark.model.passwords import VELERO_PASSWORD
from kubectl_ark.runner.work import Work
from kubectl_ark.store.bucket import Bucket

logger = logging.getLogger(__name__)

SECONDS = 120.0
"""No further repository is tried after that: the Job has but five minutes. Each try takes about a second."""


def look(work: Work, bucket: Bucket, *, seconds: float = SECONDS) -> dict[str, Any] | None:
    """For the location's status: {"found", "example", "passwordFits"}; None where there are none.

    example: one that this cluster's password opens, else one whose password somebody has chosen; left out where all
    have the one that Velero gives, which nobody need be asked for. passwordFits is left out there too, and where this
    cluster has no password. Raises StoreError, ApiError.
    """
    names = _newest_first(bucket)
    if not names:
        return None
    password = _password(work)
    chosen, until = "", time.monotonic() + seconds
    for name in names:
        work.progress.checkpoint()
        with opened(bucket, layout.repository(name), password=password or "-", scratch=work.directory,
                    rights=Rights.READ, stop=work.progress.over) as repository:
            if password and _opens(work, repository, password):
                return _told(names, name, fits=True)
            # Once there is one that the user must have the password of, the others need be tried with that alone.
            if not chosen and not _opens(work, repository, VELERO_PASSWORD, unsure=True):
                chosen = name
        if chosen and not password or time.monotonic() > until:
            break
    return _told(names, chosen, fits=False if chosen and password else None)


def _newest_first(bucket: Bucket) -> list[str]:
    """The namespaces that have a repository. What Velero has left is older than what kubectl-ark has made since."""
    written = {name: bucket.written(layout.repository(name) + "config") for name in bucket.directories(layout.RESTIC)}
    there: dict[str, datetime.datetime] = {name: moment for name, moment in written.items() if moment is not None}
    return sorted(there, key=lambda name: (there[name], name), reverse=True)


def _password(work: Work) -> str | None:
    try:
        return passwords.read(work.api, work.namespace, None).text
    except errors.StoreUnusable:
        return None


def _opens(work: Work, repository: OpenRepository, password: str, *, unsure: bool = False) -> bool:
    """Whether it opens; unsure: what is said of one that is damaged behind its keys. Raises StoreError."""
    try:
        return repository.opens_with(password)
    except errors.StoreError as failure:
        work.progress.checkpoint()
        repository.exists()  # raises where it is the store that does not answer
        logger.warning("%s", failure.sentence)
        return unsure


def _told(names: list[str], example: str, *, fits: bool | None) -> dict[str, Any]:
    told: dict[str, Any] = {"found": len(names)}
    if example:
        told["example"] = layout.repository(example).rstrip("/")
    if fits is not None:
        told["passwordFits"] = fits
    return told
