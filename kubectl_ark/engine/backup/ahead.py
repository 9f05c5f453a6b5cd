"""Listing in a thread of its own, a few pages ahead of who archives them."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.listing import list_kind
from kubectl_ark.kube.api import Api
from kubectl_ark.model.resources import Resource

PAGES_AHEAD = 2
"""Pages listed and not yet archived."""

LOOK_SECONDS = 0.5
"""How often the archiving side looks whether the run is to stop, while it waits for a page."""

Page = dict[str, Any]


class Ahead:
    """The pages of kind after kind. namespaces, label_selector: as for ``listing.list_kind``."""

    def __init__(
        self, api: Api, listed: Sequence[Resource], namespaces: Sequence[str] | None, *, label_selector: str,
        checkpoint: Callable[[], None],
    ) -> None:
        self._api, self._listed, self._namespaces = api, listed, namespaces
        self._selector, self._checkpoint = label_selector, checkpoint
        self._queue: queue.Queue[Page | BaseException | None] = queue.Queue(PAGES_AHEAD)
        self._abandoned = threading.Event()
        self._down: dict[str, errors.ApiError] = {}

    def kinds(self) -> Iterator[tuple[Resource, Iterator[Page]]]:
        """Each kind with its pages, to be taken before the next kind is. The pages raise what listing raised."""
        threading.Thread(target=self._list, name="list", daemon=True).start()
        try:
            for resource in self._listed:
                pages = self._pages()
                yield resource, pages
                for _ in pages:
                    pass
        finally:
            self._abandoned.set()

    def _pages(self) -> Iterator[Page]:
        while (entry := self._next()) is not None:
            if isinstance(entry, BaseException):
                raise entry
            yield entry

    def _next(self) -> Page | BaseException | None:
        while True:
            self._checkpoint()
            with contextlib.suppress(queue.Empty):
                return self._queue.get(timeout=LOOK_SECONDS)

    def _list(self) -> None:
        for resource in self._listed:
            try:
                self._list_kind(resource)
                self._put(None)
            except BaseException as failure:
                self._put(failure)
            if self._abandoned.is_set():
                return

    def _list_kind(self, resource: Resource) -> None:
        if resource.api_version in self._down:
            raise self._down[resource.api_version]
        try:
            for page in list_kind(self._api, resource, self._namespaces, label_selector=self._selector):
                self._put(page)
                if self._abandoned.is_set():
                    return
        except errors.ApiError as failure:
            # An aggregated API that is down was waited for once; its other kinds would only cost as long again.
            if failure.status == 503:
                self._down[resource.api_version] = failure
            raise

    def _put(self, entry: Page | BaseException | None) -> None:
        while not self._abandoned.is_set():
            with contextlib.suppress(queue.Full):
                self._queue.put(entry, timeout=LOOK_SECONDS)
                return
