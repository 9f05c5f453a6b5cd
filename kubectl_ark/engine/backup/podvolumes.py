"""The data of pods' volumes in a backup: which are saved, by a Job each, and what came of it."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from kubectl_ark import errors
from kubectl_ark.engine.backup.beside import Slots
from kubectl_ark.engine.progress import Progress
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.engine.volumes.jobs import Followed, Mailbox, VolumeJobs
from kubectl_ark.engine.volumes.placing import place_of, refusal, user_of
from kubectl_ark.kube.api import Api
from kubectl_ark.model import volume_backups, times, volume_choice
from kubectl_ark.model.resources import CLAIMS, PODS, VOLUMES
from kubectl_ark.model.settings import Settings
from kubectl_ark.model.volume_choice import Choice, Method
from kubectl_ark.model.volume_work import COMPLETED, DATA, FAILED, VolumeWork
from kubectl_ark.render.volume_jobs import Place, volume_job

NO_POD = "no running pod uses it"

Object = dict[str, Any]
Claim = tuple[str, str]


class Repositories(Protocol):
    """Where volumes' data goes: one repository for each namespace, behind an endpoint of this run's."""

    def ready(self, namespace: str) -> tuple[str, str]:
        """(password, identifier) of a namespace's repository, which is there then. Raises ArkError."""

    def admit(self, user: str, token: str, namespace: str, report: Callable[[Object], bool]) -> str:
        """Let a volume's Job in; the endpoint's address, "http://10.96.7.1:8473"."""

    def dismiss(self, user: str) -> None:
        """Let it in no more."""


class Records(Protocol):
    """The PodVolumeBackups of this run."""

    def made(self, volume: Object) -> Object:
        """The object, created or left by an earlier attempt. Raises ApiError, RunLost."""

    def write(self, volume: Object, **fields: Any) -> Object:
        """With these fields of its status set; None removes one. Raises ApiError, RunLost."""


