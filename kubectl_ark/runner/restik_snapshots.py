"""The snapshots of one Restik's run: a volume's Job for each, as for backups, then its number and its Event."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.volumes.leaving import hindrance
from kubectl_ark.engine.volumes.placing import Subject, place_of, refusal
from kubectl_ark.engine.volumes.task import Hands, Task, carry_out
from kubectl_ark.kube.api import Api
from kubectl_ark.model import pod_volumes, restik_snapshots, restiks, times
from kubectl_ark.model.resources import CLAIMS, VOLUMES
from kubectl_ark.model.restik_workloads import Source
from kubectl_ark.model.volume_work import DATA, VolumeWork
from kubectl_ark.runner import restik_counts, restik_repository
from kubectl_ark.runner.parent import Parent
from kubectl_ark.runner.restik_counts import Taken

logger = logging.getLogger(__name__)

Object = dict[str, Any]


class Snapshots:
    """Takes them for one run. parent: the run's Job. location: the storage location's name."""

    def __init__(self, api: Api, hands: Hands, restik: Object, *, parent: Parent, location: str) -> None:
        self._api, self._hands, self._restik = api, hands, restik
        self._parent, self._location = parent, location

    def take(self, sources: list[Source]) -> int:
        """Take them, some at once; how many are good. Each is counted. Raises what ends the run."""
        with ThreadPoolExecutor(self._hands.settings.volumes_at_once_per_node, thread_name_prefix="volume") as pool:
            futures = [pool.submit(self._one, source) for source in sources]
        return sum(each.result() for each in futures)

    def _one(self, source: Source) -> bool:
        self._hands.checkpoint()
        began = times.now()
        volume = None
        try:
            if source.problem:
                raise errors.InvalidInput(source.problem)
            volume, told_already = self._taken(source)
            if told_already:
                return restik_snapshots.is_good(volume)
            good, said = restik_snapshots.is_good(volume), restik_snapshots.said(volume)
        except (errors.Interrupted, errors.Cancelled, errors.RunLost, errors.Unreachable):
            raise
        except errors.ArkError as failure:
            good, said = False, failure.sentence
        title = self._title(source)
        message = f"{title}: {said}" if good else f"no whole snapshot of {title}: {said}"
        (logger.info if good else logger.error)("%s", message)
        ended = times.now()
        event = restik_counts.count(self._api, self._restik, Taken(
            good, message, began, (ended - began).total_seconds()))
        if volume is not None:
            self._hands.records.write(volume, eventName=event)
        return good

    def _title(self, source: Source) -> str:
        volume = self._restik["spec"]["source"]["volumeName"]
        if not source.pod:
            return f"volume {volume} of {source.workload}"
        return f"volume {volume} of pod {source.pod['metadata']['name']} ({source.workload})"

    def _taken(self, source: Source) -> tuple[Object, bool]:
        """The PodVolumeBackup that has ended, and whether an earlier attempt has counted it. Raises ArkError."""
        pod, restik = dict(source.pod), self._restik
        volume_name = restik["spec"]["source"]["volumeName"]
        entry = next(each for each in pod["spec"]["volumes"] if each["name"] == volume_name)
        found = pod_volumes.of_entry(entry, pod, claims={}, volumes={})
        if found.claim_name is None:
            raise errors.InvalidInput("only claims can be saved by a Restik in this version")
        subject = self._subject(pod, volume_name, found.claim_name)
        if why := refusal(subject, self._hands.settings):
            raise errors.InvalidInput(why)
        claim = subject.claim
        assert claim is not None
        directory = restik_repository.directory(restik)
        _, identifier = self._hands.gate.ready(directory)
        tags = restiks.tags(restik, pod=pod["metadata"]["name"], workload=source.workload,
                            claim=claim["metadata"]["name"])
        volume = self._hands.records.made(restik_snapshots.resource(
            restik, pod, claim, namespace=self._parent.namespace, owner=self._parent.reference, tags=tags,
            location=self._location, identifier=identifier))
        if not restik_snapshots.is_over(volume):
            work = VolumeWork(title=f"volume {volume_name} of pod {pod['metadata']['namespace']}/"
                              f"{pod['metadata']['name']}", address="", repository=directory, user="",
                              path=f"{DATA}/{claim['metadata']['name']}", tags=tags)
            place = place_of(subject, self._hands.settings, ark=self._parent.namespace)
            volume = carry_out(self._hands, Task(
                volume, work, place, False, lambda: hindrance(self._api, subject, node=place.node),
                lambda progress: self._heed(volume, progress)))
        return volume, bool((volume.get("status") or {}).get("eventName"))

    def _subject(self, pod: Object, volume: str, claim: str) -> Subject:
        found = self._seen(CLAIMS.path(pod["metadata"]["namespace"], claim))
        behind = ((found or {}).get("spec") or {}).get("volumeName")
        return Subject(pod, volume, claim, found, self._seen(VOLUMES.path(None, behind)) if behind else None)

    def _seen(self, path: str) -> Object | None:
        try:
            return self._api.get(path)
        except (errors.NotFound, errors.Forbidden):
            return None

    def _heed(self, volume: Object, progress: Object) -> None:
        self._hands.records.write(volume, progress={
            "bytesDone": int(progress.get("bytesDone") or 0), "totalBytes": int(progress.get("totalBytes") or 0)})
