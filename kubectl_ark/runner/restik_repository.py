"""The restic repository of one Restik: its password, making it, its snapshots, and forgetting the older ones."""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Iterator
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.volumes import initialising, passwords, restic, tidying
from kubectl_ark.engine.volumes.passwords import Password
from kubectl_ark.engine.volumes.repository import OpenRepository, opened
from kubectl_ark.engine.volumes.tenants import Rights
from kubectl_ark.kube.api import Api
from kubectl_ark.model import layout, restiks, times
from kubectl_ark.runner.repositories import Ready, Surroundings

PATIENCE_SECONDS = 900.0
"""So long those who save volumes to the repository are waited for."""

PRUNE_EVERY = datetime.timedelta(hours=24)
"""Data that no snapshot needs any more is removed at most so often."""


def directory(restik: dict[str, Any]) -> str:
    """Where it lies below the location's prefix."""
    return layout.restik_repository(restik["metadata"]["namespace"], restik["metadata"]["name"])


def password(api: Api, restik: dict[str, Any]) -> Password:
    """Out of the Restik's own Secret. Raises StoreUnusable, ApiError."""
    metadata = restik["metadata"]
    return passwords.of_secret(
        api, metadata["namespace"], restiks.secret(restik.get("spec") or {}), restiks.PASSWORD_KEY,
        hint=f"create it, or correct spec.destination.repositorySecretName of restik {metadata['name']}")


def ready(around: Surroundings, restik: dict[str, Any]) -> Ready:
    """The repository to save to, made if it is not there yet; dead pods' locks are gone from it.

    Raises StoreUnusable with what to do where it cannot be used, StoreError, ApiError.
    """
    with _opened(around, restik, rights=Rights.FULL) as (repository, own):
        if not initialising.ensure(repository, checkpoint=around.progress.checkpoint):
            _try(around, repository, own)
        around.locks(repository).clear()
        return Ready(own.text, around.bucket.location.restic_address(repository.directory))


def readable(around: Surroundings, restik: dict[str, Any]) -> Ready:
    """The repository to bring data back from; nothing is written. Raises as ``ready``."""
    with _opened(around, restik, rights=Rights.READ) as (repository, own):
        _try(around, repository, own)
        return Ready(own.text, around.bucket.location.restic_address(repository.directory))


def snapshots(around: Surroundings, restik: dict[str, Any]) -> list[dict[str, Any]]:
    """restic's own list of the Restik's snapshots, the oldest first. Raises as ``ready``."""
    metadata = restik["metadata"]
    tag = restiks.own_tag(metadata["namespace"], metadata["name"])
    with _opened(around, restik, rights=Rights.READ) as (repository, own):
        _try(around, repository, own)
        found = repository.document(["snapshots", "--no-lock", "--tag", tag])
        around.progress.checkpoint()
        if not isinstance(found, list):
            raise errors.StoreError(f"{repository.title}: its snapshots cannot be listed")
        return sorted(found, key=lambda each: times.parse_nanoseconds(each["time"]))


def forget(around: Surroundings, restik: dict[str, Any], *, now: datetime.datetime) -> tuple[str, bool]:
    """Forget what the retention policy does not keep, of this Restik's own snapshots; and about once a day remove the
    data that none needs any more.

    Half a sentence about it, "" for nothing done, and whether data was removed. Raises StoreError, StoreUnusable.
    """
    metadata = restik["metadata"]
    arguments = restiks.forget_arguments(metadata["namespace"], metadata["name"], restik.get("spec") or {})
    if arguments is None:
        return "", False
    lines: list[str] = []
    with _opened(around, restik, rights=Rights.FULL) as (repository, _):
        locks = around.locks(repository)
        ended = locks.holding(["forget", *arguments], patience=PATIENCE_SECONDS,
                              checkpoint=around.progress.checkpoint, hear=lines.append)
        if ended.code != restic.DONE:
            raise restic.failure(ended, f"forgetting old snapshots in {repository.title}")
        gone = _forgotten(lines)
        told = f"{gone} older {'one' if gone == 1 else 'ones'} forgotten" if gone else ""
        last = (restik.get("status") or {}).get("lastPruneTime")
        if not gone or last and now - times.parse_time(last) < PRUNE_EVERY:
            return told, False
        tidying.prune(repository, locks, patience=PATIENCE_SECONDS, checkpoint=around.progress.checkpoint)
        return f"{told} with their data", True


def _forgotten(lines: list[str]) -> int:
    try:
        groups = json.loads("\n".join(lines))
    except ValueError:
        return 0
    return sum(len(group.get("remove") or ()) for group in groups) if isinstance(groups, list) else 0


@contextlib.contextmanager
def _opened(around: Surroundings, restik: dict[str, Any], *, rights: Rights,
            ) -> Iterator[tuple[OpenRepository, Password]]:
    own = password(around.api, restik)
    with opened(around.bucket, directory(restik), password=own.text, scratch=around.scratch, rights=rights,
                stop=around.progress.over) as repository:
        yield repository, own


def _try(around: Surroundings, repository: OpenRepository, own: Password) -> None:
    if not repository.exists():
        raise errors.StoreUnusable(f"{repository.title} does not exist",
                                   hint="no snapshot was taken yet, or its storage location is another now")
    fits = repository.opens_with(own.text)
    around.progress.checkpoint()
    if not fits:
        raise errors.StoreUnusable(f"{repository.title} has another password than {own.source}",
                                   hint="put the one that it was made with into that Secret")
