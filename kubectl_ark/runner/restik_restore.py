"""A snapshot of a Restik brought back: into a new claim, or into one that no pod uses."""

from __future__ import annotations

import dataclasses
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.restore.claimdata import Task
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.kube.pages import items
from kubectl_ark.model import labels, restik_choice, restiks, times
from kubectl_ark.model.restik_choice import Snapshot
from kubectl_ark.model.resources import CLAIMS, PODS
from kubectl_ark.model.volume_restores import Saved
from kubectl_ark.runner import installed, locations, restik_repository, volumes
from kubectl_ark.runner.cluster import cluster_id
from kubectl_ark.runner.repositories import Surroundings
from kubectl_ark.runner.restik_counts import RESTIKS
from kubectl_ark.runner.run import Run
from kubectl_ark.runner.work import Work
from kubectl_ark.store.bucket import Bucket

_OVER = ("Succeeded", "Failed")

Object = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Source:
    """What is brought back, and from where. identifier: of the repository, for records."""

    restik: Object
    bucket: Bucket
    snapshot: Snapshot
    identifier: str


def source(work: Work, wish: Object) -> Source:
    """The snapshot that is meant. wish: the Restore's spec.restik. Raises ValidationFailed, StoreError, ApiError."""
    title = f"restik {wish['namespace']}/{wish['name']}"
    try:
        restik = work.api.get(RESTIKS.path(wish["namespace"], wish["name"]))
        bucket = locations.opened(work.api, locations.named(
            work.api, work.namespace, restiks.location(restik.get("spec") or {})))
        around = Surroundings(work.api, bucket, work.namespace, cluster_id(work.api),
                              installed.settings(work.api, work.namespace).reach, work.identity.pod_uid,
                              work.directory, work.progress)
        listed = [restik_choice.snapshot(each) for each in restik_repository.snapshots(around, restik)]
        at = times.parse_time(wish["at"]) if wish.get("at") else None
        chosen = restik_choice.choose(listed, at=at, pod=wish.get("pod") or "")
    except errors.NotFound:
        raise errors.ValidationFailed([f"{title} does not exist: make it again as it was, its snapshots are still "
                                       "there"]) from None
    except (ValueError, errors.InvalidInput, errors.StoreUnusable) as failure:
        said = failure.sentence if isinstance(failure, errors.ArkError) else str(failure)
        raise errors.ValidationFailed([said if isinstance(failure, errors.ArkError) else f"{title}: {said}"]
                                      ) from failure
    if problem := _in_use(work, wish["namespace"], wish["toClaim"]):
        raise errors.ValidationFailed([problem])
    return Source(restik, bucket, chosen, bucket.location.restic_address(restik_repository.directory(restik)))


def bring_back(work: Work, run: Run, found: Source, log: RunLog) -> list[Object]:
    """Fill the claim; PodVolumeRestores that have ended. What went wrong is in the log. Raises what ends the run."""
    wish = run.object["spec"]["restik"]
    namespace, claim, snapshot = wish["namespace"], wish["toClaim"], found.snapshot
    log.info(f"snapshot {snapshot.id[:8]} from {times.format_time(snapshot.moment)}, of volume {snapshot.volume} of "
             f"pod {snapshot.pod}, goes into persistentvolumeclaim {namespace}/{claim}")
    try:
        _make_claim(work, namespace, claim, snapshot.claim)
        saved = Saved(namespace, snapshot.pod, snapshot.volume, snapshot.id, "restic", "Completed",
                      identifier=found.identifier, bytes=snapshot.bytes,
                      repository=restik_repository.directory(found.restik))
        with volumes.filling(work, run, found.bucket, cluster_id=cluster_id(work.api), log=log,
                             restik=found.restik) as filling:
            filling.fill(Task((namespace, claim), saved, {}), node=None)
            return filling.done
    except (errors.Interrupted, errors.Cancelled, errors.RunLost, errors.Unreachable):
        raise
    except errors.ArkError as failure:
        log.error(f"the data of persistentvolumeclaim {namespace}/{claim} was not brought back: {failure.sentence}",
                  place=namespace, resource="persistentvolumeclaims", namespace=namespace, name=claim)
        return []


def _in_use(work: Work, namespace: str, claim: str) -> str:
    """Why the claim must not be written to now, "" if it may."""
    for pod in items(work.api, PODS, namespace):
        if (pod.get("status") or {}).get("phase") in _OVER:
            continue
        used = [(each.get("persistentVolumeClaim") or {}).get("claimName")
                for each in (pod.get("spec") or {}).get("volumes") or ()]
        is_ours = (pod["metadata"].get("labels") or {}).get(labels.MANAGED_BY) == labels.MANAGER
        if claim in used and not is_ours:
            return (f"persistentvolumeclaim {namespace}/{claim} is used by pod {pod['metadata']['name']}: scale its "
                    "workload to 0 first, or bring the data back into a new claim")
    return ""


def _make_claim(work: Work, namespace: str, name: str, former: str) -> None:
    """Make the claim like the one that the data came from, unless it is there. Raises InvalidInput, ApiError."""
    try:
        work.api.get(CLAIMS.path(namespace, name))
        return
    except errors.NotFound:
        pass
    try:
        spec = work.api.get(CLAIMS.path(namespace, former)).get("spec") or {}
    except errors.NotFound:
        raise errors.InvalidInput(f"persistentvolumeclaim {namespace}/{name} does not exist, nor does {former}, which "
                                  "it would be made like", hint="make it first, large enough") from None
    kept = {field: spec[field] for field in ("accessModes", "resources", "storageClassName", "volumeMode")
            if field in spec}
    work.api.create(CLAIMS.path(namespace), {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": namespace},
        "spec": kept})
