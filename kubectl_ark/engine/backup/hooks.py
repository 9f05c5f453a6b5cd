"""What happens around one pod of a backup: pre hooks → the pod's volumes → post hooks, as one stage.

Pre hooks run where the pod is met, as they may keep it out; while its volumes are saved the listing goes on, and the
post hooks run as soon as they are. A post hook always runs: after a failed pre hook, when the run is cancelled or its
pod is stopped, and by ``pending.run_pending`` after a SIGKILL in between.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from kubectl_ark import errors
from kubectl_ark.engine.backup.beside import Beside, Slots
from kubectl_ark.engine.backup.commands import Commands
from kubectl_ark.engine.backup.pending import Told, attempt, attempt_all, run_pending
from kubectl_ark.engine.progress import Progress
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.kube.api import Api
from kubectl_ark.model import hooks
from kubectl_ark.model.hooks import Hook, PodHooks

ENDED = ("Succeeded", "Failed")
"""Phases of a pod whose containers have ended: Velero counts its hooks as done."""

Pod = dict[str, Any]


class Volumes(Protocol):
    """Who saves the data of pods' volumes."""

    slots: Slots
    threads: int
    """So many pods' volumes are saved at once."""

    def of(self, pod: Pod) -> Sequence[Any]:
        """The volumes of a pod that are to be saved, () for none; says of the others why they are not."""

    def of_claim(self, claim: dict[str, Any]) -> Sequence[Any]:
        """The same for a claim, once all pods have been asked about: those that none uses."""

    def save(self, pod: Pod, chosen: Sequence[Any], *, frozen: bool) -> None:
        """Save them and wait for it. frozen: a pre hook has run, so that what was saved before it does not count.

        What cannot be saved is an error of the run's; raises what ends the run.
        """

    def finish(self) -> None:
        """Last of all: what still goes on once ``save`` has returned is waited for. Raises what ends the run."""


