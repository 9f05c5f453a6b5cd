"""The restic repository of a namespace's volumes made ready for a run, and the ResticRepository that tells of it."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.progress import Checkpoint, Progress
from kubectl_ark.engine.volumes import initialising, passwords
from kubectl_ark.engine.volumes.holders import Holders
from kubectl_ark.engine.volumes.locks import Locks
from kubectl_ark.engine.volumes.passwords import Password
from kubectl_ark.engine.volumes.repository import OpenRepository, opened
from kubectl_ark.engine.volumes.tenants import Rights
from kubectl_ark.kube.api import Api
from kubectl_ark.kube.pages import items
from kubectl_ark.model import kinds, layout, repositories
from kubectl_ark.model.passwords import VELERO_PASSWORD
from kubectl_ark.model.resources import custom
from kubectl_ark.runner import statuses
from kubectl_ark.store.bucket import Bucket

REPOSITORIES = custom(kinds.RESTIC_REPOSITORY)

MAX_CONFIG = 64 * 1024


@dataclasses.dataclass(frozen=True)
class Ready:
    """How to get into a repository. identifier: restic's address of it, for records. note: what the user should know
    of it, "" for nothing."""

    password: str = dataclasses.field(repr=False)
    identifier: str
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What the repositories of one run have in common.

    namespace: Ark's. reach: the namespaces that this installation is limited to, () for all. pod: uid of this pod.
    scratch: a directory for passwords and restic's cache.
    """

    api: Api
    bucket: Bucket
    namespace: str
    cluster_id: str
    reach: Sequence[str]
    pod: str
    scratch: Path
    progress: Progress

    def locks(self, repository: OpenRepository) -> Locks:
        """The locks of a repository, those of dead pods told by this cluster's API server."""
        places = {*self.reach, self.namespace} if self.reach else ()
        return Locks(repository, Holders(self.api, cluster_id=self.cluster_id, namespaces=sorted(places),
                                         own_pod=self.pod).is_dead)


def ready(around: Surroundings, volume_namespace: str) -> Ready:
    """The repository to save a namespace's volumes to, made if it is not there yet; dead pods' locks are gone from it.

    What came of it stands on its ResticRepository, which is made too. Raises StoreUnusable with what to do where it
    cannot be used, StoreError, ApiError, Interrupted.
    """
    location = around.bucket.location
    identifier = location.restic_address(layout.repository(volume_namespace))
    record = _record(around, volume_namespace, identifier)
    try:
        password = passwords.read(around.api, around.namespace, record)
        verified = _opened(around, volume_namespace, password, (record.get("status") or {}).get("verified"))
    except errors.StoreUnusable as failure:
        write(around.api, record, phase=repositories.NOT_READY, message=failure.sentence, verified=None)
        raise
    write(around.api, record, phase=repositories.READY, message=None, verified=verified)
    return Ready(password.text, identifier)


def readable(around: Surroundings, volume_namespace: str) -> Ready:
    """The repository to bring a namespace's volumes back from; nothing is written, to the bucket or to the cluster.

    One that Velero or Heptio Ark made without a password of somebody's choice opens too: everybody who can read the
    bucket knows it, so that nothing is given away by using it, and who asks for the data wants it back. To save more
    data under it is another thing: ``ready`` refuses. Raises as ``ready``.
    """
    identifier = around.bucket.location.restic_address(layout.repository(volume_namespace))
    record = find(around.api, around.namespace, volume_namespace, around.bucket.location.name)
    try:
        password: Password | None = passwords.read(around.api, around.namespace, record)
    except errors.StoreUnusable as missing:
        password, failure = None, missing
    with opened(around.bucket, layout.repository(volume_namespace), password=password.text if password else "-",
                scratch=around.scratch, rights=Rights.READ, stop=around.progress.over) as repository:
        if not repository.exists():
            raise errors.StoreUnusable(f"{repository.title} does not exist", hint="is this the right storage location?")
        if password is not None and repository.opens_with(password.text):
            return Ready(password.text, identifier)
        around.progress.checkpoint()
        if repository.opens_with(VELERO_PASSWORD):
            return Ready(VELERO_PASSWORD, identifier, f"{repository.title} has the password that Velero gives to "
                         "repositories, which everybody knows")
        around.progress.checkpoint()
        raise failure if password is None else _wrong_password(repository, password, known=False)


