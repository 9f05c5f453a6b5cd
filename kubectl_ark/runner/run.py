"""The claim and the status of one CR: who runs it, how far it is, how it ended (design: the life of a run).

Every write tests the CR's uid and the claim in the same JSON patch, so that a CR made anew under the same name, or
one that another pod has taken over, is never written to.
"""

from __future__ import annotations

import copy
import threading
from typing import Any

from kubectl_ark import __version__, errors
from kubectl_ark.kube.api import Api
from kubectl_ark.model import kinds, labels, phases, times
from kubectl_ark.model.phases import Phase
from kubectl_ark.model.resources import JOBS, custom
from kubectl_ark.runner import events, statuses
from kubectl_ark.runner.identity import Identity
from kubectl_ark.runner.parent import Parent

CLAIM_TRIES = 10


class Finished(errors.RunLost):
    """There is nothing to do: the run has ended already, or it is not one to run."""


class TakenOver(errors.RunLost):
    """The next pod of the same Job has the run, and with it what is in the bucket."""


class Run:
    """One Backup or Restore. Thread-safe after ``claim``."""

    def __init__(self, api: Api, kind: kinds.Kind, *, namespace: str, name: str, identity: Identity) -> None:
        self.kind, self.namespace, self.name, self.identity = kind, namespace, name, identity
        self.object: dict[str, Any] = {}
        """The CR as last seen."""
        self._api = api
        self._path = custom(kind).path(namespace, name)
        self._lock = threading.RLock()
        self._claim: dict[str, Any] = {}

    @property
    def title(self) -> str:
        """For messages: "backup heptio-ark/nightly"."""
        return f"{self.kind.singular} {self.namespace}/{self.name}"

    @property
    def parent(self) -> Parent:
        """The CR, as what all hangs on that the run makes."""
        return Parent(custom(self.kind), self.namespace, self.name, self.uid, self.kind.singular)

    @property
    def uid(self) -> str:
        """The CR's uid."""
        return str(self.object["metadata"]["uid"])

    @property
    def status(self) -> dict[str, Any]:
        """The CR's status as last seen."""
        return self.object.get("status") or {}

    @property
    def attempt(self) -> int:
        """1 for the first pod of the Job."""
        return int(self._claim.get("attempt", 1))

    def claim(self) -> None:
        """Take the run, or take it over from an earlier pod of the same Job.

        Raises Finished where there is nothing to do, RunLost where somebody else has the run, NotFound.
        """
        for _ in range(CLAIM_TRIES):
            self.object = self._api.get(self._path)
            self._refuse()
            former = self.status.get("claim") or {}
            attempt = int(former.get("attempt", 1)) if former else 1
            # Our own claim is there already where the answer to an earlier try was lost.
            if former and former.get("podUID") != self.identity.pod_uid:
                if not self.identity.job_uid or former.get("jobUID") != self.identity.job_uid:
                    raise errors.RunLost(f"{self.title} is claimed by pod {former.get('podName')}")
                attempt += 1
            claim = self.identity.claim(attempt=attempt)
            metadata = self.object["metadata"]
            operations = [
                {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
                {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
                {"op": "add", "path": "/status", "value": {**self.status, "claim": claim, "runner": __version__}},
            ]
            try:
                self.object = self._api.patch_json(self._path + "/status", operations)
            except (errors.Rejected, errors.Conflict) as failure:
                last = failure
                continue
            self._claim = claim
            return
        raise errors.ArkError(f"{self.title} cannot be claimed: {last}")

    def update(self, **fields: Any) -> None:
        """Write fields of the status. None removes one. Raises RunLost where the run is not ours any more."""
        with self._lock:
            present = self.status
            operations: list[dict[str, Any]] = [
                {"op": "test", "path": "/metadata/uid", "value": self.uid},
                {"op": "test", "path": "/status/claim", "value": self._claim},
            ]
            if "phase" in present:  # whoever took this run for dead has written another
                operations.append({"op": "test", "path": "/status/phase", "value": present["phase"]})
            try:
                self.object = self._api.patch_json(
                    self._path + "/status", [*operations, *statuses.changes(present, fields)])
            except errors.NotFound as failure:
                raise errors.RunLost(f"{self.title} was deleted") from failure
            except (errors.Rejected, errors.Conflict) as failure:
                self._explain(failure, fields)

    def enter(self, phase: Phase, message: str, **fields: Any) -> None:
        """Write a phase with its conditions and further fields."""
        moment = times.format_time(times.now())
        generation = int(self.object["metadata"].get("generation", 0))
        if phase in phases.FINISHED:
            fields = {"completionTimestamp": moment, "step": None, **fields}
        self.update(
            phase=phase.value, observedGeneration=generation, heartbeatTimestamp=moment,
            conditions=phases.conditions(phase, message=message, moment=moment, generation=generation,
                                         former=self.status.get("conditions")),
            **fields,
        )
        if phase in phases.FINISHED:
            events.record(self._api, self.object, phase=phase, message=message)

    def finished_copy(self, phase: Phase, message: str, **fields: Any) -> dict[str, Any]:
        """The CR as it will be once ``enter`` has written this; for what must be stored before it is true."""
        result = copy.deepcopy(self.object)
        moment = fields["completionTimestamp"]
        result["status"] = {**self.status, "phase": phase.value, **fields, "conditions": phases.conditions(
            phase, message=message, moment=moment, generation=int(result["metadata"].get("generation", 0)),
            former=self.status.get("conditions"))}
        return result

    def is_last_attempt(self) -> bool:
        """True if no further pod will take over should this one fail."""
        if not self.identity.job_name:
            return True
        path = JOBS.path(self.namespace, self.identity.job_name)
        try:
            job = self._api.get(path)
        except errors.ApiError:
            return False
        failed = int((job.get("status") or {}).get("failed") or 0)
        return failed >= int(job["spec"].get("backoffLimit", 6))

    def let_go(self, failure: Exception) -> None:
        """Raise RunLost where that is what ``failure`` comes from: a successor aborts our upload, say.

        Returns while the run is ours to finish, and where the API server does not say that it is not.
        """
        if isinstance(failure, errors.RunLost):
            raise failure
        try:
            now = self._current()
        except errors.RunLost as lost:
            raise lost from failure
        except errors.ArkError:
            return
        if phases.is_finished(now):
            raise errors.RunLost(f"{self.title} was ended by somebody else") from failure

    def heed(self) -> None:
        """The last look before what cannot be undone. Raises Cancelled, RunLost, ApiError."""
        self.object = self._current()
        if phases.is_finished(self.object):
            raise errors.RunLost(f"{self.title} was ended by somebody else: it is {phases.phase_of(self.object)}")
        if (wish := self.cancellation()) is not None:
            raise wish

    def cancellation(self) -> errors.Cancelled | None:
        """The user's wish that the run should end, if the CR as last seen carries one: "<when> <who>"."""
        wish = (self.object["metadata"].get("annotations") or {}).get(labels.CANCEL)
        return errors.Cancelled(f"cancelled by {wish.partition(' ')[2] or wish}") if wish else None

    def _refuse(self) -> None:
        metadata = self.object["metadata"]
        if self.identity.run_uid and metadata["uid"] != self.identity.run_uid:
            raise errors.RunLost(f"{self.title} was deleted and made anew; this Job belongs to the former one")
        if phases.is_finished(self.object):
            raise Finished(f"{self.title} is {phases.phase_of(self.object)} already")
        if labels.SYNCED in (metadata.get("annotations") or {}):
            raise Finished(f"{self.title} came from the bucket and is not one to run")
        if metadata.get("deletionTimestamp"):
            raise errors.RunLost(f"{self.title} is being deleted")

    def _explain(self, failure: errors.ApiError, wanted: dict[str, Any]) -> None:
        """What a refused patch means: done already, by a try whose answer was lost; run lost; or something else."""
        now = self._current()
        status = now.get("status") or {}
        if all(status.get(field) == value for field, value in wanted.items()):
            self.object = now
            return
        if phases.is_finished(now):
            raise errors.RunLost(f"{self.title} was ended by somebody else: it is {phases.phase_of(now)}") from failure
        raise failure

    def _current(self) -> dict[str, Any]:
        """The CR as it is now, if it is still ours. Raises RunLost, TakenOver, ApiError."""
        try:
            now = self._api.get(self._path)
        except errors.NotFound as failure:
            raise errors.RunLost(f"{self.title} was deleted") from failure
        if now["metadata"]["uid"] != self.uid:
            raise errors.RunLost(f"{self.title} was deleted and made anew")
        if now["metadata"].get("deletionTimestamp"):
            raise errors.RunLost(f"{self.title} is being deleted")
        claim = (now.get("status") or {}).get("claim") or {}
        if claim != self._claim:
            raise TakenOver(f"{self.title} was taken over by pod {claim.get('podName')}")
        return now
