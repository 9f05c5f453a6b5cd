"""Exec restore hooks: commands in restored pods, once their containers run (ark-format.md §11; Velero, internal/hook).

Pods come back early in a restore, so their hooks run beside the rest of it: one watch for each namespace that has
any, and a few threads that run the commands. The run waits for them at its end. Each command that has ended is noted
on its pod, so that the Job's next pod, should it take the run over, runs only those that are left.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.progress import Progress
from kubectl_ark.engine.restore.archive import Object
from kubectl_ark.engine.restore.outcome import HookCounts
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.kube import exec as command
from kubectl_ark.kube import watch
from kubectl_ark.kube.api import Api
from kubectl_ark.model import labels, restore_hooks
from kubectl_ark.model.resources import PODS
from kubectl_ark.model.restore_hooks import FAIL, FOR_EVER, ExecHook

COMMANDS_AT_ONCE = 8

LOOK_SECONDS = 0.5
"""How often the end of the run looks whether it is to stop, and the watch's deadlines are looked at."""


class _Waiting:
    """A pod whose hooks have not all run. hooks: those left, one after the other in their order.

    busy: some are running now. seen: the pod as it was told last. failed: whether they did, of those that have ended.
    """

    def __init__(self, hooks: Sequence[ExecHook], container: str) -> None:
        self.hooks = [hook._replace(container=hook.container or container) for hook in hooks]
        self.since = time.monotonic()
        self.busy = False
        self.seen: Object | None = None
        self.failed: list[bool] = []


