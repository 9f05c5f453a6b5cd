"""Collections of the API followed all at once: what is there, then each change, through a kubectl child for each."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from typing import Any

from kubectl_ark import errors
from kubectl_ark.launch.kubectl import Kubectl, KubectlError

ALL = "ALL"
"""The change that stands for a whole list: what is not in it is gone."""

GIVE_UP_SECONDS = 600.0
"""How long the API server may be out of reach."""

Object = dict[str, Any]


class Collection:
    """What to follow. kind: of its objects; lists do not say it of each. path: with its query, if it has one."""

    def __init__(self, kind: str, path: str) -> None:
        self.kind, self.path = kind, path

    def query(self, *parts: str) -> str:
        """The path with further parameters."""
        return self.path + ("&" if "?" in self.path else "?") + "&".join(parts)


News = tuple[Collection, str, list[Object]]
"""A collection; ALL, ADDED, MODIFIED or DELETED; the objects, of a change just one."""


class Feeds:
    """A context manager: leaving it ends every child. Each collection's first news is ALL."""

    def __init__(self, kubectl: Kubectl, collections: Sequence[Collection]) -> None:
        self._kubectl = kubectl
        self._news: queue.SimpleQueue[News | errors.ArkError] = queue.SimpleQueue()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._follow, args=(each,), daemon=True) for each in collections]

    def __enter__(self) -> Feeds:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(timeout=5)

    def next(self, timeout: float) -> News | None:
        """The next news, None if there were none in ``timeout`` seconds. Raises KubectlFailed for good."""
        try:
            found = self._news.get(timeout=max(timeout, 0.01))
        except queue.Empty:
            return None
        if isinstance(found, errors.ArkError):
            raise found
        return found

    def _follow(self, collection: Collection) -> None:
        answered = time.monotonic()
        while not self._over.is_set():
            try:
                listed = self._kubectl.get(collection.path)
                answered = time.monotonic()
                self._news.put((collection, ALL, listed.get("items") or []))
                self._watch(collection, listed["metadata"]["resourceVersion"])
            except EOFError:
                self._over.wait(0.2)
            except KubectlError as error:
                if not error.is_passing or time.monotonic() - answered > GIVE_UP_SECONDS:
                    self._news.put(error)
                    return
                self._over.wait(1.0)
            except errors.ArkError as error:
                self._news.put(error)
                return

    def _watch(self, collection: Collection, version: str) -> None:
        """Until the server ends the watch, which raises EOFError, or this is over."""
        path = collection.query("watch=1", f"resourceVersion={version}", "allowWatchBookmarks=true")
        with self._kubectl.watch(path) as watch:
            while not self._over.is_set():
                event = watch.next(0.3)
                if event is None or event[0] == "BOOKMARK":
                    continue
                if event[0] == "ERROR":  # it was too long ago
                    raise EOFError
                self._news.put((collection, event[0], [event[1]]))
