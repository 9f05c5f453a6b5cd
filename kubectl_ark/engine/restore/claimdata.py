"""The data of claims that a restore has created: brought back before the pods that use them are.

A claim is filled by a Job of its own; meanwhile other kinds come back, and before the first pod all of it is waited
for. Claims that pods share a node for are filled on one node: the first settles it for those that are provisioned where
their first user is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

from kubectl_ark import errors
from kubectl_ark.engine.progress import Progress
from kubectl_ark.engine.restore.archive import Archive, Object
from kubectl_ark.engine.restore.order import CLAIMS, PODS
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.model.volume_restores import Saved

Claim = tuple[str, str]
"""(namespace, name), as it comes back."""


@dataclasses.dataclass(frozen=True)
class Task:
    """One claim to fill. pod: one that uses it, as it was saved; {} if the backup has none."""

    claim: Claim
    saved: Saved
    pod: Mapping[str, Any]


class Filling(Protocol):
    """Who fills claims."""

    at_once: int

    def fill(self, task: Task, *, node: str | None) -> str | None:
        """Fill it and wait for that; the node that it is on, None for any. node: the only one that will do.

        What cannot be brought back raises StoreError or ApiError with a sentence; raises what ends the run.
        """


class ClaimData:
    """``expect`` is thread-safe, the rest for one thread. filling: None where nobody fills claims."""

    def __init__(self, filling: Filling | None, *, threads: int, log: RunLog, progress: Progress) -> None:
        self._filling, self._log, self._progress = filling, log, progress
        self._expected: dict[Claim, Saved] = {}
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="fill")
        self._under_way: list[Future[None]] = []

    def expect(self, claim: Claim, saved: Saved) -> None:
        """A claim that was created, by this try or an earlier one, and has data to come back."""
        self._expected[claim] = saved

    def begin(self, archive: Archive) -> None:
        """Begin to fill what is expected."""
        expected, self._expected = self._expected, {}
        if not expected:
            return
        if self._filling is None:
            for claim, saved in sorted(expected.items()):
                self._tell(claim, "nobody here brings back the data of volumes")
            return
        for tasks in grouped(expected, _users(archive, expected)):
            self._under_way.append(self._pool.submit(self._fill, tasks))

    def finish(self) -> None:
        """Wait for it. Raises what ends the run."""
        under_way, self._under_way = self._under_way, []
        if under_way:
            self._progress.step(f"bringing back the data of volumes, {len(under_way)} at most at once")
        for each in under_way:
            each.result()

    def close(self) -> None:
        """No more is begun; what goes on sees that the run is over."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _fill(self, tasks: list[Task]) -> None:
        """One after the other, each where the first is."""
        node: str | None = None
        assert self._filling is not None
        for task in tasks:
            try:
                self._progress.checkpoint()
                node = self._filling.fill(task, node=node) or node
            except (errors.Interrupted, errors.Cancelled, errors.RunLost, errors.Unreachable) as failure:
                self._progress.end(failure)
                raise
            except errors.ArkError as failure:
                self._tell(task.claim, failure.sentence)

    def _tell(self, claim: Claim, sentence: str) -> None:
        namespace, name = claim
        self._log.error(f"the data of persistentvolumeclaim {namespace}/{name} was not brought back: {sentence}",
                        place=namespace, resource=CLAIMS, namespace=namespace, name=name)


def grouped(expected: Mapping[Claim, Saved], users: Mapping[Claim, Object]) -> list[list[Task]]:
    """The tasks; those of one pod together. users: a pod for each claim that one uses."""
    groups: dict[str, list[Task]] = {}
    for claim, saved in sorted(expected.items()):
        pod = users.get(claim) or {}
        key = f"{claim[0]}/{pod['metadata']['name']}" if pod else "/".join((*claim, "alone"))
        groups.setdefault(key, []).append(Task(claim, saved, pod))
    return list(groups.values())


def _users(archive: Archive, claims: Mapping[Claim, Saved]) -> dict[Claim, Object]:
    """A pod for each claim that one uses, the first by name."""
    found: dict[Claim, Object] = {}
    for group in archive.of_kind(PODS):
        for position in range(len(group)):
            namespace = group.namespaces[position]
            if not any(claim[0] == namespace for claim in claims):
                continue
            pod = archive.load(group, position)
            for name in _claims_of(pod):
                found.setdefault((namespace, name), pod)
    return {claim: pod for claim, pod in found.items() if claim in claims}


def _claims_of(pod: Object) -> Iterator[str]:
    for volume in (pod.get("spec") or {}).get("volumes") or ():
        if claim := volume.get("persistentVolumeClaim"):
            yield claim["claimName"]
        elif "ephemeral" in volume:
            yield f"{pod['metadata']['name']}-{volume['name']}"
