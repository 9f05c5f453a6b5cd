"""One Backup: from its claim to its final phase."""

from __future__ import annotations

import contextlib
import datetime
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine import spool
from kubectl_ark.engine.backup import documents
from kubectl_ark.engine.backup.hooks import PodStage
from kubectl_ark.engine.backup.ownership import Ownership
from kubectl_ark.engine.backup.podvolumes import PodVolumes
from kubectl_ark.engine.backup.run import Collected
from kubectl_ark.engine.backup.run import run as collect
from kubectl_ark.engine.results import Results
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.kube.pages import items
from kubectl_ark.model import backup_spec, kinds, layout, phases, volume_backups, times
from kubectl_ark.model.phases import Phase
from kubectl_ark.model.resources import custom
from kubectl_ark.runner import cluster, installed, locations, policies, snapshots, volumes
from kubectl_ark.runner.forward import warnings_to
from kubectl_ark.runner.heartbeat import Heartbeat
from kubectl_ark.runner.run import Run, TakenOver
from kubectl_ark.runner.work import Work, record_failure
from kubectl_ark.store.bucket import Bucket

logger = logging.getLogger(__name__)

FORMAT = {"version": 1, "formatVersion": "1.1.0"}
SIDE_FILES_AT_ONCE = 4
SNAPSHOT_COUNTS = ("csiVolumeSnapshotsAttempted", "csiVolumeSnapshotsCompleted", "volumeSnapshotsAttempted",
                   "volumeSnapshotsCompleted")
"""Fields of the status that say how many snapshots were taken."""


def backup(work: Work) -> None:
    """Run one Backup. Raises what ended it, after the status says so."""
    run = Run(work.api, kinds.BACKUP, namespace=work.namespace, name=work.name, identity=work.identity)
    run.claim()
    with contextlib.ExitStack() as stack:
        log = RunLog(Results(), subject=("backup", f"{work.namespace}/{work.name}"), directory=work.directory)
        stack.enter_context(warnings_to(log))
        stage = PodStage(
            work.api, namespace=work.namespace, resources=_hooks(run), log=log, progress=work.progress,
            remember=lambda pending: run.update(pendingHooks=pending or None))
        stack.callback(stage.close)
        try:
            stage.resume(run.status.get("pendingHooks") or [])
            bucket, spec, effective = _prepare(work, run)
            _start(run, spec)
            cluster_id = cluster.cluster_id(work.api)
            ownership = Ownership(bucket, name=run.name, uid=run.uid, namespace=run.namespace, cluster_id=cluster_id)
            stored = ownership.take(moment=str(run.status["startTimestamp"]), is_gone=lambda uid: _is_gone(work, uid))
            if stored is not None:
                _release(lambda: snapshots.release_stored(work, run, stored))
                _complete_from(run, stored, log)
                return
            stack.enter_context(_withdrawn_on_failure(ownership, bucket, run, log))
            if bucket.abort_uploads(layout.backup_directory(run.name)):
                log.info("the upload that an earlier attempt left unfinished is removed")
            log.info(f"backup begins, attempt {run.attempt}")
            data = stack.enter_context(volumes.saving(work, run, bucket, effective, policies=policies.of_volumes(
                work.api, work.namespace, spec), cluster_id=cluster_id, log=log))
            stage.volumes = data
            stack.enter_context(snapshots.discarded_on_failure(data.snapshots, log))
            with Heartbeat(run, work.progress, count_field="itemsBackedUp"):
                api = work.api.limited(qps=spec.get("qps"))
                collected = collect(api, bucket, effective, key=layout.contents(run.name), directory=work.directory,
                                    log=log, progress=work.progress, stage=stage, data=data,
                                    reach=lambda: installed.settings(work.api, work.namespace).reach)
                work.progress.checkpoint()
                outcome = _store(work, run, bucket, spec, collected=collected, ownership=ownership,
                                 cluster_id=cluster_id, log=log, stage=stage, data=data)
                _release(data.snapshots.release)
            _end(run, outcome)
        except Exception as failure:
            run.let_go(failure)
            record_failure(run, failure, hookStatus=stage.status)
            raise


def _hooks(run: Run) -> list[dict[str, Any]]:
    return list(((run.object.get("spec") or {}).get("hooks") or {}).get("resources") or [])


def _prepare(work: Work, run: Run) -> tuple[Bucket, dict[str, Any], dict[str, Any]]:
    """The bucket, the defaulted spec, and the same with what its resource policy adds.

    Raises ValidationFailed with every reason, StoreUnusable.
    """
    given = run.object.get("spec") or {}
    problems = list(backup_spec.problems(given))
    effective, bucket = given, None
    try:
        effective = policies.with_policy(work.api, work.namespace, given)
    except errors.ValidationFailed as refused:
        problems += refused.problems
    problems += snapshots.problems(work.api, work.namespace, given)
    try:
        location = locations.named(work.api, work.namespace, given.get("storageLocation"))
        if reason := locations.against_writing(location):
            problems.append(reason)
        bucket = locations.opened(work.api, location)
    except (errors.InvalidInput, errors.LocationInvalid) as wrong:
        problems.append(wrong.sentence)
    except errors.StoreUnusable:
        if not problems:
            raise
    if problems or bucket is None:
        raise errors.ValidationFailed(problems)
    spec = {**backup_spec.with_defaults(given), "storageLocation": bucket.location.name}
    return bucket, spec, backup_spec.with_defaults(effective)


