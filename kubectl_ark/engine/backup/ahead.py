"""Listing in threads of its own, a few pages ahead of who archives them."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.listing import list_kind
from kubectl_ark.kube.api import Api
from kubectl_ark.model.resources import Resource

MOST_AT_ONCE = 8
"""Kinds listed at once. Each more may hold a page of some MiB; archiving is one thread's work and falls behind soon."""

LOOK_SECONDS = 0.5
"""How often the archiving side looks whether the run is to stop, while it waits for a page."""

Page = dict[str, Any]


class Ahead:
    """The pages of kind after kind. at_once: kinds listed at the same time, at most MOST_AT_ONCE.

    namespaces: as for ``listing.list_kind``. label_selectors: each is a list of its own, so that an object that several
    of them take comes several times.
    """

    def __init__(
        self, api: Api, listed: Sequence[Resource], namespaces: Sequence[str] | None, *,
        label_selectors: Sequence[str], checkpoint: Callable[[], None], at_once: int = 1,
    ) -> None:
        self._api, self._listed, self._namespaces = api, listed, namespaces
        self._selectors, self._checkpoint = label_selectors, checkpoint
        self._at_once = min(at_once, MOST_AT_ONCE)
        self._turn = threading.Condition()
        # All that follows belongs to whoever holds the condition.
        self._entries: list[collections.deque[Page | BaseException | None]] = [collections.deque() for _ in listed]
        self._held = 0
        self._taking = 0
        self._begun = 0
        self._abandoned = False
        self._down: dict[str, errors.ApiError] = {}

    def kinds(self) -> Iterator[tuple[Resource, Iterator[Page]]]:
        """Each kind with its pages, to be taken before the next kind is. The pages raise what listing raised."""
        for number in range(self._at_once):
            threading.Thread(target=self._list, name=f"list-{number}", daemon=True).start()
        try:
            for index, resource in enumerate(self._listed):
                with self._turn:
                    self._taking = index
                    self._turn.notify_all()
                pages = self._pages(index)
                yield resource, pages
                for _ in pages:
                    pass
        finally:
            with self._turn:
                self._abandoned = True
                self._turn.notify_all()

    def _pages(self, index: int) -> Iterator[Page]:
        while (entry := self._next(index)) is not None:
            if isinstance(entry, BaseException):
                raise entry
            yield entry

    def _next(self, index: int) -> Page | BaseException | None:
        entries = self._entries[index]
        while True:
            self._checkpoint()
            with self._turn:
                if entries or self._turn.wait_for(lambda: entries, LOOK_SECONDS):
                    entry = entries.popleft()
                    if isinstance(entry, dict):
                        self._held -= 1
                        self._turn.notify_all()
                    return entry

    def _list(self) -> None:
        while True:
            with self._turn:
                index = self._begun
                self._begun += 1
                if self._abandoned or index >= len(self._listed):
                    return
            end: BaseException | None = None
            try:
                self._list_kind(index)
            except BaseException as failure:
                end = failure
            with self._turn:
                self._entries[index].append(end)
                self._turn.notify_all()

    def _list_kind(self, index: int) -> None:
        resource = self._listed[index]
        if resource.api_version in self._down:
            raise self._down[resource.api_version]
        try:
            for selector in self._selectors:
                for page in list_kind(self._api, resource, self._namespaces, label_selector=selector):
                    if not self._put(index, page):
                        return
        except errors.ApiError as failure:
            # An aggregated API that is down was waited for once; its other kinds would only cost as long again.
            if failure.status == 503:
                self._down[resource.api_version] = failure
            raise

    def _put(self, index: int, page: Page) -> bool:
        """Hand a page on once there is room; False if nobody wants it any more."""
        with self._turn:
            self._turn.wait_for(lambda: self._abandoned or self._held < self._room(index))
            self._entries[index].append(page)
            self._held += 1
            self._turn.notify_all()
            return not self._abandoned

    def _room(self, index: int) -> int:
        """How many pages may wait: one more than kinds are listed, of which one is for the kind that is archived."""
        return self._at_once + (1 if self._at_once == 1 or index == self._taking else 0)