class PodVolumes:
    """Saves volumes for one backup. Thread-safe.

    spec: the Backup's. policies: of its resource policy, see ``model.volume_policies``. attempt: of the run. deadline:
    seconds for one volume.
    """

    def __init__(
        self, api: Api, *, backup: Object, spec: Mapping[str, Any], location: str, policies: Sequence[Any],
        settings: Settings, jobs: VolumeJobs, repositories: Repositories, records: Records, log: RunLog,
        progress: Progress, cluster_id: str, attempt: int, deadline: int,
    ) -> None:
        self.slots = Slots(settings.volumes_at_once, settings.volumes_at_once_per_node)
        self.threads = settings.volumes_at_once
        self.saved: list[Object] = []
        """PodVolumeBackups that have ended, in the order of their ends."""
        self._api, self._backup, self._spec, self._location = api, backup, spec, location
        self._policies, self._settings, self._jobs = policies, settings, jobs
        self._repositories, self._records, self._log, self._progress = repositories, records, log, progress
        self._cluster_id, self._attempt, self._deadline = cluster_id, attempt, deadline
        self._by_default = volume_choice.by_default(spec)
        self._reasons: dict[Claim, str] = {}
        self._taken: set[Claim] = set()
        self._lock = threading.Lock()
        self._jobs_pool = ThreadPoolExecutor(settings.volumes_at_once, thread_name_prefix="volume")
        self._bytes: dict[str, int] = {}

    def of(self, pod: Object) -> Sequence[Choice]:
        """The volumes of a pod that restic saves; a claim that another pod of this backup has brought is not among
        them. The others are remembered, for ``reason``."""
        if not volume_choice.may_concern(pod, by_default=self._by_default, policies=self._policies):
            return ()
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        claims, volumes = self._claims(pod)
        chosen = []
        for choice in volume_choice.of_pod(pod, claims=claims, volumes=volumes, by_default=self._by_default,
                                           policies=self._policies):
            why = choice.reason
            if choice.method is Method.RESTIC and not (why := refusal(claims.get(choice.claim or ""), choice.claim)):
                if choice.claim is None or self._take((namespace, choice.claim)):
                    chosen.append(choice)
                continue
            if choice.claim is not None:
                self._reasons.setdefault((namespace, choice.claim), why)
            elif choice.warn or choice.method is Method.RESTIC:
                self._log.warning(f"pod {namespace}/{name}: the data of volume {choice.volume} is not saved: {why}",
                                  place=namespace, resource="pods", namespace=namespace, name=name)
        return chosen

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

    def close(self) -> None:
        """No more is saved."""
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
        for volume in (pod.get("spec") or {}).get("volumes") or ():
            if name := volume_choice.claim_of(pod, volume):
                try:
                    claims[name] = self._api.get(CLAIMS.path(pod["metadata"]["namespace"], name))
                    if behind := (claims[name].get("spec") or {}).get("volumeName"):
                        volumes[behind] = self._api.get(VOLUMES.path(None, behind))
                except (errors.NotFound, errors.Forbidden):
                    continue
        return claims, volumes

    def _save_one(self, pod: Object, choice: Choice, frozen: bool) -> None:
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        title = f"volume {choice.volume} of pod {namespace}/{name}"
        try:
            claim = self._api.get(CLAIMS.path(namespace, choice.claim)) if choice.claim else None
            _, identifier = self._repositories.ready(namespace)
            volume = self._records.made(volume_backups.resource(
                self._backup, pod, choice.volume, claim=claim, location=self._location, identifier=identifier))
            if (volume.get("status") or {}).get("phase") not in volume_backups.ENDED or frozen:
                volume = self._run(pod, claim, volume, title, frozen=frozen)
        except (errors.Interrupted, errors.Cancelled, errors.RunLost, errors.Unreachable):
            raise
        except errors.ArkError as failure:
            self._log.error(f"{title} was not saved: {failure.sentence}", place=namespace,
                            resource="persistentvolumeclaims", namespace=namespace, name=choice.claim or name)
            return
        self._tell(volume, title)

    def _run(self, pod: Object, claim: Object | None, volume: Object, title: str, *, frozen: bool) -> Object:
        """Have a Job save the volume; its PodVolumeBackup as it is at the end."""
        namespace, user = pod["metadata"]["namespace"], str(volume["metadata"]["uid"])
        former = (volume.get("status") or {}).get("job") or {}
        job = self._jobs.find(namespace, former["name"]) if former else None
        token = self._jobs.token_of(job) if job else None
        if former and (frozen or token is None):
            self._jobs.end(namespace, former["name"])
            job = None
        token = token if job is not None and token else secrets.token_urlsafe(32)
        password, _ = self._repositories.ready(namespace)
        mailbox = Mailbox()
        address = self._repositories.admit(user, token, namespace, mailbox.take)
        try:
            if job is None:
                job = self._started(pod, claim, volume, title, address=address, token=token, password=password)
            metadata = job["metadata"]
            volume = self._records.write(
                volume, phase="InProgress", job={"namespace": metadata["namespace"], "name": metadata["name"]},
                startTimestamp=(volume.get("status") or {}).get("startTimestamp") or times.format_time(times.now()),
                message=None, snapshotID=None)
            followed = Followed(volume, job, mailbox, lambda: self._hindrance(pod, claim),
                                lambda progress: self._heed(volume, progress))
            result = self._jobs.follow(followed, checkpoint=self._progress.checkpoint)
        finally:
            self._repositories.dismiss(user)
        return self._records.write(volume, **_status(result))

    def _started(self, pod: Object, claim: Object | None, volume: Object, title: str, *, address: str, token: str,
                 password: str) -> Object:
        namespace = pod["metadata"]["namespace"]
        assert claim is not None, "other volumes are refused before"
        work = VolumeWork(
            title=title, address=address, repository=f"restic/{namespace}/", user=volume["metadata"]["uid"],
            path=f"{DATA}/{claim['metadata']['name']}",
            tags=tuple(f"{key}={value}" for key, value in volume["spec"]["tags"].items()),
            parallel=int((self._spec.get("uploaderConfig") or {}).get("parallelFilesUpload") or 0))

        def job(place: Place) -> Object:
            return volume_job(volume, self._settings, work, place=place, cluster_id=self._cluster_id,
                              deadline=self._deadline, attempt=self._attempt)

        user, groups = user_of(pod, volume["spec"]["volume"])
        place = self._jobs.fitting(job, place_of(pod, claim), user=user, groups=groups)
        if not place.as_root:
            self._log.info(f"{title} is saved as user {place.user if place.user is not None else 'of the image'}: the "
                           f"namespace lets no other pod in", namespace=namespace)
        return self._jobs.start(job(place), token=token, password=password)

    def _hindrance(self, pod: Object, claim: Object | None) -> str | None:
        """Why the Job must let go of the disk at once: its pod leaves the node, or the claim is to go."""
        assert claim is not None
        try:
            now = self._api.get(CLAIMS.path(claim["metadata"]["namespace"], claim["metadata"]["name"]))
        except errors.NotFound:
            return "its claim is gone"
        if now["metadata"].get("deletionTimestamp"):
            return "its claim is being deleted"
        node = place_of(pod, claim).node
        if node is None:
            return None
        metadata = pod["metadata"]
        try:
            now = self._api.get(PODS.path(metadata["namespace"], metadata["name"]))
        except errors.NotFound:
            return f"pod {metadata['name']} is gone from node {node}, which must be able to let go of the disk"
        if now["metadata"]["uid"] != metadata["uid"] or now["metadata"].get("deletionTimestamp"):
            return f"pod {metadata['name']} leaves node {node}, which must be able to let go of the disk"
        return None

    def _heed(self, volume: Object, progress: Object) -> None:
        done, total = int(progress.get("bytesDone") or 0), int(progress.get("totalBytes") or 0)
        self._records.write(volume, progress={"bytesDone": done, "totalBytes": total})
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


def _status(result: Object) -> Object:
    """A result as fields of the status."""
    fields = {key: value for key, value in result.items() if key not in ("kind", "bytesTotal", "failureCount")}
    fields.setdefault("phase", FAILED)
    fields["message"], fields["snapshotID"] = fields.get("message") or None, fields.get("snapshotID") or None
    fields["failures"] = fields.get("failures") or None
    if "bytesTotal" in result:
        fields["progress"] = {"bytesDone": result["bytesTotal"], "totalBytes": result["bytesTotal"]}
    return {**fields, "completionTimestamp": times.format_time(times.now())}