def find(api: Api, namespace: str, volume_namespace: str, location: str) -> dict[str, Any] | None:
    """The ResticRepository of a namespace's volumes in a location, the oldest if there are several; None for none."""
    found = [each for each in items(api, REPOSITORIES, namespace)
             if repositories.is_of(each, volume_namespace=volume_namespace, location=location)]
    return min(found, key=lambda each: (each["metadata"]["creationTimestamp"], each["metadata"]["name"]), default=None)


def write(api: Api, record: dict[str, Any], **fields: Any) -> None:
    """Fields of a ResticRepository's status; None removes one. Nothing is written where all is so already.

    One that somebody has deleted meanwhile is left alone. Raises ApiError.
    """
    status = record.get("status") or {}
    if all(status.get(field) == value for field, value in fields.items()):
        return
    path = REPOSITORIES.path(record["metadata"]["namespace"], record["metadata"]["name"], "status")
    with contextlib.suppress(errors.Conflict):
        record |= statuses.write(api, path, record, **fields)


def try_password(repository: OpenRepository, password: Password, *, checkpoint: Checkpoint) -> None:
    """Raise StoreUnusable, with what to do, unless the repository is there and this is its password."""
    if not repository.exists():
        raise errors.StoreUnusable(f"{repository.title} does not exist",
                                   hint="the next backup of that namespace's volumes makes it")
    fits = repository.opens_with(password.text)
    checkpoint()
    if not fits:
        known = repository.opens_with(VELERO_PASSWORD)
        checkpoint()
        raise _wrong_password(repository, password, known=known)


def _wrong_password(repository: OpenRepository, password: Password, *, known: bool) -> errors.StoreUnusable:
    """known: it opens with the password that Velero gives."""
    if known:
        return errors.StoreUnusable(
            f"{repository.title} was made by Velero or Heptio Ark with their own password, which everybody knows; "
            "volumes are brought back from it, but none are saved to it",
            hint="move what is under it away, so that a new one is made; or, if the password is good enough, put it "
                 "into a Secret that spec.passwordSecret of the ResticRepository names")
    return errors.StoreUnusable(
        f"{repository.title} has another password than {password.source}",
        hint="name a Secret with the right one in spec.passwordSecret of its ResticRepository; one that Velero made "
             "has that of Velero's Secret velero-repo-credentials")


def _record(around: Surroundings, volume_namespace: str, identifier: str) -> dict[str, Any]:
    location = around.bucket.location.name
    found = find(around.api, around.namespace, volume_namespace, location)
    if found is not None:
        return found
    wanted = repositories.resource(namespace=around.namespace, volume_namespace=volume_namespace, location=location,
                                   identifier=identifier)
    try:
        return around.api.create(REPOSITORIES.path(around.namespace), wanted)
    except errors.Conflict:
        return around.api.get(REPOSITORIES.path(around.namespace, wanted["metadata"]["name"]))


def _opened(around: Surroundings, volume_namespace: str, password: Password, verified: str | None) -> str:
    """Make the repository if need be and try the password; a mark that stays until repository or Secret change.

    verified: the former mark. As long as it is the same, restic need not be asked.
    """
    with opened(around.bucket, layout.repository(volume_namespace), password=password.text, scratch=around.scratch,
                stop=around.progress.over) as repository:
        made = initialising.ensure(repository, checkpoint=around.progress.checkpoint)
        mark = _mark(repository, password)
        if not made and mark != verified:
            try_password(repository, password, checkpoint=around.progress.checkpoint)
        around.locks(repository).clear()
        return mark


def _mark(repository: OpenRepository, password: Password) -> str:
    config = repository.bucket.get(repository.directory + "config", limit=MAX_CONFIG)
    return hashlib.sha256(config + password.version.encode()).hexdigest()[:16]
