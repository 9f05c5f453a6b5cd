"""The namespaces that restored items live in (ark-format.md §8.4)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from kubectl_ark import errors
from kubectl_ark.engine.restore.archive import WANTED, Group, Object, Type
from kubectl_ark.engine.restore.context import CREATE_PARAMS, Context
from kubectl_ark.engine.restore.existing import differences, is_of_this_restore
from kubectl_ark.engine.restore.messages import differs, not_created
from kubectl_ark.engine.restore.order import NAMESPACES
from kubectl_ark.engine.restore.outcome import CREATED
from kubectl_ark.engine.restore.present import SAME
from kubectl_ark.engine.restore.transforms import generic
from kubectl_ark.engine.restore.wire import encode
from kubectl_ark.engine.results import CLUSTER
from kubectl_ark.model import labels

TYPE = Type(NAMESPACES, "v1", "Namespace")
PATH = "/api/v1/namespaces"

TERMINATING_SECONDS = 600.0
"""Velero's --terminating-resource-timeout."""

POLL_SECONDS = 1.0

_MAKE_IT = ('create the namespace, let kubectl-ark reach it with "kubectl ark install --namespaces", '
            "then restore again")


class Namespaces:
    """Which namespaces this run made, and which it could not get; filled by ``ensure``.

    fresh: made by this very run, so nothing but controllers writes there. unusable: not there, or still Terminating
    when the time was over; each was reported once.
    """

    def __init__(self, context: Context, *, patience_seconds: float = TERMINATING_SECONDS) -> None:
        self.fresh: set[str] = set()
        self.unusable: set[str] = set()
        self._context = context
        self._patience = patience_seconds
        self._lock = threading.Lock()

    def ensure(self, names: Iterable[str]) -> None:
        """Have every one of these namespaces, as the backup has it or empty; waits for Terminating ones to go."""
        for _ in self._context.pool.map(self._ensure, sorted(names)):
            self._context.progress.checkpoint()

    def _ensure(self, name: str) -> None:
        context = self._context
        found = context.archive.find(NAMESPACES, "", name)
        deadline, body = time.monotonic() + self._patience, self._body(name, found)
        try:
            while True:
                context.progress.checkpoint()
                try:
                    context.api.raw("POST", PATH, body=encode(body), params=CREATE_PARAMS)
                except errors.Conflict:
                    live = self._live(name)
                except errors.Forbidden as refusal:  # an installation for some namespaces uses those that are there
                    live = self._seen(name)
                    if live is None:
                        raise errors.Forbidden(refusal.message, hint=_MAKE_IT) from refusal
                else:
                    with self._lock:
                        self.fresh.add(name)
                    context.settled(TYPE, name, CREATED)
                    return
                if live is not None and not live["metadata"].get("deletionTimestamp"):
                    self._exists(name, live, found)
                    return
                self._wait_until_gone(name, deadline)
        except errors.Unreachable:
            raise
        except errors.ApiError as fault:
            self._give_up(name, not_created(TYPE, name, fault))

    def _exists(self, name: str, live: Object, found: tuple[Group, int] | None) -> None:
        context = self._context
        if is_of_this_restore(live, restore_label=context.labels[labels.RESTORE_NAME], since=context.since):
            context.settled(TYPE, name, CREATED)
            return
        paths: list[str] = []
        if found is not None and found[0].states[found[1]] == WANTED:
            wanted = context.archive.load(*found)
            context.preparation.apply(TYPE, wanted)
            generic.drop_own_labels(wanted)
            context.preparation.live(TYPE, live)
            paths = differences(TYPE, wanted, live)
            if paths:
                context.log.warning(differs(TYPE, name, paths), place=CLUSTER, resource=NAMESPACES, name=name)
        context.skipped(TYPE, name, f"it exists and differs in {', '.join(paths)}" if paths else SAME)

    def _wait_until_gone(self, name: str, deadline: float) -> None:
        """Raises ApiError when the time is over. A watch would save nothing: one small GET a second."""
        self._context.progress.step(f"waiting until namespace {name} is gone")
        while self._live(name) is not None:
            self._context.progress.checkpoint()
            if time.monotonic() > deadline:
                raise errors.ApiError(
                    f"it is still being deleted after {self._patience:.0f} s",
                    hint=f'see what holds it with "kubectl get namespace {name} -o yaml", then restore again')
            time.sleep(POLL_SECONDS)

    def _seen(self, name: str) -> Object | None:
        try:
            return self._live(name)
        except errors.Forbidden:
            return None

    def _live(self, name: str) -> Object | None:
        try:
            return self._context.api.get(f"{PATH}/{name}")
        except errors.NotFound:
            return None

    def _body(self, name: str, found: tuple[Group, int] | None) -> Object:
        body: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        if found is not None:
            context = self._context
            body = context.archive.load(*found)
            context.report(TYPE, name, name, context.preparation.apply(TYPE, body))
        generic.add_labels(body, self._context.labels)
        return body

    def _give_up(self, name: str, message: str) -> None:
        with self._lock:
            self.unusable.add(name)
        self._context.failed(TYPE, name, name, f"{message}; nothing was restored into it")
