"""The VolumeSnapshots of one run as they are now: one watch for each namespace that has any."""

from __future__ import annotations

import threading
from typing import Any

from kubectl_ark.kube import watch
from kubectl_ark.kube.api import Api
from kubectl_ark.model.resources import SNAPSHOTS

Object = dict[str, Any]
Key = tuple[str, str]
"""(namespace, name)."""


class Board:
    """Thread-safe. label_selector: what the run's VolumeSnapshots carry."""

    def __init__(self, api: Api, *, label_selector: str) -> None:
        self._api, self._selector = api, label_selector
        self._changed = threading.Condition()
        self._seen: dict[Key, Object] = {}
        self._watched: set[str] = set()
        self._fault: BaseException | None = None
        self._ended = False

    def expect(self, snapshot: Object) -> None:
        """Follow one that was created."""
        metadata = snapshot["metadata"]
        with self._changed:
            self._seen.setdefault((metadata["namespace"], metadata["name"]), snapshot)
            begin = metadata["namespace"] not in self._watched
            self._watched.add(metadata["namespace"])
        if begin:
            threading.Thread(target=self._watch, args=(metadata["namespace"],), name="snapshot-watch",
                             daemon=True).start()

    def look(self, key: Key, *, former: Object | None, seconds: float) -> Object | None:
        """The VolumeSnapshot as soon as it is another than ``former``, or after so long; None if it was deleted.

        Raises what ended the watch.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._fault or self._seen.get(key) is not former, seconds)
            if self._fault is not None:
                raise self._fault
            return self._seen.get(key)

    def forget(self, key: Key) -> None:
        """Follow one no more."""
        with self._changed:
            self._seen.pop(key, None)

    def close(self) -> None:
        """Follow none; the watches end with their next news."""
        with self._changed:
            self._ended = True

    def _watch(self, namespace: str) -> None:
        try:
            for event in watch.changes(self._api, SNAPSHOTS, namespace, label_selector=self._selector):
                with self._changed:
                    if self._ended:
                        return
                    if event is None:
                        continue
                    kind, snapshot = event
                    key = namespace, snapshot["metadata"]["name"]
                    if key in self._seen:
                        if kind == watch.DELETED:
                            del self._seen[key]
                        else:
                            self._seen[key] = snapshot
                    self._changed.notify_all()
        except BaseException as fault:
            with self._changed:
                self._fault = self._fault or fault
                self._changed.notify_all()
