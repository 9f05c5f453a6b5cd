"""What a backup's run has the data of volumes saved with: its endpoint, the repositories, and its PodVolumeBackups."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.backup.podvolumes import PodVolumes
from kubectl_ark.engine.restore.filling import Filling
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.engine.volumes.broker import Broker
from kubectl_ark.engine.volumes.jobs import VolumeJobs
from kubectl_ark.engine.volumes.task import Hands
from kubectl_ark.engine.volumes.tenants import Rights, Tenant
from kubectl_ark.kube.api import Api
from kubectl_ark.model import kinds, labels, layout, times
from kubectl_ark.model.resources import custom
from kubectl_ark.model.settings import Settings
from kubectl_ark.runner import endpoint, installed, repositories, restik_repository, snapshots, statuses
from kubectl_ark.runner.accounts import Account
from kubectl_ark.runner.parent import Parent
from kubectl_ark.runner.repositories import Ready, Surroundings
from kubectl_ark.runner.run import Run
from kubectl_ark.runner.work import Work
from kubectl_ark.store.bucket import Bucket

TIMEOUTS = (f"{labels.GROUP}/pod-volume-timeout", f"{labels.VELERO_GROUP}/pod-volume-timeout")
"""Annotations of a Backup: how long saving one volume may take, a Go duration."""

Object = dict[str, Any]


@contextlib.contextmanager
def saving(work: Work, run: Run, bucket: Bucket, spec: Mapping[str, Any], *, policies: Sequence[Any], cluster_id: str,
           log: RunLog) -> Iterator[PodVolumes]:
    """Who saves volumes while this lasts. Nothing is opened or made before there is a volume to save."""
    with _hands(work, run, bucket, kinds.POD_VOLUME_BACKUP, Rights.APPEND, cluster_id=cluster_id, log=log) as found:
        taking = snapshots.taking(work, run, spec, account=Account(work.api, work.namespace).api, policies=policies,
                                  log=log)
        volumes = PodVolumes(work.api, found, backup=run.object, spec=spec, location=bucket.location.name,
                             policies=policies, log=log, progress=work.progress, snapshots=taking)
        with contextlib.closing(volumes):
            yield volumes


@contextlib.contextmanager
def filling(work: Work, run: Run, bucket: Bucket, *, cluster_id: str, log: RunLog,
            restik: Object | None = None) -> Iterator[Filling]:
    """Who fills claims while this lasts. Nothing is opened or made before there is one to fill.

    restik: whose repository it is, None for those of namespaces.
    """
    with _hands(work, run, bucket, kinds.POD_VOLUME_RESTORE, Rights.READ, cluster_id=cluster_id, log=log,
                restik=restik) as found:
        yield Filling(work.api, found, restore=run.object, location=bucket.location.name, log=log,
                      progress=work.progress)


@contextlib.contextmanager
def _hands(work: Work, run: Run, bucket: Bucket, kind: kinds.Kind, rights: Rights, *, cluster_id: str,
           log: RunLog, restik: Object | None = None) -> Iterator[Hands]:
    settings = Settings()
    with contextlib.suppress(errors.InvalidInput):  # what is not installed has no Jobs, but may have a runner
        settings = installed.settings(work.api, work.namespace)
    around = Surroundings(work.api, bucket, work.namespace, cluster_id, installed.places(settings, work.namespace),
                          work.identity.pod_uid, work.directory, work.progress)

    def ready(directory: str) -> Ready:
        if restik is not None:
            return restik_repository.readable(around, restik)
        namespace = layout.volume_namespace(directory)
        found = (repositories.readable if rights is Rights.READ else repositories.ready)(around, namespace)
        if found.note:
            log.warning(found.note, place=namespace)
        return found

    with contextlib.closing(Gate(work, run.parent, bucket, rights=rights, ready=ready)) as gate:
        yield hands(work, gate, Records(work.api, run.parent, kind), settings, cluster_id=cluster_id,
                    attempt=run.attempt, deadline=_deadline(run, settings.active_deadline_seconds))


def hands(work: Work, gate: Gate, records: Records, settings: Settings, *, cluster_id: str, attempt: int,
          deadline: int) -> Hands:
    """What every volume of a run is handled with. attempt, deadline: see there."""
    account = Account(work.api, work.namespace)
    return Hands(VolumeJobs(work.api, account.api, settings=settings, namespace=work.namespace), gate, records,
                 settings, cluster_id, attempt, deadline, work.progress.checkpoint)


class Gate:
    """The endpoint of this run and the repositories behind it; see ``protocols.Gate``. Thread-safe.

    rights: of the volumes' Jobs. ready: makes the repository in a directory ready, or raises ArkError; asked once for
    each.
    """

    def __init__(self, work: Work, parent: Parent, bucket: Bucket, *, rights: Rights,
                 ready: Callable[[str], Ready]) -> None:
        self._work, self._parent, self._bucket, self._rights, self._make_ready = work, parent, bucket, rights, ready
        self._lock = threading.Lock()
        self._stack = contextlib.ExitStack()
        self._broker: Broker | None = None
        self._address = ""
        self._ready: dict[str, Ready | errors.ArkError] = {}

    def ready(self, repository: str) -> tuple[str, str]:
        """See ``protocols.Gate``; asked again, the answer is the same."""
        with self._lock:
            if repository not in self._ready:
                try:
                    self._ready[repository] = self._make_ready(repository)
                except errors.Interrupted:
                    raise
                except errors.ArkError as failure:
                    self._ready[repository] = failure
            answer = self._ready[repository]
        if isinstance(answer, errors.ArkError):
            raise answer
        return answer.password, answer.identifier

    def admit(self, user: str, token: str, repository: str, report: Callable[[Object], bool]) -> str:
        """See ``protocols.Gate``."""
        with self._lock:
            broker = self._opened()
        broker.admit(Tenant(user, token, repository, self._rights, report))
        return self._address

    def dismiss(self, user: str) -> None:
        """See ``protocols.Gate``."""
        if self._broker is not None:
            self._broker.dismiss(user)

    def close(self) -> None:
        """Nobody is served any more."""
        self._stack.close()

    def _opened(self) -> Broker:
        if self._broker is None:
            identity = self._work.identity
            host = endpoint.host(self._work.api, self._parent, identity)
            self._broker = self._stack.enter_context(Broker(self._bucket, port=endpoint.port(identity)))
            self._address = f"http://{host}:{self._broker.port}"
        return self._broker


class Records:
    """The PodVolumeBackups or PodVolumeRestores of one run; see ``protocols.Records``. Thread-safe."""

    def __init__(self, api: Api, parent: Parent, kind: kinds.Kind) -> None:
        self._api, self._parent, self._kind = api, parent, custom(kind)

    def made(self, volume: Object) -> Object:
        """See ``protocols.Records``. One of that name that a former life of the run's CR left goes."""
        namespace, name = self._parent.namespace, volume["metadata"]["name"]
        try:
            return self._api.create(self._kind.path(namespace), volume)
        except errors.Conflict:
            present = self._api.get(self._kind.path(namespace, name))
        if any(each.get("uid") == self._parent.uid for each in present["metadata"].get("ownerReferences") or ()):
            return present
        raise errors.Conflict(f"{self._kind.plural[:-1]} {namespace}/{name} is another run's",
                              hint="delete it, or wait until Kubernetes has")

    def is_abandoned(self) -> bool:
        """See ``protocols.Records``."""
        return self._parent.is_gone(self._api)  # where nobody knows, the next pod, if there is one, sees it

    def write(self, volume: Object, **fields: Any) -> Object:
        """See ``protocols.Records``."""
        path = self._kind.path(self._parent.namespace, volume["metadata"]["name"], "status")
        try:
            return statuses.write(self._api, path, volume, **fields)
        except errors.Conflict as gone:
            raise errors.StoreError(f"{self._kind.plural[:-1]} {gone.message}",
                                    hint="was it deleted? its volume is not saved") from gone


def _deadline(run: Run, usual: int) -> int:
    """Seconds for one volume. A duration that is none is no reason to save nothing."""
    notes = run.object["metadata"].get("annotations") or {}
    for key in TIMEOUTS:
        with contextlib.suppress(ValueError, KeyError):
            return max(1, int(times.parse_duration(notes[key])))
    return usual