class PodStage:
    """The stage of one backup run. ``take`` and ``finish`` are for one thread.

    namespace: Ark's. resources: ``spec.hooks.resources``, valid. remember: writes ``status.pendingHooks``, and raises
    where it cannot. ``volumes`` saves the data of a pod's volumes between its hooks; None: nobody does.
    """

    def __init__(
        self, api: Api, *, namespace: str, resources: Sequence[dict[str, Any]], log: RunLog, progress: Progress,
        remember: Callable[[list[dict[str, Any]]], None],
    ) -> None:
        self.attempted = 0
        self.failed = 0
        self.volumes: Volumes | None = None
        self._api, self._namespace, self._resources = api, namespace, resources
        self._log, self._progress, self._remember = log, progress, remember
        self._commands = Commands(api, namespace)
        self._pending: list[dict[str, Any]] = []
        self._lock = threading.RLock()
        self._beside: Beside | None = None

    @property
    def status(self) -> dict[str, int]:
        """``status.hookStatus``."""
        return {"hooksAttempted": self.attempted, "hooksFailed": self.failed}

    def resume(self, pending: list[dict[str, Any]]) -> None:
        """First of all: the post hooks that an earlier attempt owes. pending: ``status.pendingHooks``."""
        if not pending:
            return
        self._log.info(f"an earlier attempt left post hooks of {len(pending)} pods to run")
        undone = run_pending(self._api, namespace=self._namespace, pending=pending)
        for told in undone.told:
            self._tell(told)
        self._pending = undone.left
        self._remember(self._pending)

    def take(self, pod: Pod) -> bool:
        """Run the stage for a pod that is to be saved; False if a hook says that it is not.

        Raises what ends the run; the post hooks have run then, too.
        """
        chosen = hooks.of_pod(pod, self._resources)
        volumes = self.volumes.of(pod) if self.volumes is not None else ()
        if not chosen:
            if volumes:
                self._save(pod, volumes, lambda: None)
            return True
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        for warning in chosen.warnings:
            self._log.warning(f"pod {namespace}/{name}: {warning}", place=namespace, namespace=namespace, name=name)
        self._progress.step(f"running hooks of pod {namespace}/{name}")
        try:
            if not self._can_run(pod, chosen):
                return True
        except errors.ApiError as failure:
            return self._all_failed(pod, chosen, failure)
        if volumes:
            self._wait_for_slot(pod)
        handed_over = False
        try:
            entry = hooks.to_pending(pod, chosen.post)
            if chosen.pre and entry["hooks"]:
                with self._lock:
                    self._remember([*self._pending, entry])
                    self._pending.append(entry)
            try:
                kept = self._pre(namespace, name, chosen.pre)
                if kept and volumes:
                    self._save(pod, volumes, lambda: self._post(pod, chosen.post, entry), frozen=bool(chosen.pre))
                    handed_over = True
            finally:
                if not handed_over:
                    self._post(pod, chosen.post, entry)
        finally:
            if volumes and not handed_over and self.volumes is not None:
                self.volumes.slots.give_back(_node(pod))
        return kept

    def take_claim(self, claim: dict[str, Any]) -> None:
        """Save a claim that no pod has brought, if it is to be. Raises what ends the run."""
        volumes = self.volumes.of_claim(claim) if self.volumes is not None else ()
        if volumes:
            nobody = {"metadata": {"namespace": claim["metadata"]["namespace"], "name": ""}, "spec": {}}
            self._save(nobody, volumes, lambda: None)

    def finish(self) -> None:
        """Last of all: volumes that are still being saved are waited for, and post hooks that could not be run where
        they belonged are tried once more. Raises what ends the run."""
        if self._beside is not None:
            self._beside.finish(self._progress.checkpoint)
        if self.volumes is not None:
            self.volumes.finish()
        pending, self._pending = self._pending, []
        for entry in pending:
            for told in attempt_all(self._commands, entry):
                self._tell(told)
        if pending:
            self._remember([])

    def close(self) -> None:
        """Wait until no stage is under way any more; those of a run that is ended come to their post hooks soon."""
        if self._beside is not None:
            self._beside.close()

    def _wait_for_slot(self, pod: Pod) -> None:
        """Before the pod is frozen, so that it is not for longer than it takes to save it."""
        assert self.volumes is not None
        self._progress.step("waiting for volumes that are being saved")
        self.volumes.slots.take(_node(pod), self._progress.checkpoint)

    def _save(self, pod: Pod, chosen: Sequence[Any], post: Callable[[], None], *, frozen: bool | None = None) -> None:
        """Save a pod's volumes beside the listing, and run its post hooks after that. frozen: None where it has no
        hooks; then a slot is still to be waited for."""
        volumes = self.volumes
        assert volumes is not None
        if frozen is None:
            self._wait_for_slot(pod)

        def work() -> None:
            try:
                volumes.save(pod, chosen, frozen=bool(frozen))
            except BaseException as failure:
                self._progress.end(failure)
                raise
            finally:
                try:
                    post()
                finally:
                    volumes.slots.give_back(_node(pod))

        if self._beside is None:
            self._beside = Beside(volumes.threads)
        self._beside.begin(work)

    def _can_run(self, pod: Pod, chosen: PodHooks) -> bool:
        """True if the pod that was listed is there still and has running containers. Raises ApiError."""
        metadata = pod["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        now = self._commands.pod(namespace, name)
        if now is None:
            self._log.warning(f"pod {namespace}/{name} went away after it was listed: its hooks were not run",
                              place=namespace, namespace=namespace, name=name)
        elif now["metadata"]["uid"] != metadata["uid"]:
            self._log.error(f"pod {namespace}/{name} was replaced after it was listed: its hooks were not run",
                            place=namespace, namespace=namespace, name=name)
        elif (now.get("status") or {}).get("phase") in ENDED:
            self._log.info(f"pod {namespace}/{name} has ended: its hooks are not run", namespace=namespace, name=name)
        else:
            return True
        return False

    def _all_failed(self, pod: Pod, chosen: PodHooks, failure: errors.ApiError) -> bool:
        """The pod cannot be got at, so none of its hooks can run; whether it is saved without them."""
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        dropped = any(hook.on_error == hooks.FAIL for hook in chosen.pre)
        with self._lock:
            self.attempted += len(chosen.pre) + len(chosen.post)
            self.failed += len(chosen.pre) + len(chosen.post)
        self._log.error(f"hooks of pod {namespace}/{name} cannot be run: {failure.sentence}{_left_out(dropped)}",
                        place=namespace, namespace=namespace, name=name)
        return not dropped

    def _pre(self, namespace: str, name: str, chosen: Sequence[Hook]) -> bool:
        """False if one with an explicit Fail failed: those after it count as attempted, but do not run."""
        for number, hook in enumerate(chosen):
            try:
                told = attempt(self._commands, namespace, name, hook, phase=hooks.PRE,
                               checkpoint=self._progress.checkpoint)
            except BaseException:  # the run is to stop; that the command was begun is true all the same
                with self._lock:
                    self.attempted += 1
                raise
            dropped = told.failed and hook.on_error == hooks.FAIL
            self._tell(told, _left_out(dropped))
            if dropped:
                with self._lock:
                    self.attempted += len(chosen) - number - 1
                return False
        return True

    def _post(self, pod: Pod, chosen: Sequence[Hook], entry: dict[str, Any]) -> None:
        """Run all of them, even when the run is being stopped; an entry that was out of reach stays pending."""
        out_of_reach = False
        for hook in chosen:
            told = attempt(self._commands, pod["metadata"]["namespace"], pod["metadata"]["name"], hook,
                           phase=hooks.POST)
            self._tell(told)
            out_of_reach = out_of_reach or told.retriable
        with self._lock:
            if entry in self._pending and not out_of_reach:
                self._pending.remove(entry)
                # The post hooks have run; that nobody can write it down is for the run's next write to find out.
                with contextlib.suppress(errors.ArkError):
                    self._remember(self._pending)

    def _tell(self, told: Told, more: str = "") -> None:
        with self._lock:
            self.attempted += 1
            self.failed += told.failed
        if told.failed:
            self._log.error(told.sentence + more, place=told.namespace, namespace=told.namespace, **told.fields)
        else:
            self._log.info(told.sentence, namespace=told.namespace, **told.fields)


def _node(pod: Pod) -> str:
    return str((pod.get("spec") or {}).get("nodeName") or "")


def _left_out(dropped: bool) -> str:
    return "; the pod is left out of the backup, as its onError is Fail" if dropped else ""