class ExecHooks:
    """Thread-safe. label_selector: what the restored pods carry. restore_uid: whose hooks these are."""

    def __init__(self, api: Api, *, label_selector: str, restore_uid: str, log: RunLog, progress: Progress) -> None:
        self._api, self._selector, self._restore_uid = api, label_selector, restore_uid
        self._log, self._progress = log, progress
        self._changed = threading.Condition()
        self._pods: dict[tuple[str, str], _Waiting] = {}
        self._watched: set[str] = set()
        self._counts = HookCounts()
        self._fault: BaseException | None = None
        self._ended = False
        self._pool = ThreadPoolExecutor(COMMANDS_AT_ONCE, thread_name_prefix="hook")

    @property
    def counts(self) -> HookCounts:
        """Of the hooks that have ended so far."""
        with self._changed:
            return self._counts

    def expect(self, namespace: str, pod: Object, hooks: Sequence[ExecHook]) -> None:
        """The pod was created: its hooks run as soon as its containers do. namespace: the one it is in now."""
        first = (pod["spec"].get("containers") or [{}])[0].get("name", "")
        with self._changed:
            self._pods[namespace, pod["metadata"]["name"]] = _Waiting(hooks, first)
            begin = namespace not in self._watched
            self._watched.add(namespace)
        if begin:
            threading.Thread(target=self._watch, args=(namespace,), name="hook-watch", daemon=True).start()
        try:  # the watch may have told of it before it was expected, or never will
            kind, live = "MODIFIED", self._api.get(PODS.path(namespace, pod["metadata"]["name"]))
        except errors.NotFound:
            kind, live = watch.DELETED, pod
        with self._changed:
            self._look(namespace, kind, live)

    def wait(self) -> HookCounts:
        """Until every hook has run or failed. Raises what the run's checkpoint raises, Unreachable."""
        with self._changed:
            while self._pods and self._fault is None:
                names = ", ".join("/".join(key) for key in sorted(self._pods)[:3])
                self._progress.step(f"waiting for the hooks of {len(self._pods)} pods: {names}")
                self._progress.checkpoint()
                self._changed.wait(LOOK_SECONDS)
                for key, waiting in list(self._pods.items()):
                    self._expire(key, waiting)
            if self._fault is not None:
                raise self._fault
            return self._counts

    def close(self) -> None:
        """Start no further command; those that run are left running."""
        with self._changed:
            self._ended = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _watch(self, namespace: str) -> None:
        try:
            for event in self._events(namespace):
                with self._changed:
                    if self._ended or not any(place == namespace for place, _ in self._pods):
                        self._watched.discard(namespace)
                        return
                    if event is not None:
                        self._look(namespace, *event)
        except BaseException as fault:
            with self._changed:
                self._fault = self._fault or fault
                self._changed.notify_all()

    def _events(self, namespace: str) -> Iterator[tuple[str, Object] | None]:
        return watch.changes(self._api, PODS, namespace, label_selector=self._selector)

    def _look(self, namespace: str, kind: str, pod: Object) -> None:
        """A pod as it is now. The lock is held."""
        key = namespace, pod["metadata"]["name"]
        waiting = self._pods.get(key)
        if waiting is None or waiting.busy:
            return
        if waiting.seen is None:
            self._pass_over_ended(key, waiting, pod)
            if not waiting.hooks:
                return
        waiting.seen = pod
        phase = (pod.get("status") or {}).get("phase")
        if kind == watch.DELETED or phase in ("Succeeded", "Failed"):
            end = "was deleted" if kind == watch.DELETED else f"is {phase}"
            return self._give_up(key, waiting, f"the pod {end}")
        names = {each["name"] for each in pod["spec"].get("containers") or ()}
        if waiting.hooks[0].container not in names:
            return self._give_up(key, waiting, f'the pod has no container "{waiting.hooks[0].container}"')
        if _is_due(waiting.hooks[0], pod) and not self._ended:
            waiting.busy = True
            self._pool.submit(self._run, key, waiting, pod)

    def _run(self, key: tuple[str, str], waiting: _Waiting, pod: Object) -> None:
        """Run a pod's hooks as far as their containers are ready by what was seen last."""
        try:
            while waiting.hooks and _is_due(waiting.hooks[0], pod):
                hook = waiting.hooks[0]
                failure = self._failure(key, hook)
                self._note(key, waiting, failed=bool(failure))
                with self._changed:
                    del waiting.hooks[0]
                    self._count(key, hook, failure)
                    if failure and hook.on_error == FAIL:
                        self._give_up(key, waiting, "an earlier hook failed, and its onError is Fail")
            with self._changed:
                if not waiting.hooks:
                    self._pods.pop(key, None)
                self._changed.notify_all()
            if waiting.hooks:  # the next one's container may have become ready meanwhile
                pod = self._api.get(PODS.path(*key))
                with self._changed:
                    waiting.busy = False
                    self._look(key[0], "MODIFIED", pod)
        except errors.NotFound:
            with self._changed:
                self._give_up(key, waiting, "the pod was deleted")
        except BaseException as fault:
            with self._changed:
                self._fault = self._fault or fault
                self._changed.notify_all()

    def _note(self, key: tuple[str, str], waiting: _Waiting, *, failed: bool) -> None:
        waiting.failed.append(failed)
        note = {labels.HOOKS_DONE: restore_hooks.ended_note(self._restore_uid, waiting.failed)}
        try:
            self._api.patch_merge(PODS.path(*key), {"metadata": {"annotations": note}})
        except errors.ApiError as fault:
            self._log.info(f"pod {'/'.join(key)}: that a hook has ended could not be noted on it: {fault}")

    def _pass_over_ended(self, key: tuple[str, str], waiting: _Waiting, pod: Object) -> None:
        """Count what an earlier try of the run has seen end, as it counted then. The lock is held."""
        for failed in restore_hooks.ended_of(pod, self._restore_uid)[:len(waiting.hooks)]:
            hook = waiting.hooks.pop(0)
            waiting.failed.append(failed)
            self._count(key, hook, "it failed in an earlier try of this run" if failed else "",
                        done="done in an earlier try of this run")
            if failed and hook.on_error == FAIL:
                return self._give_up(key, waiting, "an earlier hook failed, and its onError is Fail")
        if not waiting.hooks:
            self._pods.pop(key, None)
            self._changed.notify_all()

    def _failure(self, key: tuple[str, str], hook: ExecHook) -> str:
        """Run one command; why it failed, "" if it did not. Raises what the run's checkpoint raises."""
        try:
            outcome = command.run(self._api, *key, container=hook.container, command=hook.command,
                                  timeout=hook.exec_seconds, checkpoint=self._progress.checkpoint)
        except (errors.TimedOut, errors.ApiError) as fault:
            return str(fault)
        if outcome.exit_code == 0:
            return ""
        return f"exit code {outcome.exit_code}" + (f": {outcome.said}" if outcome.said else "")

    def _expire(self, key: tuple[str, str], waiting: _Waiting) -> None:
        """Fail the next hook if its container was waited for long enough. The lock is held."""
        hook = waiting.hooks[0] if waiting.hooks else None
        if hook is None or waiting.busy or hook.wait_seconds == FOR_EVER:
            return
        if time.monotonic() - waiting.since > hook.wait_seconds:
            self._give_up(key, waiting, f"its container was not {'ready' if hook.wait_for_ready else 'running'} within "
                          f"{hook.wait_seconds:g} s", only_first=hook.on_error != FAIL)
            if waiting.hooks and waiting.seen is not None:
                self._look(key[0], "MODIFIED", waiting.seen)

    def _give_up(self, key: tuple[str, str], waiting: _Waiting, why: str, *, only_first: bool = False) -> None:
        """The hooks that are left, or the first of them, count as failed. The lock is held."""
        for hook in waiting.hooks[:1 if only_first else None]:
            self._count(key, hook, f"it was not run: {why}")
        del waiting.hooks[:1 if only_first else None]
        if not waiting.hooks:
            self._pods.pop(key, None)
        self._changed.notify_all()

    def _count(self, key: tuple[str, str], hook: ExecHook, failure: str, *, done: str = "done") -> None:
        attempted, failed = self._counts
        self._counts = HookCounts(attempted + 1, failed + bool(failure))
        title = f'hook "{hook.command[0]}" in pod {"/".join(key)}, container {hook.container}'
        if failure:
            self._log.error(f"{title}: {failure}", place=key[0], resource="pods", name="/".join(key))
        else:
            self._log.info(f"{title}: {done}", resource="pods", name="/".join(key))


def _is_due(hook: ExecHook, pod: dict[str, Any]) -> bool:
    """True if the hook's container runs, or is ready where the hook wants that."""
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        if status.get("name") == hook.container:
            return bool(status.get("ready") if hook.wait_for_ready else (status.get("state") or {}).get("running"))
    return False
