"""The newest backup of a schedule, for a Restore that names no backup (design §3, §5).

It goes by the label on the backups, so it works without the Schedule object. Looked at are the CRs and, where a
location holds backups that have none, the bucket. Only this cluster's own count unless the Restore says otherwise: on
a bucket that clusters share, another one's backup of the same schedule name is not what is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.kube.pages import items
from kubectl_ark.model import labels, phases, stored_backup
from kubectl_ark.model.phases import Phase
from kubectl_ark.runner import locations, stored
from kubectl_ark.runner.cluster import cluster_id
from kubectl_ark.runner.source import BACKUPS
from kubectl_ark.store.bucket import Bucket

READS_AT_ONCE = 8


def find(api: Api, namespace: str, spec: dict[str, Any]) -> str:
    """The name of the newest usable backup of spec.scheduleName, by the time that it began.

    Raises InvalidInput, which says what there is instead; StoreError where there is none and a location cannot be read.
    """
    schedule = str(spec["scheduleName"])
    wanted = {Phase.COMPLETED.value, *([Phase.PARTIALLY_FAILED.value] if spec.get("allowPartiallyFailed") else [])}
    cluster = cluster_id(api)
    ours, others, unfit, broken = [], 0, 0, list[errors.StoreError]()
    for backup in _of_schedule(api, namespace, labels.label_value(schedule), broken):
        if not (spec.get("anyCluster") or stored_backup.is_own(backup, cluster)):
            others += 1
        elif phases.phase_of(backup) not in wanted:
            unfit += 1
        else:
            ours.append(((backup.get("status") or {}).get("startTimestamp") or "", backup["metadata"]["name"]))
    if not ours and broken:
        raise broken[0]
    if not ours:
        raise errors.InvalidInput(
            f'schedule "{schedule}" has no backup that is {" or ".join(sorted(wanted))}'
            + (f"; {unfit} in another phase" if unfit else "") + (f"; {others} of other clusters" if others else ""),
            hint="name one with --from-backup" + (", or take any cluster's with --any-cluster" if others else ""))
    return str(max(ours)[1])


def _of_schedule(
    api: Api, namespace: str, schedule: str, broken: list[errors.StoreError],
) -> Iterator[dict[str, Any]]:
    """The schedule's backups; locations that cannot be read are put into ``broken``."""
    known: set[str] = set()
    for backup in items(api, BACKUPS, namespace):
        known.add(backup["metadata"]["name"])
        if labels.schedule_of(backup["metadata"].get("labels")) == schedule:
            yield backup
    for place in locations.everyone(api, namespace):
        try:
            bucket = locations.opened(api, place)
            without = _without_cr(bucket, known)
        except errors.StoreError as failure:
            broken.append(failure)
            continue
        for backup in without:
            if labels.schedule_of(backup["metadata"].get("labels")) == schedule:
                known.add(backup["metadata"]["name"])
                yield backup


def _without_cr(bucket: Bucket, known: set[str]) -> list[dict[str, Any]]:
    missing = sorted(stored.names(bucket) - known)
    with ThreadPoolExecutor(READS_AT_ONCE) as pool:
        return [each for each in pool.map(lambda name: _stored(bucket, name), missing) if each is not None]


def _stored(bucket: Bucket, name: str) -> dict[str, Any] | None:
    """The Backup as sync would make it, without what nobody asks about; None where there is no sound one."""
    try:
        found = stored.find(bucket, name)
    except errors.Damaged:
        return None
    if found is None or stored_backup.problem(found.backup, name):
        return None
    resource = stored_backup.resource(found.backup, namespace="", location=bucket.location.name)
    return {"metadata": resource["metadata"], "status": found.backup.get("status")}
