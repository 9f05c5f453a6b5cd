"""One volume's Job from its token to its result, for backups and restores alike."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
from collections.abc import Callable
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.progress import Checkpoint
from kubectl_ark.engine.volumes.jobs import Followed, Mailbox, VolumeJobs
from kubectl_ark.engine.volumes.protocols import Gate, Records
from kubectl_ark.model import times
from kubectl_ark.model.settings import Settings
from kubectl_ark.model.volume_work import CANCELED, FAILED, VolumeWork
from kubectl_ark.render.volume_jobs import Place, volume_job

Object = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Hands:
    """What every volume of one run is handled with. attempt: of the run. deadline: seconds for one volume."""

    jobs: VolumeJobs
    gate: Gate
    records: Records
    settings: Settings
    cluster_id: str
    attempt: int
    deadline: int
    checkpoint: Checkpoint


@dataclasses.dataclass(frozen=True)
class Task:
    """One volume.

    volume: its PodVolumeBackup or PodVolumeRestore. work: what the Job is to do; address and user are filled in. place:
    where it runs; user and groups count where root is not let in. anew: what an earlier attempt began does not count.
    """

    volume: Object
    work: VolumeWork
    place: Place
    anew: bool
    hindrance: Callable[[], str | None]
    heed: Callable[[Object], None]


def carry_out(hands: Hands, task: Task) -> Object:
    """Have a Job do it, or go on with the one that does; the object as it is at the end, with its status.

    What fails stands there, as Failed with a sentence. Raises what ends the run.
    """
    volume, user = task.volume, str(task.volume["metadata"]["uid"])
    try:
        job, token = _former(hands, task)
        password, _ = hands.gate.ready(task.work.repository)
        mailbox = Mailbox()
        address = hands.gate.admit(user, token, task.work.repository, mailbox.take)
        try:
            if job is None:
                new = _new_job(hands, task, dataclasses.replace(task.work, address=address, user=user))
                volume = _announced(hands, volume, new)
                job = hands.jobs.start(new, token=token, password=password)
            result = hands.jobs.follow(
                Followed(volume, job, mailbox, task.hindrance, task.heed, hands.records.is_abandoned),
                checkpoint=hands.checkpoint)
        finally:
            hands.gate.dismiss(user)
    except (errors.Interrupted, errors.RunLost, errors.Unreachable):
        raise
    except errors.Cancelled as wish:
        with contextlib.suppress(errors.ArkError):
            hands.records.write(volume, **status_of({"phase": CANCELED, "message": wish.message}))
        raise
    except errors.ArkError as failure:
        result = {"phase": FAILED, "message": failure.sentence}
    return hands.records.write(volume, **status_of(result))


def _new_job(hands: Hands, task: Task, work: VolumeWork) -> Object:
    """As whoever the namespace lets in. Raises Forbidden, ApiError."""
    def rendered(place: Place) -> Object:
        return volume_job(task.volume, hands.settings, work, place=place, cluster_id=hands.cluster_id,
                          deadline=hands.deadline, attempt=hands.attempt)

    return rendered(hands.jobs.fitting(rendered, task.place))


def _announced(hands: Hands, volume: Object, job: Object) -> Object:
    """The volume in progress. The Job is written down before it is made: a run that is killed leaves none unknown."""
    return hands.records.write(
        volume, phase="InProgress", job={"namespace": job["metadata"]["namespace"], "name": job["metadata"]["name"]},
        startTimestamp=(volume.get("status") or {}).get("startTimestamp") or times.format_time(times.now()),
        message=None, snapshotID=None, failures=None, completionTimestamp=None)


def _former(hands: Hands, task: Task) -> tuple[Object | None, str]:
    """The Job that an earlier attempt began, with its token; None and a new token where there is none to go on with."""
    begun = (task.volume.get("status") or {}).get("job") or {}
    if begun:
        job = None if task.anew else hands.jobs.find(begun["namespace"], begun["name"])
        token = hands.jobs.token_of(job) if job is not None else None
        if token is not None:
            return job, token
        hands.jobs.end(begun["namespace"], begun["name"])
    return None, secrets.token_urlsafe(32)


def status_of(result: Object) -> Object:
    """A Job's result as fields of the status."""
    fields = {key: value for key, value in result.items() if key not in ("kind", "bytesTotal", "failureCount")}
    fields.setdefault("phase", FAILED)
    for field in ("message", "snapshotID", "failures"):
        fields[field] = fields.get(field) or None
    if "bytesTotal" in result:
        fields["progress"] = {"bytesDone": result["bytesTotal"], "totalBytes": result["bytesTotal"]}
    return {**fields, "completionTimestamp": times.format_time(times.now())}
