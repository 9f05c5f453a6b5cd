"""One wave: every wanted item of one kind, created in parallel; what exists already is settled by ``present``.

Into a namespace that this run made, items are posted at once: a 409 there is only a controller that was quicker (the
account "default"). Elsewhere the kind is listed once, what exists is compared, and what is missing is posted: listing
3,000 objects takes 0.1 s, 3,000 refused POSTs take 3 s (tried).
"""

from __future__ import annotations

import dataclasses
import functools
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from kubectl_ark import errors
from kubectl_ark.engine.listing import list_kind, one_ahead
from kubectl_ark.engine.restore import leftout, present, statuses
from kubectl_ark.engine.restore.archive import Group, Object
from kubectl_ark.engine.restore.context import CREATE_PARAMS, Context, named
from kubectl_ark.engine.restore.existing import CONTROLLED, is_of_this_restore
from kubectl_ark.engine.restore.later import Deferred
from kubectl_ark.engine.restore.messages import not_created
from kubectl_ark.engine.restore.namespaces import Namespaces
from kubectl_ark.engine.restore.order import CLAIMS, PODS, VOLUMES
from kubectl_ark.engine.restore.outcome import CREATED, FAILED
from kubectl_ark.engine.restore.plan import Plan
from kubectl_ark.engine.restore.prepare import Unfit
from kubectl_ark.engine.restore.present import Subject
from kubectl_ark.engine.restore.transforms import generic
from kubectl_ark.engine.restore.transient import Again, again
from kubectl_ark.engine.restore.volumes import Fate
from kubectl_ark.engine.restore.wire import encode
from kubectl_ark.engine.results import CLUSTER
from kubectl_ark.model import labels, restore_hooks
from kubectl_ark.model.resources import Resource
from kubectl_ark.model.snapshots import Snapshot

GOING_SECONDS = 60.0
"""How long an object of the same name that is being deleted is waited for, and a conflict inside the server retried."""

NEW_KIND_SECONDS = 10.0
"""How long a 404 for a custom resource is retried: of several API servers one may learn of a new CRD later."""

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0

LARGE = 256 * 1024
"""Bytes from which on objects are created one by one: in 32 threads at once, each with its own heap, objects of 1 MB
took 241 MiB."""

ENOUGH_REFUSALS = 8
"""In a row, in a round of further tries: then the others of that kind wait for the next round untried."""

PORT_TAKEN = "provided port is already allocated"


