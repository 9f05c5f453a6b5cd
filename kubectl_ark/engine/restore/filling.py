"""One claim filled with what restic saved of it, by a Job that mounts it before any pod does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.progress import Progress
from kubectl_ark.engine.restore.claimdata import Task as Wish
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.engine.volumes.placing import place_to_fill
from kubectl_ark.engine.volumes.task import Hands, Task, carry_out
from kubectl_ark.kube.api import Api
from kubectl_ark.model import layout, volume_backups, volume_restores
from kubectl_ark.model.resources import CLAIMS
from kubectl_ark.model.volume_work import COMPLETED, DATA, VolumeWork

SELECTED_NODE = "volume.kubernetes.io/selected-node"
"""Annotation of a claim: where the scheduler has it provisioned."""

Object = dict[str, Any]


class Filling:
    """See ``claimdata.Filling``. Thread-safe. restore: the CR. location: of the backup."""

    def __init__(self, api: Api, hands: Hands, *, restore: Object, location: str, log: RunLog,
                 progress: Progress) -> None:
        self.at_once = hands.settings.volumes_at_once
        self.done: list[Object] = []
        """PodVolumeRestores that have ended, well or not."""
        self._api, self._hands, self._restore, self._location = api, hands, restore, location
        self._log, self._progress = log, progress

    def fill(self, wish: Wish, *, node: str | None) -> str | None:
        """See ``claimdata.Filling``."""
        namespace, name = wish.claim
        volume = self._hands.records.made(volume_restores.resource(
            self._restore, wish.saved, namespace=namespace, claim=name, location=self._location))
        if (volume.get("status") or {}).get("phase") not in volume_backups.ENDED:
            volume = carry_out(self._hands, self._task(wish, volume, node))
        self._tell(wish, volume)
        notes = self._claim(namespace, name)["metadata"].get("annotations") or {}
        return notes.get(SELECTED_NODE)

    def _task(self, wish: Wish, volume: Object, node: str | None) -> Task:
        (namespace, name), saved = wish.claim, wish.saved
        options: Mapping[str, Any] = (self._restore.get("spec") or {}).get("uploaderConfig") or {}
        work = VolumeWork(
            title=f"the data of persistentvolumeclaim {namespace}/{name}", address="", user="",
            repository=layout.repository(saved.namespace), path=f"{DATA}/{name}", snapshot=saved.snapshot,
            sparse=options.get("writeSparseFiles") is True, parallel=int(options.get("parallelFilesDownload") or 0))
        return Task(volume, work,
                    place_to_fill(dict(wish.pod), namespace, name, saved.volume, node=node), False,
                    lambda: self._hindrance(namespace, name), lambda progress: self._heed(wish, volume, progress))

    def _hindrance(self, namespace: str, name: str) -> str | None:
        try:
            going = self._claim(namespace, name)["metadata"].get("deletionTimestamp")
        except errors.NotFound:
            return "its claim is gone"
        return "its claim is being deleted" if going else None

    def _claim(self, namespace: str, name: str) -> Object:
        return self._api.get(CLAIMS.path(namespace, name))

    def _heed(self, wish: Wish, volume: Object, progress: Object) -> None:
        done, total = int(progress.get("bytesDone") or 0), int(progress.get("totalBytes") or 0)
        self._hands.records.write(volume, progress={"bytesDone": done, "totalBytes": total})
        self._progress.step(f"bringing back the data of {'/'.join(wish.claim)}: {done >> 20} of {total >> 20} MiB")

    def _tell(self, wish: Wish, volume: Object) -> None:
        """Raises StoreError where the data is not, or not wholly, back."""
        status, (namespace, name) = volume.get("status") or {}, wish.claim
        self.done.append(volume)
        if status.get("phase") != COMPLETED:
            raise errors.StoreError(status.get("message") or "its Job did not say why")
        self._log.info(f"the data of persistentvolumeclaim {namespace}/{name} is back: "
                       f"{status.get('filesTotal', 0)} files in {status.get('durationSeconds', 0)} s",
                       namespace=namespace, resource="podvolumerestores", name=volume["metadata"]["name"])
