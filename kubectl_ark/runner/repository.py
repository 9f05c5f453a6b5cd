"""The upkeep of one restic repository: locks of dead pods, data that no snapshot needs, soundness."""

from __future__ import annotations

import datetime
import logging
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.volumes import passwords, tidying
from kubectl_ark.engine.volumes.repository import opened
from kubectl_ark.model import layout, repositories, times
from kubectl_ark.model.settings import Settings
from kubectl_ark.runner import installed, locations
from kubectl_ark.runner.cluster import cluster_id
from kubectl_ark.runner.repositories import REPOSITORIES, Surroundings, try_password, write
from kubectl_ark.runner.work import Work

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 2 * 3600.0
"""So long those who save volumes to the repository are waited for."""


def repository(work: Work) -> None:
    """Tidy and check the repository of one ResticRepository, and write down what came of it. Raises what is wrong.

    It is NotReady where it cannot be used as it is, by nobody; what only failed this time leaves the phase as it was.
    """
    record = work.api.get(REPOSITORIES.path(work.namespace, work.name))
    begun = times.now()
    try:
        message = _tidied(work, record, installed.settings(work.api, work.namespace))
    except errors.Interrupted:
        raise  # the Job's next pod begins anew
    except errors.ArkError as failure:
        hopeless = isinstance(failure, (errors.StoreUnusable, errors.Damaged, errors.InvalidInput))
        unusable = {"phase": repositories.NOT_READY, "message": failure.sentence} if hopeless else {}
        _write(work, record, begun, failure.sentence, failed=True, **unusable)
        raise
    logger.info("%s", message)
    _write(work, record, begun, message, failed=False, phase=repositories.READY, message=None)


def _tidied(work: Work, record: dict[str, Any], settings: Settings) -> str:
    spec = record.get("spec") or {}
    location = locations.named(work.api, work.namespace, spec["backupStorageLocation"])
    if (location.get("spec") or {}).get("accessMode") == "ReadOnly":
        raise errors.InvalidInput(f'storage location "{location["metadata"]["name"]}" is ReadOnly')
    around = Surroundings(
        work.api, locations.opened(work.api, location), work.namespace, cluster_id(work.api),
        installed.places(settings, work.namespace), work.identity.pod_uid, work.directory, work.progress)
    password = passwords.read(work.api, work.namespace, record)
    with opened(around.bucket, layout.repository(spec["volumeNamespace"]), password=password.text,
                scratch=work.directory, stop=work.progress.over) as found:
        try_password(found, password, checkpoint=work.progress.checkpoint)
        locks = around.locks(found)

        def check(patience: float) -> str:
            return tidying.check(found, locks, subset=settings.repository_check_subset, patience=patience,
                                 checkpoint=work.progress.checkpoint)

        try:
            pruned = tidying.prune(found, locks, patience=PATIENCE_SECONDS, checkpoint=work.progress.checkpoint)
        except errors.StoreError:
            check(patience=0)  # says what prune does not: that the repository is damaged
            raise
        return "; ".join([pruned, check(PATIENCE_SECONDS), *locks.told])


def _write(work: Work, record: dict[str, Any], begun: datetime.datetime, told: str, *, failed: bool,
           **fields: Any) -> None:
    write(work.api, record, **repositories.tidied(record, begun=begun, ended=times.now(), message=told, failed=failed),
          **fields)
