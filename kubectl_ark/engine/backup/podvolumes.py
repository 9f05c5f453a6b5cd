"""The data of pods' volumes in a backup: which are saved, by a Job each or a snapshot, and what came of it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.backup.beside import Slots
from kubectl_ark.engine.progress import Progress
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.engine.snapshots.taking import ClaimSnapshots
from kubectl_ark.engine.volumes.leaving import hindrance
from kubectl_ark.engine.volumes.placing import Subject, place_of, refusal
from kubectl_ark.engine.volumes.task import Hands, Task, carry_out
from kubectl_ark.kube.api import Api
from kubectl_ark.model import layout, pod_volumes, volume_backups, volume_choice
from kubectl_ark.model.resources import CLAIMS, VOLUMES
from kubectl_ark.model.volume_choice import Choice, Method
from kubectl_ark.model.volume_work import COMPLETED, DATA, VolumeWork

Object = dict[str, Any]
Claim = tuple[str, str]


class PodVolumes:
    """Saves volumes for one backup. Thread-safe.

    spec: the Backup's. policies: of its resource policy, see ``model.volume_policies``. snapshots: takes those of what
    restic does not save.
    """

    def __init__(
        self, api: Api, hands: Hands, *, backup: Object, spec: Mapping[str, Any], location: str,
        policies: Sequence[Any], log: RunLog, progress: Progress, snapshots: ClaimSnapshots,
    ) -> None:
        self.slots = Slots(hands.settings.volumes_at_once, hands.settings.volumes_at_once_per_node)
        self.threads = hands.settings.volumes_at_once
        self.saved: list[Object] = []
        """PodVolumeBackups that have ended, in the order of their ends."""
        self._api, self._backup, self._spec, self._location = api, backup, spec, location
        self._policies, self._hands, self._log, self._progress = policies, hands, log, progress
        self.snapshots = snapshots
        self._drivers = snapshots.drivers
        self._by_default = bool(spec.get("defaultVolumesToFsBackup") or spec.get("defaultVolumesToRestic"))
        self._unmounted = spec.get("includeUnmountedClaims") is True
        self._used: set[Claim] = set()
        self._reasons: dict[Claim, str] = {}
        self._taken: set[Claim] = set()
        self._lock = threading.Lock()
        self._jobs_pool = ThreadPoolExecutor(self.threads, thread_name_prefix="volume")
        self._bytes: dict[str, int] = {}

    def of(self, pod: Object) -> Sequence[Choice]:
        """The volumes of a pod that are saved; a claim that another pod of this backup has brought is not among them.
        The others are remembered, for ``reason``."""
        if not (self._by_default or self._policies or self._unmounted or self._drivers or _opts_in(pod)):
            return ()
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        claims, volumes = self._claims(pod)
        if (pod.get("status") or {}).get("phase") == "Running":
            self._used.update((namespace, each) for each in claims)
        chosen = []
        for choice in volume_choice.of_pod(pod, claims=claims, volumes=volumes, by_default=self._by_default,
                                           policies=self._policies, snapshots=bool(self._drivers),
                                           drivers=self._drivers):
            if not (why := self._obstacle(choice, _subject(pod, choice, claims, volumes))):
                if choice.claim is None or self._take((namespace, choice.claim)):
                    chosen.append(choice)
                continue
            if choice.claim is not None:
                self._reasons.setdefault((namespace, choice.claim), why)
            elif choice.warn or choice.method is Method.RESTIC:
                self._log.warning(f"pod {namespace}/{name}: the data of volume {choice.volume} is not saved: {why}",
                                  place=namespace, resource="pods", namespace=namespace, name=name)
        return chosen

    def of_claim(self, claim: Object) -> Sequence[Choice]:
        """The same for a claim, once all pods have been asked about: one that no running pod uses may be saved too."""
        metadata = claim["metadata"]
        identity = (metadata["namespace"], metadata["name"])
        if not (self._unmounted or self._drivers) or identity in self._used or identity in self._taken:
            return ()
        behind = self._behind(claim)
        choice = volume_choice.of_claim(claim, behind, policies=self._policies, include_unmounted=self._unmounted,
                                        snapshots=bool(self._drivers), drivers=self._drivers)
        why = self._obstacle(choice, Subject({}, choice.volume, choice.claim, claim, behind))
        if not why and self._take(identity):
            return (choice,)
        self._reasons[identity] = why
        return ()

    def has(self, claim: Claim) -> bool:
        """Whether the data of a claim is saved, or tried to be."""
        return claim in self._taken

    def reason(self, claim: Claim) -> str:
        """Why the data of a claim is not saved; "" where there is nothing more to say."""
        return self._reasons.get(claim, "")

    def save(self, pod: Object, chosen: Sequence[Choice], *, frozen: bool) -> None:
        """Save these volumes of a pod, at the same time, and wait for it. See ``hooks.Volumes``."""
        futures = [self._jobs_pool.submit(self._save_one, pod, choice, frozen) for choice in chosen]
        failures = [each.exception() for each in futures]
        for failure in filter(None, failures):
            raise failure

    def finish(self) -> None:
        """Last of all: what still goes on once ``save`` has returned is waited for. Raises what ends the run."""
        self.snapshots.finish()

    def close(self) -> None:
        """No more is saved."""
        self.snapshots.close()
        self._jobs_pool.shutdown(wait=True, cancel_futures=True)

    def _take(self, claim: Claim) -> bool:
        with self._lock:
            if claim in self._taken:
                return False
            self._taken.add(claim)
            return True

    def _claims(self, pod: Object) -> tuple[dict[str, Object], dict[str, Object]]:
        """The pod's claims and their PersistentVolumes, by name; what is not there is not among them."""
        claims: dict[str, Object] = {}
        volumes: dict[str, Object] = {}
        for entry in (pod.get("spec") or {}).get("volumes") or ():
            name = pod_volumes.of_entry(entry, pod, claims={}, volumes={}).claim_name
            if name:
                try:
                    claims[name] = self._api.get(CLAIMS.path(pod["metadata"]["namespace"], name))
                except (errors.NotFound, errors.Forbidden):
                    continue
                if behind := self._behind(claims[name]):
                    volumes[behind["metadata"]["name"]] = behind
        return claims, volumes

    def _behind(self, claim: Object) -> Object | None:
        """A claim's PersistentVolume, as far as it can be seen."""
        name = (claim.get("spec") or {}).get("volumeName")
        with contextlib.suppress(errors.NotFound, errors.Forbidden):
            return self._api.get(VOLUMES.path(None, name)) if name else None
        return None

    def _obstacle(self, choice: Choice, subject: Subject) -> str:
        """Why a volume is not saved, as half a sentence; "" if it is."""
        if choice.method is Method.RESTIC:
            return refusal(subject, self._hands.settings)
        if choice.method is Method.SNAPSHOT and subject.claim is not None and subject.persistent is not None:
            return self.snapshots.obstacle(subject.persistent["spec"]["csi"]["driver"], subject.claim)
        return choice.reason or "it is not chosen"

    def _save_one(self, pod: Object, choice: Choice, frozen: bool) -> None:
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        title = f"volume {choice.volume} of pod {namespace}/{name}" if name else f"claim {namespace}/{choice.claim}"
        try:
            subject = self._subject_now(pod, choice)
            if choice.method is Method.SNAPSHOT:
                return self._snapshot(subject, frozen)
            if why := refusal(subject, self._hands.settings):
                raise errors.StoreError(why)
            _, identifier = self._hands.gate.ready(layout.repository(namespace))
            volume = self._hands.records.made(volume_backups.resource(
                self._backup, pod, choice.volume, claim=subject.claim, location=self._location,
                identifier=identifier))
            if not volume_backups.is_saved(volume):
                volume = carry_out(self._hands, self._task(subject, volume, title, anew=frozen))
        except (errors.Interrupted, errors.Cancelled, errors.RunLost, errors.Unreachable):
            raise
        except errors.ArkError as failure:
            self._log.error(f"{title} was not saved: {failure.sentence}", place=namespace, namespace=namespace,
                            resource="persistentvolumeclaims" if choice.claim else "pods", name=choice.claim or name)
            return
        self._tell(volume, title)
        if not name:
            self._log.warning(f"{title} has no pod: kubectl-ark brings it back with its data, Velero, which looks for "
                              "the pod, would bring it back empty", place=namespace, namespace=namespace,
                              resource="persistentvolumeclaims", name=choice.claim or "")

    def _subject_now(self, pod: Object, choice: Choice) -> Subject:
        if choice.claim is None:
            return Subject(pod, choice.volume, None)
        claim = self._api.get(CLAIMS.path(pod["metadata"]["namespace"], choice.claim))
        return Subject(pod, choice.volume, choice.claim, claim, self._behind(claim))

    def _snapshot(self, subject: Subject, frozen: bool) -> None:
        behind = subject.persistent
        if subject.claim is None or behind is None or "csi" not in behind["spec"]:
            raise errors.SnapshotFailed("its volume is gone")
        self.snapshots.take(subject.claim, driver=behind["spec"]["csi"]["driver"], frozen=frozen)

    def _task(self, subject: Subject, volume: Object, title: str, *, anew: bool) -> Task:
        namespace = subject.pod["metadata"]["namespace"]
        work = VolumeWork(
            title=title, address="", repository=layout.repository(namespace), user="",
            path=f"{DATA}/{subject.claim_name or subject.volume}",
            tags=tuple(f"{key}={value}" for key, value in volume["spec"]["tags"].items()),
            parallel=int((self._spec.get("uploaderConfig") or {}).get("parallelFilesUpload") or 0))
        place = place_of(subject, self._hands.settings, ark=self._backup["metadata"]["namespace"])
        return Task(volume, work, place, anew, lambda: hindrance(self._api, subject, node=place.node),
                    lambda progress: self._heed(volume, progress))

    def _heed(self, volume: Object, progress: Object) -> None:
        done, total = int(progress.get("bytesDone") or 0), int(progress.get("totalBytes") or 0)
        self._hands.records.write(volume, progress={"bytesDone": done, "totalBytes": total})
        with self._lock:
            self._bytes[volume["metadata"]["uid"]] = done
            size = sum(self._bytes.values())
        self._progress.step(f"saving volumes: {len(self.saved)} done, {size >> 20} MiB read")

    def _tell(self, volume: Object, title: str) -> None:
        status, namespace = volume.get("status") or {}, volume["spec"]["pod"]["namespace"]
        with self._lock:
            self.saved.append(volume)
        fields = {"resource": "podvolumebackups", "namespace": namespace, "name": volume["metadata"]["name"]}
        if status.get("phase") == COMPLETED:
            said = status.get("message") or (
                f"snapshot {str(status.get('snapshotID'))[:8]}, {status.get('filesTotal', 0)} files, "
                f"{int(status.get('bytesAdded') or 0) >> 10} KiB added in {status.get('durationSeconds', 0)} s")
            self._log.info(f"{title} is saved: {said}", **fields)
        else:
            partly = " wholly" if status.get("snapshotID") else ""
            self._log.error(f"{title} was not{partly} saved: {status.get('message')}", place=namespace, **fields)


def _subject(pod: Object, choice: Choice, claims: Mapping[str, Object], volumes: Mapping[str, Object]) -> Subject:
    claim = claims.get(choice.claim or "")
    behind = ((claim or {}).get("spec") or {}).get("volumeName") or ""
    return Subject(pod, choice.volume, choice.claim, claim, volumes.get(behind))


def _opts_in(pod: Object) -> bool:
    notes = pod["metadata"].get("annotations") or {}
    return any(notes.get(key) for key in volume_choice.OPT_IN)
