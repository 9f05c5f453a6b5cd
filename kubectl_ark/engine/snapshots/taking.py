"""Snapshots taken for the claims of one backup: begun in the stage of a claim's pod, waited for at the end of the run.

Their objects stay until the backup is stored, as the storage's names of them are written down nowhere else before;
``release`` takes them away then, ``discard`` does with all that lies at the storage if the backup comes to nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.progress import Progress
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.engine.snapshots import detaching
from kubectl_ark.engine.snapshots.board import Board
from kubectl_ark.engine.snapshots.hands import SnapshotHands
from kubectl_ark.model import labels, snapshots, times
from kubectl_ark.model.resources import CONTENTS, SNAPSHOTS
from kubectl_ark.model.snapshot_classes import NoClass, SnapshotClasses
from kubectl_ark.model.snapshots import Snapshot

LOOK_SECONDS = 0.5

REFUSED_SECONDS = 60.0
"""How long a driver may say that it cannot take a snapshot. Until then it may be busy; a pod whose hooks have frozen it
cannot wait for ever."""

Object = dict[str, Any]


@dataclasses.dataclass
class _Begun:
    """One that was begun. deadline: by the clock that ``time.monotonic`` shows."""

    snapshot: Object
    facts: Snapshot
    deadline: float

    @property
    def key(self) -> tuple[str, str]:
        metadata = self.snapshot["metadata"]
        return metadata["namespace"], metadata["name"]

    @property
    def title(self) -> str:
        return f"persistentvolumeclaim {self.facts.namespace}/{self.facts.claim}"


class ClaimSnapshots:
    """The snapshots of one backup. ``take`` is thread-safe.

    classes: of snapshots; without one no snapshot is taken of anything.
    """

    def __init__(self, hands: SnapshotHands, *, backup: Object, classes: SnapshotClasses, log: RunLog,
                 progress: Progress) -> None:
        self.done: list[Snapshot] = []
        """Those that have ended, well or not."""
        self._hands, self._backup, self._classes = hands, backup, classes
        self._log, self._progress = log, progress
        self._selector = f"{labels.BACKUP_UID}={backup['metadata']['uid']}"
        self._board = Board(hands.api, label_selector=self._selector)
        self._lock = threading.Lock()
        self._begun: list[_Begun] = []
        self._tried = False

    @property
    def drivers(self) -> frozenset[str]:
        """CSI drivers of whose volumes snapshots can be taken."""
        return self._classes.drivers

    @property
    def counts(self) -> dict[str, int]:
        """Fields of the Backup's status; native snapshots, which Velero counts apart, there are none."""
        good = sum(1 for each in self.done if each.handle)
        return {"csiVolumeSnapshotsAttempted": len(self.done), "csiVolumeSnapshotsCompleted": good,
                "volumeSnapshotsAttempted": 0, "volumeSnapshotsCompleted": 0} if self.done else {}

    def obstacle(self, driver: str, claim: Object) -> str:
        """Why no snapshot can be taken of a claim, as half a sentence; "" if one can."""
        try:
            self._classes.of(driver, claim)
        except NoClass as reason:
            return str(reason)
        return ""

    def take(self, claim: Object, *, driver: str, frozen: bool) -> None:
        """Take a snapshot, and return once its moment is held or it has failed; what failed is an error of the run.

        frozen: a pre hook has run, so that what an earlier attempt of the run took does not count. Raises what ends the
        run.
        """
        metadata, spec = claim["metadata"], claim.get("spec") or {}
        name = self._classes.of(driver, claim)
        facts = Snapshot(metadata["namespace"], metadata["name"], driver, snapshot_class=name,
                         volume=str(spec.get("volumeName") or ""), started=times.format_time(times.now()))
        wanted = snapshots.to_take(self._backup, claim, name, attempt=self._hands.attempt if frozen else 1)
        begun = _Begun(wanted, facts, time.monotonic() + self._hands.seconds)
        self._tried = True
        with self._explained(begun):
            begun.snapshot = self._made(wanted)
            self._board.expect(begun.snapshot)
            self._await(begun, snapshots.is_taken, patience=min(REFUSED_SECONDS, self._hands.seconds))
            with self._lock:
                self._begun.append(begun)

    def finish(self) -> None:
        """Wait until those that were taken can be used, and see to it that they outlive their objects.

        Raises what ends the run.
        """
        every = len(self._begun)
        for number, begun in enumerate(self._begun):
            self._progress.step(f"waiting for snapshots, {number} of {every} can be used")
            with self._explained(begun):
                self._keep(begun, self._await(begun, snapshots.is_ready, patience=self._hands.seconds))
        self._begun = []

    def close(self) -> None:
        """No more is taken."""
        self._board.close()

    def release(self) -> None:
        """Take the objects away, once the backup is stored. What an attempt took and did not use goes wholly.

        Raises ApiError.
        """
        if self._may_have_some:
            detaching.release_all(self._hands.account(), self._selector,
                                  kept={each.content for each in self.done if each.handle})

    def discard(self) -> None:
        """Take all of it away with what lies at the storage. Raises ApiError."""
        if self._may_have_some:
            detaching.discard_all(self._hands.account(), self._selector)

    @property
    def _may_have_some(self) -> bool:
        return bool(self._classes.drivers) and (self._tried or self._hands.attempt > 1)

    def _made(self, wanted: Object) -> Object:
        """The VolumeSnapshot, created or left by an earlier attempt."""
        metadata = wanted["metadata"]
        path = SNAPSHOTS.path(metadata["namespace"], metadata["name"])
        try:
            return self._hands.account().create(SNAPSHOTS.path(metadata["namespace"]), wanted)
        except errors.Conflict:
            return self._hands.api.get(path)

    def _await(self, begun: _Begun, is_so: Callable[[Mapping[str, Any]], bool], *, patience: float) -> Object:
        """The VolumeSnapshot once this is so. patience: how long the driver may say that it cannot, in seconds."""
        now: Object | None = None
        refused: float | None = None
        while True:
            self._progress.checkpoint()
            now = self._board.look(begun.key, former=now, seconds=LOOK_SECONDS)
            if now is None:
                raise errors.SnapshotFailed("its VolumeSnapshot was deleted meanwhile")
            if is_so(now):
                return now
            words, clock = snapshots.words(now), time.monotonic()
            refused = (refused or clock) if words else None
            if refused is not None and clock - refused >= patience:
                raise errors.SnapshotFailed(words)
            if clock > begun.deadline:
                raise errors.SnapshotFailed(
                    f"it could not be used after {self._hands.seconds:g} s: " + (words or (
                        f"nobody has said why; does the csi-snapshotter of driver {begun.facts.driver} run?")))

    def _keep(self, begun: _Begun, snapshot: Object) -> None:
        content = self._hands.api.get(CONTENTS.path(None, snapshots.content_name(snapshot)))
        status = content.get("status") or {}
        handle, size = status.get("snapshotHandle"), status.get("restoreSize")
        if not handle or (content["spec"].get("volumeSnapshotRef") or {}).get("uid") != snapshot["metadata"]["uid"]:
            raise errors.SnapshotFailed(f"VolumeSnapshotContent {content['metadata']['name']} does not say what its "
                                        "snapshot is called at the storage")
        detaching.keep(self._hands.account(), content, snapshots.marks_of_backup(self._backup))
        facts = dataclasses.replace(begun.facts, handle=str(handle), size=size if isinstance(size, int) else 0,
                                    content=content["metadata"]["name"], ended=times.format_time(times.now()))
        with self._lock:
            self.done.append(facts)
        self._log.info(f"{begun.title}: snapshot {handle} is taken by driver {facts.driver}, class "
                       f"{facts.snapshot_class}", namespace=facts.namespace, resource="persistentvolumeclaims",
                       name=facts.claim)

    @contextlib.contextmanager
    def _explained(self, begun: _Begun) -> Iterator[None]:
        """What goes wrong with one snapshot is told; what ends the run is not held up."""
        try:
            yield
        except (errors.Interrupted, errors.Cancelled, errors.RunLost, errors.Unreachable):
            raise
        except errors.ArkError as failure:
            self._failed(begun, failure)

    def _failed(self, begun: _Begun, failure: errors.ArkError) -> None:
        facts = dataclasses.replace(begun.facts, ended=times.format_time(times.now()), message=failure.sentence)
        with self._lock:
            self.done.append(facts)
        self._log.error(f"{begun.title}: its snapshot failed: {failure.sentence}", place=facts.namespace,
                        resource="persistentvolumeclaims", namespace=facts.namespace, name=facts.claim)
        if "uid" in begun.snapshot["metadata"]:
            self._board.forget(begun.key)
            try:
                detaching.discard(self._hands.account(), self._hands.api.get(SNAPSHOTS.path(*begun.key)))
            except errors.NotFound:
                return
            except errors.Unreachable:
                raise
            except errors.ApiError as second:
                self._log.warning(f"volumesnapshot {'/'.join(begun.key)} is left over: {second.sentence}",
                                  place=facts.namespace, namespace=facts.namespace)
