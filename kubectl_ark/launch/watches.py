"""A watch of the API through a kubectl child: events as they come, and the child's end."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Callable
from typing import Any


class Watch:
    """Reads in a thread of its own. A context manager: leaving it ends the child."""

    def __init__(self, process: subprocess.Popen[bytes], explain: Callable[[str], Exception]) -> None:
        self._process = process
        self._explain = explain
        self._events: queue.SimpleQueue[tuple[str, dict[str, Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def next(self, timeout: float) -> tuple[str, dict[str, Any]] | None:
        """The next event, ("MODIFIED", object), or None if none came in ``timeout`` seconds.

        Raises KubectlError when the child has failed and EOFError when the server has ended the watch.
        """
        try:
            event = self._events.get(timeout=max(timeout, 0.0))
        except queue.Empty:
            return None
        if event is not None:
            return event
        self._events.put(None)
        assert self._process.stderr is not None
        complaint = self._process.stderr.read().decode(errors="replace")
        if self._process.wait() != 0 and complaint.strip():
            raise self._explain(complaint)
        raise EOFError

    def close(self) -> None:
        """End the child; nothing of it stays behind."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._thread.join(timeout=2)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                event = json.loads(line)
                self._events.put((event["type"], event["object"]))
        except (ValueError, KeyError):
            pass  # a line cut off where the connection broke: the watch is over
        finally:
            self._events.put(None)
