"""One Restore: from its claim to its final phase."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine import spool
from kubectl_ark.engine.restore.changes import Changes
from kubectl_ark.engine.restore.changes import load as load_changes
from kubectl_ark.engine.restore.outcome import Outcome
from kubectl_ark.engine.restore.run import run as restore_items
from kubectl_ark.engine.results import Results
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.kube import discovery
from kubectl_ark.kube.throttle import DEFAULT_PARALLEL
from kubectl_ark.model import kinds, layout, phases, restore_spec, times, volume_restores
from kubectl_ark.model.phases import Phase
from kubectl_ark.runner import cluster, newest, restored, snapshots, source, volumes
from kubectl_ark.runner.forward import warnings_to
from kubectl_ark.runner.heartbeat import Heartbeat
from kubectl_ark.runner.run import Run
from kubectl_ark.runner.work import Work, record_failure
from kubectl_ark.store.bucket import Bucket


def restore(work: Work) -> None:
    """Run one Restore. Raises what ended it, after the status says so."""
    run = Run(work.api, kinds.RESTORE, namespace=work.namespace, name=work.name, identity=work.identity)
    run.claim()
    log = RunLog(Results(), subject=("restore", f"{work.namespace}/{work.name}"), directory=work.directory)
    bucket: Bucket | None = None
    items = work.directory / "items"
    items.mkdir()
    outcome = Outcome(items)
    try:
        bucket, backup, changes = _prepare(work, run)
        run.enter(Phase.IN_PROGRESS, "the restore runs", step="starting",
                  startTimestamp=run.status.get("startTimestamp") or times.format_time(times.now()),
                  storageLocation=bucket.location.name, backupName=backup["metadata"]["name"],
                  resultsStored=not bucket.location.read_only)
        log.info(f"restore begins, attempt {run.attempt}, from {bucket.location.url}"
                 f"{layout.backup_directory(backup['metadata']['name'])}")
        spec = run.object.get("spec") or {}
        api = work.api.limited(qps=spec.get("qps"), parallel=spec.get("parallel"))
        with warnings_to(log), Heartbeat(run, work.progress, count_field="itemsRestored"), volumes.filling(
                work, run, bucket, cluster_id=cluster.cluster_id(work.api), log=log) as filling, snapshots.restoring(
                work, run, api, log=log) as sources:
            restore_items(
                api=api, catalog=discovery.discover(api), bucket=bucket, restore=run.object, backup=backup,
                workdir=items, log=log, progress=work.progress, threads=spec.get("parallel") or DEFAULT_PARALLEL,
                changes=changes, outcome=outcome, filling=filling, sources=sources)
            work.progress.checkpoint()
            fields = _store(work, run, bucket, outcome=outcome, log=log, volumes_back=[
                *(volume_restores.info(each) for each in filling.done), *sources.done])
        run.enter(Phase(fields.pop("phase")), _summary(outcome, log.results), **fields)
    except errors.Interrupted:
        raise
    except Exception as failure:
        run.let_go(failure)
        if bucket is not None:
            _keep_log(work, run, bucket, log, failure)
        record_failure(run, failure, hookStatus=_hook_status(outcome), backupName=_backup_name(run))
        raise


def _prepare(work: Work, run: Run) -> tuple[Bucket, dict[str, Any], Changes]:
    """The bucket, the stored backup, and what the user's ConfigMaps want.

    Raises ValidationFailed with every reason, StoreUnusable, StoreError.
    """
    spec = run.object.get("spec") or {}
    problems = list(restore_spec.problems(spec))
    if spec.get("existingVolumes") == "restore":
        problems.append("spec.existingVolumes: this version does not bring data back into claims that exist; leave it "
                        "out, or restore under another namespace with spec.namespaceMapping")
    found = None
    try:
        # An earlier attempt's choice stays: the schedule may have had a newer backup since.
        name = _backup_name(run)
        if not name and spec.get("scheduleName"):
            name = newest.find(work.api, work.namespace, spec)
        if name:
            found = source.find(work.api, work.namespace, name)
    except (errors.InvalidInput, errors.KeyMissing) as failure:
        problems.append(failure.sentence)
    changes, mistakes = load_changes(work.api, work.namespace, spec)
    problems += mistakes
    if problems or found is None:
        raise errors.ValidationFailed(problems)
    return *found, changes


def _backup_name(run: Run) -> str | None:
    """The backup that is restored from, as far as the run has come; None while only its schedule is named."""
    name = run.status.get("backupName") or (run.object.get("spec") or {}).get("backupName")
    return str(name) if name else None


def _store(
    work: Work, run: Run, bucket: Bucket, *, outcome: Outcome, log: RunLog, volumes_back: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Store log, results and resource list, where that is allowed; the final status fields."""
    work.progress.step("storing results and log")
    keeps = _may_keep(work, run, bucket, log)
    results, phase = log.results, phases.outcome(log.results.errors)
    if bucket.location.read_only:
        log.info(f'storage location "{bucket.location.name}" is ReadOnly: neither this log nor the results are stored')
    log.info(f"{_summary(outcome, results)}: {phase}")
    done = sum(outcome.counts.values())
    if keeps:
        resources = spool.Spool(work.directory / "resource-list.gz")
        for piece in outcome.resource_list():
            resources.write(piece)
        bucket.put(layout.restore_results(run.name), spool.document(results.document()))
        bucket.put(layout.restore_resource_list(run.name), resources.close())
        bucket.put(layout.restore_volume_info(run.name), spool.document(list(volumes_back)))
        bucket.put(layout.restore_log(run.name), log.close())
    return {"phase": phase.value, "warnings": results.warnings, "errors": results.errors,
            "hookStatus": _hook_status(outcome), "progress": {"totalItems": done, "itemsRestored": done}}


def _hook_status(outcome: Outcome) -> dict[str, int]:
    return {"hooksAttempted": outcome.hooks.attempted, "hooksFailed": outcome.hooks.failed}


def _summary(outcome: Outcome, results: Results) -> str:
    counts = ", ".join(f"{count} {action}" for action, count in outcome.counts.items() if count)
    return f"{counts or 'nothing to restore'}; {results.warnings} warnings, {results.errors} errors"


def _may_keep(work: Work, run: Run, bucket: Bucket, log: RunLog) -> bool:
    """Whether log and results may go into the bucket, under this Restore's name. Raises StoreError, ApiError."""
    if bucket.location.read_only:
        return False
    if stranger := restored.take(bucket, run.object, cluster_id=cluster.cluster_id(work.api)):
        log.warning(f"log and results of this restore are not kept: {stranger}")
        return False
    return True


def _keep_log(work: Work, run: Run, bucket: Bucket, log: RunLog, failure: Exception) -> None:
    """The log of a failed run is worth most; that it cannot be stored either must not hide why it failed."""
    log.error(failure.sentence if isinstance(failure, errors.ArkError) else repr(failure))
    with contextlib.suppress(errors.ArkError):
        if _may_keep(work, run, bucket, log):
            bucket.put(layout.restore_log(run.name), log.close())
