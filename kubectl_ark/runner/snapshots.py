"""What a backup's run takes snapshots with: the classes of the cluster, and what the Backup says of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.results import CLUSTER
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.engine.snapshots import detaching
from kubectl_ark.engine.snapshots.hands import SnapshotHands
from kubectl_ark.engine.snapshots.sources import SnapshotSources
from kubectl_ark.engine.snapshots.taking import ClaimSnapshots
from kubectl_ark.kube.api import Api
from kubectl_ark.kube.pages import items
from kubectl_ark.model import kinds, labels, snapshot_classes, snapshot_locations, times
from kubectl_ark.model.resources import CONTENTS, SNAPSHOT_CLASSES, custom
from kubectl_ark.model.snapshot_classes import SnapshotClasses
from kubectl_ark.model.volume_policies import Action
from kubectl_ark.runner.accounts import Account
from kubectl_ark.runner.run import Run, TakenOver
from kubectl_ark.runner.work import Work

LOCATIONS = custom(kinds.SNAPSHOT_LOCATION)

DEFAULT_SECONDS = 600.0
"""For one snapshot; Velero's default of csiSnapshotTimeout."""

Object = dict[str, Any]


def problems(api: Api, namespace: str, spec: Mapping[str, Any]) -> list[str]:
    """Every mistake in the VolumeSnapshotLocations that a Backup names. namespace: Ark's. Raises ApiError."""
    found: list[str] = []
    names = spec.get("volumeSnapshotLocations")
    for name in names if isinstance(names, list) else ():
        try:
            found += snapshot_locations.problems(api.get(LOCATIONS.path(namespace, name)))
        except errors.NotFound:
            found.append(f"spec.volumeSnapshotLocations: volumesnapshotlocation {name} does not exist in namespace "
                         f"{namespace}")
    return found


def taking(work: Work, run: Run, spec: Mapping[str, Any], *, account: Callable[[], Api], policies: Sequence[Any],
           log: RunLog) -> ClaimSnapshots:
    """Who takes the snapshots of a backup: of nothing where it wants none, or where the cluster has none.

    spec: valid. policies: its volume policies. Raises ApiError.
    """
    given = spec.get("csiSnapshotTimeout")
    hands = SnapshotHands(work.api, account, times.parse_duration(given or "0") or DEFAULT_SECONDS, run.attempt)
    classes = SnapshotClasses()
    if spec.get("snapshotVolumes") is not False:
        asked = spec.get("snapshotVolumes") is True or any(
            (each.get("action") or {}).get("type") == Action.SNAPSHOT for each in policies)
        classes = _classes(work.api, run, spec, log=log, asked=asked)
    return ClaimSnapshots(hands, backup=run.object, classes=classes, log=log, progress=work.progress)


@contextlib.contextmanager
def restoring(work: Work, run: Run, api: Api, *, log: RunLog) -> Iterator[SnapshotSources]:
    """Who makes volumes from snapshots while this lasts. api: for the work of the run."""
    account = Account(work.api, work.namespace)
    sources = SnapshotSources(SnapshotHands(api, account.api, DEFAULT_SECONDS, run.attempt), restore=run.object,
                              log=log, progress=work.progress)
    with contextlib.closing(sources):
        yield sources


def release_stored(work: Work, run: Run, stored: Mapping[str, Any]) -> None:
    """Take away what an earlier attempt left of the snapshots of its stored backup. Raises ApiError."""
    if (stored.get("status") or {}).get("csiVolumeSnapshotsAttempted"):
        detaching.release_all(Account(work.api, run.namespace).api(), f"{labels.BACKUP_UID}={run.uid}")


@contextlib.contextmanager
def discarded_on_failure(snapshots: ClaimSnapshots, log: RunLog) -> Iterator[None]:
    """Leave no snapshot of a backup that came to nothing; one that another pod goes on with keeps what it has."""
    try:
        yield
    except errors.Interrupted:
        raise
    except Exception as failure:
        if not isinstance(failure, TakenOver):
            try:
                snapshots.discard()
            except errors.ArkError as second:
                log.warning(f"snapshots that this run took are left over, a pass will remove them: {second.sentence}")
        raise


def _classes(api: Api, run: Run, spec: Mapping[str, Any], *, log: RunLog, asked: bool) -> SnapshotClasses:
    """asked: whether somebody counts on snapshots, so that he is told where there can be none."""
    try:
        api.get(CONTENTS.path(), params={"limit": "1"})
        found = list(items(api, SNAPSHOT_CLASSES))
    except errors.Unreachable:
        raise
    except errors.ApiError as failure:
        if asked or not isinstance(failure, (errors.NotFound, errors.Forbidden)):
            log.warning(f"no snapshots are taken: {_WHY.get(type(failure), failure.sentence)}", place=CLUSTER)
        return SnapshotClasses()
    places = [api.get(LOCATIONS.path(run.namespace, name)) for name in spec.get("volumeSnapshotLocations") or ()]
    chosen = {**snapshot_locations.classes(places),
              **snapshot_classes.of_annotations(run.object["metadata"].get("annotations"))}
    return SnapshotClasses(found, chosen)


_WHY: dict[type[errors.ApiError], str] = {
    errors.NotFound: "this cluster serves no snapshot.storage.k8s.io",
    errors.Forbidden: "they need VolumeSnapshotContents, which lie in no namespace, and this installation reaches some "
                      "namespaces only",
}
"""What the API server says against listing contents and classes, and what that means."""