class Wave:
    """``run`` it once. ``created``: names of what was created, by this try or an earlier one of the same restore.

    params: of each POST, such as strict validation.
    """

    def __init__(
        self, context: Context, group: Group, resource: Resource, *, plan: Plan, namespaces: Namespaces,
        params: dict[str, str] | None = None,
    ) -> None:
        self.created: list[str] = []
        self._context = context
        self._group = group
        self._type = group.type._replace(api_version=resource.api_version)
        self._resource = resource
        self._plan = plan
        self._namespaces = namespaces
        self._params = params or CREATE_PARAMS
        self._may_be_untouched = (not context.update and context.preparation.is_plain
                                  and group.type.group_resource not in CONTROLLED)
        self._paths: dict[str, str] = {}
        self._refused_in_a_row = 0
        self._enough = context.threads

    def anew(self) -> None:
        """A round of further tries begins."""
        self._refused_in_a_row, self._enough = 0, ENOUGH_REFUSALS

    def run(self) -> None:
        """Settle every wanted item, or put it off. Raises Unreachable, and what the run's checkpoint raises."""
        group, unusable = self._group, self._namespaces.unusable
        todo: list[int] = []
        twice = self._named_twice()
        for position in group.wanted():
            if group.namespaces[position] in unusable:
                self._context.settled(self._type, group.title(position), FAILED, "its namespace is not usable")
            elif position in twice:
                title = group.title(position)
                self._context.failed(self._type, title, group.namespaces[position], f"{named(self._type, title)} was "
                                     "not created: spec.namespaceMapping gives two saved objects this name")
            else:
                todo.append(position)
        settled = self._compare_existing(todo)
        small: list[int] = []
        large: list[int] = []
        for position in todo:
            if position not in settled:
                (large if group.sizes[position] > LARGE else small).append(position)
        self._in_parallel(small)
        for position in large:
            self._context.progress.checkpoint()
            self.restore(position)

    def restore(self, position: int, *, last: bool = False) -> None:
        """Settle one item, or put it off if the refusal may pass and this is not the last try."""
        if not last and self._refused_in_a_row >= self._enough:
            # Each try may take as long as the webhook's timeout; what refuses so many refuses the next one too.
            self._context.later.add(Deferred(self, position, Again.PATIENTLY))
            return
        self._attempt(position, lambda: self._create(position), last=last)

    def _attempt(self, position: int, settle: Callable[[], None], *, last: bool = False) -> None:
        try:
            settle()
            self._refused_in_a_row = 0
        except Unfit as fault:
            title = self._group.title(position)
            self._context.failed(self._type, title, self._group.namespaces[position],
                                 f"{named(self._type, title)} was not restored: {fault}", reason=str(fault))
        except errors.Unreachable:
            raise
        except errors.ApiError as fault:
            verdict = again(fault, custom="." in self._type.group_resource)
            if verdict is Again.NEVER or last:
                return self._refused(position, fault)
            self._refused_in_a_row += verdict is Again.PATIENTLY
            self._context.later.add(Deferred(self, position, verdict, not_created(
                self._type, self._group.title(position), fault)))

    def _named_twice(self) -> set[int]:
        """Positions of items whose name and new namespace another item has; only a mapping brings that about."""
        twice: set[int] = set()
        if self._context.preparation.mapping:
            seen: set[tuple[str, str]] = set()
            for position in self._group.wanted():
                key = self._group.namespaces[position], self._group.names[position]
                if key in seen:
                    twice.add(position)
                seen.add(key)
        return twice

    def _compare_existing(self, positions: Iterable[int]) -> set[int]:
        """List the namespaces that were there before, settle what exists; the positions that are settled."""
        group, fresh = self._group, self._namespaces.fresh
        wanted = {(group.namespaces[each], group.names[each]): each for each in positions
                  if group.namespaces[each] not in fresh}
        settled: set[int] = set()
        if not wanted or "list" not in self._resource.verbs:
            return settled
        namespaces = sorted({namespace for namespace, _ in wanted}) if self._resource.namespaced else None
        try:
            for page in one_ahead(list_kind(self._context.api, self._resource, namespaces)):
                for live in page.get("items") or ():
                    metadata = live["metadata"]
                    position = wanted.get((metadata.get("namespace", ""), metadata["name"]))
                    if position is not None and position not in settled and not metadata.get("deletionTimestamp"):
                        self._attempt(position, functools.partial(self._exists, position, live))
                        settled.add(position)
                        self._context.progress.checkpoint()
        except errors.Unreachable:
            raise
        except errors.ApiError as fault:
            # The list only saves requests: what exists is found by its 409 as well.
            self._context.log.info(f"what exists of {self._type.group_resource} could not be listed: {fault}")
        return settled

    def _in_parallel(self, positions: list[int]) -> None:
        feed = iter(positions)
        lock = threading.Lock()
        ended = threading.Event()

        def work() -> None:
            try:
                while not ended.is_set():
                    with lock:
                        position = next(feed, None)
                    if position is None:
                        return
                    self._context.progress.checkpoint()
                    self.restore(position)
            except BaseException:
                ended.set()
                raise

        futures = [self._context.pool.submit(work) for _ in range(min(self._context.threads, len(positions)))]
        faults = [fault for fault in [each.exception() for each in futures] if fault is not None]
        if faults:
            raise faults[0]

    def _create(self, position: int) -> None:
        """Settle one item. Raises ApiError where the server refuses it."""
        group, context = self._group, self._context
        item = context.archive.load(group, position)
        if self._left_out(position, item):
            return
        status = item.get("status") if context.statuses.takes(self._type.group_resource, item) else None
        namespace, title, fate = group.namespaces[position], group.title(position), self._fate(position)
        if fate is not None and fate.refused:
            context.failed(self._type, title, namespace, f"{named(self._type, title)} was not created: "
                           f"{fate.refused}; free that volume or restore the claim under another volume")
            return
        context.report(self._type, title, namespace, context.preparation.apply(self._type, item, fate=fate))
        if fate is not None and fate.snapshot is not None:
            self._from_snapshot(position, item, fate, fate.snapshot)
        generic.add_labels(item, context.labels)
        self._post(position, encode(item), status)

    def _from_snapshot(self, position: int, item: Object, fate: Fate, snapshot: Snapshot) -> None:
        """Have the volume of a claim made from its snapshot; where that cannot be, it is new and empty."""
        try:
            if self._context.sources is None:
                raise errors.SnapshotFailed("nobody here brings back snapshots")
            self._context.sources.prepare(item, snapshot)
        except (errors.SnapshotFailed, errors.ApiError) as failure:
            if isinstance(failure, errors.Unreachable):
                raise
            self._plan.fates[self._group.namespaces[position], self._group.names[position]] = dataclasses.replace(
                fate, snapshot=None, error=f"its volume is new and empty: {failure.sentence}")

    def _post(self, position: int, body: bytes, status: Any) -> None:
        started, pause = time.monotonic(), FIRST_PAUSE_SECONDS
        path = self._path(self._group.namespaces[position])
        while True:
            waited = time.monotonic() - started
            try:
                self._context.api.raw("POST", path, body=body, params=self._params)
                return self._was_created(position, status)
            except errors.Conflict:
                live = self._live(position)
                if live is not None and not live["metadata"].get("deletionTimestamp"):
                    return self._exists(position, live)
                # Being deleted, gone just now, or a clash over a ResourceQuota inside the server.
                if waited > GOING_SECONDS:
                    raise
            except errors.NotFound:
                if "." not in self._type.group_resource or waited > NEW_KIND_SECONDS:
                    raise
            except errors.ApiError as fault:
                live = self._live(position) if PORT_TAKEN in fault.message else None
                if live is None:
                    raise
                return self._exists(position, live)
            self._context.progress.checkpoint()
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _exists(self, position: int, live: Object) -> None:
        """Settle an item whose object is in the cluster already. ``live`` is used up. Raises as ``_create``."""
        context = self._context
        ours = is_of_this_restore(live, restore_label=context.labels[labels.RESTORE_NAME], since=context.since)
        if not ours and self._is_untouched(position, live):
            if not self._left_out(position, live):
                context.skipped(self._type, self._group.title(position), present.SAME)
            return
        item = context.archive.load(self._group, position)
        if self._left_out(position, item):
            return
        status = item.get("status") if context.statuses.takes(self._type.group_resource, item) else None
        if ours:
            return self._was_created(position, status)
        present.settle(context, Subject(self._type, self._group, position, self._resource), item=item, live=live,
                       fate=self._fate(position))

    def _is_untouched(self, position: int, live: Object) -> bool:
        """True if nothing at all has happened to an object since its backup: the saved bytes are its own.

        A backup of ours writes an object as it was listed, so most of a cluster need not be decoded to be compared.
        """
        if not self._may_be_untouched or self._fate(position) is not None:
            return False
        head = {"apiVersion": self._type.api_version, "kind": self._type.kind}
        return orjson.dumps({**head, **live}) == self._context.archive.content(self._group, position)

    def _left_out(self, position: int, item: Object) -> bool:
        reason = leftout.reason(self._type.group_resource, item)
        if reason is None and self._type.group_resource == VOLUMES \
                and self._group.names[position] in self._plan.provisioned:
            reason = "provisioned anew for its claim"
        if reason is not None:
            self._context.skipped(self._type, self._group.title(position), reason)
        return reason is not None

    def _was_created(self, position: int, status: Any = None) -> None:
        namespace, title = self._group.namespaces[position], self._group.title(position)
        self.created.append(self._group.names[position])
        self._context.settled(self._type, title, CREATED)
        fate = self._fate(position)
        if fate is not None and fate.data is not None:
            self._context.data.expect((namespace, self._group.names[position]), fate.data)
        if fate is not None and fate.snapshot is not None and self._context.sources is not None:
            self._context.sources.expect((namespace, self._group.names[position]), fate.snapshot)
        if fate is not None and (fate.warning or fate.error):
            say = self._context.log.error if fate.error else self._context.log.warning
            say(f"{named(self._type, title)} was created, but {fate.error or fate.warning}", place=namespace,
                resource=CLAIMS, name=title)
        if status:
            self._bring_back(position, status)
        if self._type.group_resource == PODS:
            self._expect_hooks(position)

    def _expect_hooks(self, position: int) -> None:
        context, pod = self._context, self._context.archive.load(self._group, position)
        if not restore_hooks.concerns(pod, context.preparation.spec):
            return
        namespace, title = self._group.namespaces[position], self._group.title(position)
        hooks = context.preparation.hooks(pod)
        for trouble in hooks.troubles:
            context.log.warning(f"{named(self._type, title)}: {trouble}", place=namespace, resource=PODS, name=title)
        if hooks.exec_hooks:
            context.hooks.expect(namespace, pod, hooks.exec_hooks)

    def _bring_back(self, position: int, status: Any) -> None:
        """spec.restoreStatus. That it cannot be done is a warning (Velero)."""
        namespace, title = self._group.namespaces[position], self._group.title(position)
        try:
            statuses.write(self._context.api, self._resource, namespace=namespace, name=self._group.names[position],
                           status=status)
        except errors.Unreachable:
            raise
        except errors.ApiError as fault:
            self._context.log.warning(
                f"{named(self._type, title)} was created, but its status could not be restored: {fault}",
                place=namespace or CLUSTER, resource=self._type.group_resource, name=title)

    def _refused(self, position: int, fault: errors.ApiError) -> None:
        title = self._group.title(position)
        self._context.failed(self._type, title, self._group.namespaces[position],
                             not_created(self._type, title, fault), reason=fault.message)

    def _fate(self, position: int) -> Fate | None:
        """What becomes of a claim that was bound."""
        if self._type.group_resource != CLAIMS:
            return None
        return self._plan.fates.get((self._group.namespaces[position], self._group.names[position]))

    def _live(self, position: int) -> Object | None:
        try:
            return self._context.api.get(self._object_path(position))
        except (errors.NotFound, errors.Forbidden):
            return None

    def _path(self, namespace: str) -> str:
        path = self._paths.get(namespace)
        if path is None:
            path = self._paths[namespace] = self._resource.path(namespace or None)
        return path

    def _object_path(self, position: int) -> str:
        return self._resource.path(self._group.namespaces[position] or None, self._group.names[position])