def _start(run: Run, spec: dict[str, Any]) -> None:
    """InProgress; a later attempt keeps the time at which the first began."""
    now = times.now()
    start = run.status.get("startTimestamp") or times.format_time(now)
    expiration = times.parse_time(start) + datetime.timedelta(seconds=times.parse_duration(spec["ttl"]))
    run.enter(Phase.IN_PROGRESS, "the backup runs", **FORMAT, startTimestamp=start, step="starting",
              expiration=times.format_time(expiration), storageLocation=spec["storageLocation"])


def _store(
    work: Work, run: Run, bucket: Bucket, spec: dict[str, Any], *, collected: Collected, ownership: Ownership,
    cluster_id: str, log: RunLog, stage: PodStage, data: PodVolumes,
) -> dict[str, Any]:
    """Store the files beside the tar, and last the one that makes the backup exist; the final status fields."""
    work.progress.step("storing lists and log")
    archive, results = collected.archive, log.results
    phase = phases.outcome(results.errors)
    log.info(f"{archive.items} items, {results.warnings} warnings, {results.errors} errors: {phase}")
    saved, taken = data.saved, data.snapshots.done
    name, moment = run.name, times.format_time(times.now())
    archive.manifest.key(layout.contents(name), collected.uploaded.sha256, collected.uploaded.size)
    empty = spool.document([])
    files = {
        layout.backup_log(name): log.close(),
        layout.backup_results(name): spool.document(results.document()),
        layout.resource_list(name): archive.resource_list.document(),
        layout.volume_info(name): collected.volumes.document(saved, taken),
        layout.pod_volume_backups(name): spool.document([volume_backups.stored(each) for each in saved]),
        layout.volume_snapshots(name): empty,
        layout.item_operations(name): empty,
    }
    for key, content in files.items():
        archive.manifest.key(key, spool.sha256(content), len(content))
    manifest = archive.manifest.document({
        "backup": name, "uid": run.uid, "clusterID": cluster_id, "items": archive.items,
        "members": collected.uploaded.members})
    files[layout.manifest(name)] = manifest
    with ThreadPoolExecutor(SIDE_FILES_AT_ONCE) as pool:
        for _ in pool.map(lambda key: bucket.put(key, files[key]), files):
            work.progress.checkpoint()
    fields = {
        "completionTimestamp": moment, "warnings": results.warnings, "errors": results.errors,
        "progress": {"totalItems": archive.items, "itemsBackedUp": archive.items}, "hookStatus": stage.status,
        **data.snapshots.counts,
    }
    finished = run.finished_copy(phase, _summary(fields), **fields)
    finished["spec"] = spec
    version = work.api.get("/version")
    work.progress.checkpoint()
    run.heed()
    ownership.finish(documents.metadata(
        finished, version=version, cluster_id=cluster_id, manifest_sha256=spool.sha256(manifest),
        hidden=collected.hidden))
    return {"phase": phase.value, **fields}


def _end(run: Run, outcome: dict[str, Any]) -> None:
    phase = Phase(outcome.pop("phase"))
    run.enter(phase, _summary(outcome), **outcome)


def _complete_from(run: Run, stored: dict[str, Any], log: RunLog) -> None:
    """An earlier attempt stored everything and died before it could say so."""
    status = stored["status"]
    log.info("an earlier attempt had finished the backup; its outcome is written to the status")
    _end(run, {field: status[field] for field in (
        "phase", "completionTimestamp", "warnings", "errors", "progress", "hookStatus", *SNAPSHOT_COUNTS)
        if field in status})


def _release(release: Callable[[], None]) -> None:
    """The backup is stored: the objects of its snapshots are needed no more. What stays of them is for a pass."""
    try:
        release()
    except errors.Interrupted:
        raise
    except errors.ArkError as failure:
        logger.warning("objects of snapshots are left for a pass to remove: %s", failure.sentence)


def _summary(outcome: dict[str, Any]) -> str:
    return (f"{outcome['progress']['itemsBackedUp']} items, {outcome['warnings']} warnings, "
            f"{outcome['errors']} errors")


@contextlib.contextmanager
def _withdrawn_on_failure(ownership: Ownership, bucket: Bucket, run: Run, log: RunLog) -> Iterator[None]:
    """Leave nothing half-written. A failed run keeps its log, its name stays claimed while its CR exists."""
    try:
        yield
    except (errors.Interrupted, TakenOver):
        raise
    except Exception as failure:
        lost = isinstance(failure, errors.RunLost)
        with contextlib.suppress(errors.ArkError):
            if ownership.withdraw(keep_claim=not lost) and not lost:
                log.error(failure.sentence if isinstance(failure, errors.ArkError) else repr(failure))
                bucket.put(layout.backup_log(run.name), log.close())
        raise


def _is_gone(work: Work, uid: str) -> bool:
    """True if no Backup of this name and uid exists anywhere in this cluster."""
    try:
        return not any(item["metadata"]["uid"] == uid for item in items(work.api, custom(kinds.BACKUP)))
    except errors.Forbidden:  # an installation for some namespaces sees its own Backups only
        return not any(item["metadata"]["uid"] == uid
                       for item in items(work.api, custom(kinds.BACKUP), work.namespace))
