"""What a Restik's CronJob starts: a snapshot of the volume of each pod that counts, then the retention policy."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.volumes.tenants import Rights
from kubectl_ark.model import kinds, restik_workloads, restiks, times
from kubectl_ark.model.resources import JOBS
from kubectl_ark.model.restik_workloads import Source
from kubectl_ark.runner import installed, locations, restik_counts, restik_repository, restik_sources, statuses, volumes
from kubectl_ark.runner.cluster import cluster_id
from kubectl_ark.runner.parent import Parent
from kubectl_ark.runner.repositories import Surroundings
from kubectl_ark.runner.restik_counts import RESTIKS, Taken
from kubectl_ark.runner.restik_snapshots import Snapshots
from kubectl_ark.runner.schedule import SCHEDULED, due_time
from kubectl_ark.runner.work import Work
from kubectl_ark.store.bucket import Bucket

logger = logging.getLogger(__name__)

Object = dict[str, Any]


def restik(work: Work) -> None:
    """Take the snapshots of the Restik that ``work.name``, "<namespace>/<name>", names.

    A snapshot that fails is told by its Event, and is no failure of the run. Raises RunLost where there is nothing to
    do, InvalidInput, ApiError, Interrupted.
    """
    job = _job(work)
    found, covered = _read(work, job)
    sources = restik_sources.sources(work.api, found, covered)
    if not sources:
        _note(work, found, message="there is nothing to save: every workload is scaled to 0")
        return
    try:
        bucket = _bucket(work, found)
    except (errors.InvalidInput, errors.StoreUnusable) as failure:
        _all_failed(work, found, sources, failure.sentence)
        told: dict[str, Any] = {"message": f"0 of {len(sources)} snapshots taken: {failure.sentence}"}
    else:
        told = _saved(work, found, sources, job, bucket)
    logger.info("%s", told["message"])
    _note(work, found, lastScheduleTime=times.format_time(due_time(job)), **told)


def _job(work: Work) -> Object:
    if not work.identity.job_name:
        raise errors.InvalidInput(
            "the snapshots of a Restik are taken by a Job", hint="make one with kubectl create job NAME -n "
            f"{work.namespace} --from=cronjob/CRONJOB; the Restik's status names its CronJob")
    return work.api.get(JOBS.path(work.namespace, work.identity.job_name))


def _read(work: Work, job: Object) -> tuple[Object, list[Object]]:
    """The Restik and the workloads that it saves. Raises RunLost where it is not to save any, InvalidInput."""
    namespace, _, name = work.name.partition("/")
    try:
        found = work.api.get(RESTIKS.path(namespace, name))
    except errors.NotFound:
        raise errors.RunLost(f"restik {work.name} was deleted") from None
    metadata, spec = found["metadata"], found.get("spec") or {}
    if work.identity.run_uid and metadata["uid"] != work.identity.run_uid:
        raise errors.RunLost(f"restik {work.name} was deleted and made anew; this Job belongs to the former one")
    if spec.get("paused") and SCHEDULED in (job["metadata"].get("annotations") or {}):
        raise errors.RunLost(f"restik {work.name} is paused")
    if problems := restiks.problems(spec):
        raise errors.InvalidInput(f"restik {work.name} takes no snapshots: {'; '.join(problems)}")
    workloads = list(restik_sources.labelled(work.api, namespace, name=name))
    covered = [dict(each) for each in restik_workloads.covered(workloads, namespace, name)]
    if not covered:
        raise errors.RunLost(f"no workload has the label {restiks.CONFIG}: {name} any more")
    return found, covered


def _bucket(work: Work, found: Object) -> Bucket:
    location = locations.named(work.api, work.namespace, restiks.location(found["spec"]))
    if (location.get("spec") or {}).get("accessMode") == "ReadOnly":
        raise errors.InvalidInput(f'storage location "{location["metadata"]["name"]}" is ReadOnly')
    return locations.opened(work.api, location)


def _all_failed(work: Work, found: Object, sources: list[Source], sentence: str) -> None:
    for source in sources:
        pod = f" of pod {source.pod['metadata']['name']}" if source.pod else ""
        restik_counts.count(work.api, found, Taken(
            False, f"no snapshot{pod} ({source.workload}): {sentence}", times.now(), 0.0))


def _saved(work: Work, found: Object, sources: list[Source], job: Object, bucket: Bucket) -> dict[str, Any]:
    """Fields of the status."""
    settings, cluster = installed.settings(work.api, work.namespace), cluster_id(work.api)
    around = Surroundings(work.api, bucket, work.namespace, cluster, installed.places(settings, work.namespace),
                          work.identity.pod_uid, work.directory, work.progress)
    parent = Parent(JOBS, work.namespace, work.identity.job_name, work.identity.job_uid, kinds.RESTIK.singular)
    gate = volumes.Gate(work, parent, bucket, rights=Rights.APPEND,
                        ready=lambda directory: restik_repository.ready(around, found))
    with contextlib.closing(gate):
        hands = volumes.hands(
            work, gate, volumes.Records(work.api, parent, kinds.POD_VOLUME_BACKUP), settings, cluster_id=cluster,
            attempt=1 + int((job.get("status") or {}).get("failed") or 0), deadline=settings.active_deadline_seconds)
        good = Snapshots(work.api, hands, found, parent=parent, location=bucket.location.name).take(sources)
    told = f"{good} of {len(sources)} snapshots taken"
    if good < len(sources):
        return {"message": f"{told}; older ones are all kept"}
    try:
        forgotten, pruned = restik_repository.forget(around, found, now=times.now())
    except errors.StoreError as failure:
        logger.error("%s", failure.sentence)
        return {"message": f"{told}; older ones are all kept: {failure.sentence}"}
    fields: dict[str, Any] = {"lastPruneTime": times.format_time(times.now())} if pruned else {}
    return {**fields, "message": f"{told}{f'; {forgotten}' if forgotten else ''}"}


def _note(work: Work, found: Object, **fields: Any) -> None:
    """Tell the Restik, if it is still there. Raises ApiError."""
    metadata = found["metadata"]
    with contextlib.suppress(errors.Conflict):
        statuses.write(work.api, RESTIKS.path(metadata["namespace"], metadata["name"], "status"), found, **fields)
