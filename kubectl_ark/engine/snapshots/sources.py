"""Restored claims whose volumes are made from snapshots that were taken before.

For each a content with the storage's name of its snapshot and a VolumeSnapshot bound to that are made; the claim names
the latter as its data source. They are needed until the claim is bound, and go then; the snapshot itself stays.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.progress import Progress
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.engine.snapshots import detaching
from kubectl_ark.engine.snapshots.board import Board
from kubectl_ark.engine.snapshots.hands import SnapshotHands
from kubectl_ark.engine.snapshots.places import Places
from kubectl_ark.kube.pages import items
from kubectl_ark.model import labels, snapshots
from kubectl_ark.model.resources import CLAIMS, CONTENTS, EVENTS, SNAPSHOTS
from kubectl_ark.model.snapshots import Snapshot

LOOK_SECONDS = 1.0

READY_SECONDS = 120.0
"""How long it may take until Kubernetes knows a snapshot that is there already."""

REFUSED_SECONDS = 20.0
"""How long the driver may say meanwhile that it does not know it."""

BOUND_SECONDS = 600.0
"""How long a volume may take to be made from its snapshot."""

USER_SECONDS = 15.0
"""How long a claim that is bound with its first pod waits for one to be scheduled."""

SELECTED_NODE = "volume.kubernetes.io/selected-node"

Object = dict[str, Any]
Claim = tuple[str, str]


class SnapshotSources:
    """``prepare`` and ``expect`` are thread-safe. restore: the CR."""

    def __init__(self, hands: SnapshotHands, *, restore: Object, log: RunLog, progress: Progress) -> None:
        self.done: list[Object] = []
        """Records for the restore's volumeinfo.json, of claims that are done with."""
        self._hands, self._restore, self._log, self._progress = hands, restore, log, progress
        self._selector = f"{labels.RESTORE_UID}={restore['metadata']['uid']}"
        self._board = Board(hands.api, label_selector=self._selector)
        self._places = Places(hands.api)
        self._lock = threading.Lock()
        self._expected: dict[Claim, Snapshot] = {}

    def prepare(self, claim: Object, snapshot: Snapshot) -> None:
        """Make a claim, as it is going to be created, one whose volume comes from the snapshot. In place.

        Raises SnapshotFailed, ApiError: the claim is as it was then.
        """
        metadata, spec = claim["metadata"], claim["spec"]
        chosen = self._places.storage_class(spec.get("storageClassName"), snapshot)
        content, wanted = snapshots.to_restore(
            self._restore, snapshot, namespace=metadata["namespace"], claim=metadata["name"],
            snapshot_class=self._places.snapshot_class(snapshot), block=spec.get("volumeMode") == "Block")
        self._made(CONTENTS.path(), content)
        made = self._made(SNAPSHOTS.path(metadata["namespace"]), wanted)
        try:
            self._await(made, snapshot)
        except errors.SnapshotFailed:
            self._release(made)
            raise
        spec["dataSource"] = {"apiGroup": snapshots.API_GROUP, "kind": SNAPSHOTS.kind, "name": made["metadata"]["name"]}
        for field in ("dataSourceRef", "selector"):
            spec.pop(field, None)
        if chosen is not None:
            self._log.info(f"persistentvolumeclaim {metadata['namespace']}/{metadata['name']} gets storage class "
                           f"{chosen}, the only one of driver {snapshot.driver}", namespace=metadata["namespace"],
                           resource="persistentvolumeclaims", name=metadata["name"])
            spec["storageClassName"] = chosen
        snapshots.enlarged(claim, snapshot.size)

    def expect(self, claim: Claim, snapshot: Snapshot) -> None:
        """A claim that was prepared is created, by this try or an earlier one."""
        with self._lock:
            self._expected[claim] = snapshot

    def finish(self) -> None:
        """Wait until the claims are bound, as far as somebody wants them to be, and take away what that needed.

        Raises what ends the run.
        """
        begun = time.monotonic()
        while self._expected:
            self._progress.step(f"waiting for {len(self._expected)} volumes that are made from snapshots")
            live = self._live()
            for claim in sorted(self._expected):
                self._look(claim, live.get(claim), time.monotonic() - begun)
            self._progress.checkpoint()
            if self._expected:
                self._progress.over.wait(LOOK_SECONDS)

    def close(self) -> None:
        """No more is prepared."""
        self._board.close()

    def _made(self, path: str, wanted: Object) -> Object:
        """The object, created or left by an earlier try: its name is this restore's and this claim's alone."""
        try:
            return self._hands.api.create(path, wanted)
        except errors.Conflict:
            return self._hands.api.get(f"{path}/{wanted['metadata']['name']}")

    def _await(self, made: Object, snapshot: Snapshot) -> None:
        self._board.expect(made)
        metadata, begun, refused, now = made["metadata"], time.monotonic(), None, None
        while True:
            self._progress.checkpoint()
            now = self._board.look((metadata["namespace"], metadata["name"]), former=now, seconds=LOOK_SECONDS)
            if now is None:
                raise errors.SnapshotFailed("its VolumeSnapshot was deleted meanwhile")
            if snapshots.is_ready(now):
                return
            words, clock = snapshots.words(now), time.monotonic()
            refused = (refused or clock) if words else None
            if refused is not None and clock - refused >= REFUSED_SECONDS or clock - begun >= READY_SECONDS:
                said = words or f"nobody has said why; does the csi-snapshotter of driver {snapshot.driver} run?"
                raise errors.SnapshotFailed(f"its snapshot {snapshot.handle} cannot be used: {said}")

    def _live(self) -> dict[Claim, Object]:
        mark = labels.label_value(self._restore["metadata"]["name"])
        found: dict[Claim, Object] = {}
        for namespace in sorted({namespace for namespace, _ in self._expected}):
            for each in items(self._hands.api, CLAIMS, namespace, label_selector=f"{labels.RESTORE_NAME}={mark}"):
                found[namespace, each["metadata"]["name"]] = each
        return found

    def _look(self, claim: Claim, live: Object | None, seconds: float) -> None:
        """Be done with a claim, or leave it for the next look. seconds: since the first."""
        snapshot, (namespace, name) = self._expected[claim], claim
        title, fields = f"persistentvolumeclaim {namespace}/{name}", {"namespace": namespace, "name": name,
                                                                      "resource": "persistentvolumeclaims"}
        if live is None:
            self._log.error(f"{title}: it was deleted before its volume was made", place=namespace, **fields)
        elif (live.get("status") or {}).get("phase") == "Bound":
            self._log.info(f"{title}: its volume is made from snapshot {snapshot.handle}", **fields)
        elif seconds > USER_SECONDS and self._waits_for_a_pod(live):
            self._log.info(f"{title}: its volume is made from snapshot {snapshot.handle} once a pod uses it", **fields)
            return self._end(claim, "waiting", release=False)
        elif seconds > BOUND_SECONDS:
            words = self._last_words(namespace, name)
            self._log.error(f"{title}: its volume was not made from snapshot {snapshot.handle} within "
                            f"{BOUND_SECONDS:g} s{': ' if words else ''}{words}", place=namespace, **fields)
            return self._end(claim, "failed", release=False)
        else:
            return
        self._end(claim, "failed" if live is None else "succeeded", release=True)

    def _end(self, claim: Claim, result: str, *, release: bool) -> None:
        snapshot = self._expected.pop(claim)
        self.done.append({"pvcName": claim[1], "pvcNamespace": claim[0], "restoreMethod": snapshots.METHOD,
                          "snapshotDataMoved": False, "result": result, "csiSnapshotInfo": snapshots.told(snapshot)})
        if release:
            _, wanted = snapshots.to_restore(self._restore, snapshot, namespace=claim[0], claim=claim[1],
                                             snapshot_class="", block=False)
            try:
                self._release(self._hands.api.get(SNAPSHOTS.path(claim[0], wanted["metadata"]["name"])))
            except errors.NotFound:
                return

    def _release(self, made: Object) -> None:
        try:
            detaching.release(self._hands.account(), made)
        except errors.Unreachable:
            raise
        except errors.ApiError as failure:
            metadata = made["metadata"]
            self._log.info(f"volumesnapshot {metadata['namespace']}/{metadata['name']}, which is needed no more, "
                           f"stays: {failure.sentence}", namespace=metadata["namespace"])

    def _waits_for_a_pod(self, claim: Object) -> bool:
        node = (claim["metadata"].get("annotations") or {}).get(SELECTED_NODE)
        return not node and self._places.binds_late(claim["spec"].get("storageClassName"))

    def _last_words(self, namespace: str, name: str) -> str:
        """Of the newest Event that warns of a claim."""
        answer = self._hands.api.get(EVENTS.path(namespace), params={
            "fieldSelector": f"involvedObject.kind=PersistentVolumeClaim,involvedObject.name={name},type=Warning"})
        by_time: dict[str, str] = defaultdict(str)
        for event in answer.get("items") or []:
            by_time[str(event.get("lastTimestamp") or event.get("eventTime") or "")] = str(event.get("message") or "")
        return " ".join(by_time[max(by_time)].split()) if by_time else ""
