"""What a backup's run has the data of volumes saved with: its endpoint, the repositories, and its PodVolumeBackups."""

from __future__ import annotations

import contextlib
import threading
import time
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
from kubectl_ark.kube.accounts import TOKEN_SECONDS, acting_as
from kubectl_ark.kube.api import Api
from kubectl_ark.model import kinds, labels, layout, times
from kubectl_ark.model.resources import custom
from kubectl_ark.model.settings import Settings
from kubectl_ark.runner import endpoint, installed, repositories, statuses
from kubectl_ark.runner.repositories import Surroundings
from kubectl_ark.runner.run import Run
from kubectl_ark.runner.work import Work
from kubectl_ark.store.bucket import Bucket

ACCOUNT = "ark-volumes"
TIMEOUTS = (f"{labels.GROUP}/pod-volume-timeout", f"{labels.VELERO_GROUP}/pod-volume-timeout")
"""Annotations of a Backup: how long saving one volume may take, a Go duration."""

Object = dict[str, Any]


@contextlib.contextmanager
def saving(work: Work, run: Run, bucket: Bucket, spec: Mapping[str, Any], *, policies: Sequence[Any], cluster_id: str,
           log: RunLog) -> Iterator[PodVolumes]:
    """Who saves volumes while this lasts. Nothing is opened or made before there is a volume to save."""
    with _hands(work, run, bucket, kinds.POD_VOLUME_BACKUP, Rights.APPEND, cluster_id=cluster_id, log=log) as hands:
        volumes = PodVolumes(work.api, hands, backup=run.object, spec=spec, location=bucket.location.name,
                             policies=policies, log=log, progress=work.progress)
        with contextlib.closing(volumes):
            yield volumes


@contextlib.contextmanager
def filling(work: Work, run: Run, bucket: Bucket, *, cluster_id: str, log: RunLog) -> Iterator[Filling]:
    """Who fills claims while this lasts. Nothing is opened or made before there is one to fill."""
    with _hands(work, run, bucket, kinds.POD_VOLUME_RESTORE, Rights.READ, cluster_id=cluster_id, log=log) as hands:
        yield Filling(work.api, hands, restore=run.object, location=bucket.location.name, log=log,
                      progress=work.progress)


@contextlib.contextmanager
def _hands(work: Work, run: Run, bucket: Bucket, kind: kinds.Kind, rights: Rights, *, cluster_id: str,
           log: RunLog) -> Iterator[Hands]:
    settings = Settings()
    with contextlib.suppress(errors.InvalidInput):  # what is not installed has no Jobs, but may have a runner
        settings = installed.settings(work.api, work.namespace)
    account = Account(work.api, work.namespace)
    gate = Gate(work, run, bucket, rights=rights, cluster_id=cluster_id, log=log,
                reach=installed.places(settings, work.namespace))
    with contextlib.closing(gate):
        yield Hands(VolumeJobs(work.api, account.api, settings=settings, namespace=work.namespace), gate,
                    Records(work.api, run, kind), settings, cluster_id, run.attempt,
                    _deadline(run, settings.active_deadline_seconds), work.progress.checkpoint)


class Account:
    """The API as ark-volumes, whose token is renewed when half of its life is over. Thread-safe."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._namespace = api, namespace
        self._lock = threading.Lock()
        self._as: Api | None = None
        self._until = 0.0

    def api(self) -> Api:
        """Raises NotFound, Forbidden, ApiError."""
        with self._lock:
            if self._as is None or time.monotonic() > self._until:
                self._as = acting_as(self._api, self._namespace, ACCOUNT)
                self._until = time.monotonic() + TOKEN_SECONDS / 2
            return self._as


class Gate:
    """The endpoint of this run and the repositories behind it; see ``protocols.Gate``. Thread-safe."""

    def __init__(self, work: Work, run: Run, bucket: Bucket, *, rights: Rights, cluster_id: str, reach: Sequence[str],
                 log: RunLog) -> None:
        self._work, self._run, self._bucket, self._rights = work, run, bucket, rights
        self._cluster_id, self._reach, self._log = cluster_id, reach, log
        self._lock = threading.Lock()
        self._stack = contextlib.ExitStack()
        self._broker: Broker | None = None
        self._address = ""
        self._ready: dict[str, tuple[str, str] | errors.ArkError] = {}

    def ready(self, namespace: str) -> tuple[str, str]:
        """See ``protocols.Gate``; asked again, the answer is the same."""
        with self._lock:
            if namespace not in self._ready:
                try:
                    self._ready[namespace] = self._made_ready(namespace)
                except errors.Interrupted:
                    raise
                except errors.ArkError as failure:
                    self._ready[namespace] = failure
            answer = self._ready[namespace]
        if isinstance(answer, errors.ArkError):
            raise answer
        return answer

    def admit(self, user: str, token: str, namespace: str, report: Callable[[Object], bool]) -> str:
        """See ``protocols.Gate``."""
        with self._lock:
            broker = self._opened()
        broker.admit(Tenant(user, token, layout.repository(namespace), self._rights, report))
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
            host = endpoint.host(self._work.api, self._run, identity)
            self._broker = self._stack.enter_context(Broker(self._bucket, port=endpoint.port(identity)))
            self._address = f"http://{host}:{self._broker.port}"
        return self._broker

    def _made_ready(self, namespace: str) -> tuple[str, str]:
        work = self._work
        around = Surroundings(work.api, self._bucket, work.namespace, self._cluster_id, self._reach,
                              work.identity.pod_uid, work.directory, work.progress)
        if self._rights is Rights.READ:
            found = repositories.readable(around, namespace)
        else:
            found = repositories.ready(around, namespace)
        if found.note:
            self._log.warning(found.note, place=namespace)
        return found.password, found.identifier


class Records:
    """The PodVolumeBackups or PodVolumeRestores of one run; see ``protocols.Records``. Thread-safe."""

    def __init__(self, api: Api, run: Run, kind: kinds.Kind) -> None:
        self._api, self._run, self._kind = api, run, custom(kind)

    def made(self, volume: Object) -> Object:
        """See ``protocols.Records``. One of that name that a former life of the run's CR left goes."""
        namespace, name = self._run.namespace, volume["metadata"]["name"]
        try:
            return self._api.create(self._kind.path(namespace), volume)
        except errors.Conflict:
            present = self._api.get(self._kind.path(namespace, name))
        if any(each.get("uid") == self._run.uid for each in present["metadata"].get("ownerReferences") or ()):
            return present
        raise errors.Conflict(f"{self._kind.plural[:-1]} {namespace}/{name} is another run's",
                              hint="delete it, or wait until Kubernetes has")

    def is_abandoned(self) -> bool:
        """See ``protocols.Records``."""
        try:
            now = self._api.get(custom(self._run.kind).path(self._run.namespace, self._run.name))
        except errors.NotFound:
            return True
        except errors.ArkError:  # the next pod, if there is one, sees it
            return False
        return bool(now["metadata"]["uid"] != self._run.uid or now["metadata"].get("deletionTimestamp"))

    def write(self, volume: Object, **fields: Any) -> Object:
        """See ``protocols.Records``."""
        path = self._kind.path(self._run.namespace, volume["metadata"]["name"], "status")
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
