"""restic as a child process: its surroundings, its JSON lines, what its end means (restic 0.18 and newer)."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from kubectl_ark import errors

BINARY = "restic"

DONE, FAILED, INCOMPLETE, NO_REPOSITORY, LOCKED, WRONG_PASSWORD = 0, 1, 3, 10, 11, 12
"""restic's exit codes. INCOMPLETE: a snapshot was saved, but not all could be read. Any other is a failure."""

KEPT_LINES = 20
"""Of what restic says beside its JSON, these last lines are kept."""

END_SECONDS = 30.0
"""How long restic may take to end itself: it removes its lock first."""

_PASSED_ON = ("PATH", "HOME", "TMPDIR", "GOGC", "GOMAXPROCS", "GOMEMLIMIT")

Message = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Repository:
    """Where a repository is and how to get in. url: "http://10.0.0.1:8000/restic/shop/". password_file: the password
    that its data is encrypted with."""

    url: str
    user: str
    token: str = dataclasses.field(repr=False)
    password_file: Path

    def environment(self, scratch: Path) -> dict[str, str]:
        """The child's environment; nothing else of this process's gets there. scratch: for its cache."""
        return {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            "RESTIC_REPOSITORY": f"rest:{self.url}", "RESTIC_REST_USERNAME": self.user,
            "RESTIC_REST_PASSWORD": self.token, "RESTIC_PASSWORD_FILE": str(self.password_file),
            "RESTIC_CACHE_DIR": str(scratch / "restic-cache"), "RESTIC_PROGRESS_FPS": "1",
        }


@dataclasses.dataclass(frozen=True)
class Ended:
    """How restic ended. said: its last words on one line, without what it says of single files."""

    code: int
    said: str


def run(
    repository: Repository, arguments: Sequence[str], *, scratch: Path, directory: Path | None = None,
    heed: Callable[[Message], None] = lambda message: None, stop: threading.Event | None = None,
    hear: Callable[[str], None] = lambda line: None,
) -> Ended:
    """Run restic with ``arguments`` and ``--json`` and wait for its end.

    directory: where it runs. heed: is given each JSON message of stdout and stderr, in this thread or another, never
    two at once; what it raises ends restic and is raised. stop: once set, restic is told to end, as by Ctrl-C. hear: is
    given every other line of stdout; of what restic prints as one document ("cat lock"), these are the lines.
    """
    child = subprocess.Popen([BINARY, *arguments, "--json"], cwd=directory, env=repository.environment(scratch),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    listener = _Listener(child, heed, hear)
    with _ended(child), listener, _stopped_by(stop, child):
        child.wait()
    if listener.failure is not None:
        raise listener.failure
    return Ended(child.returncode, listener.said)


def failure(ended: Ended, title: str) -> errors.ArkError:
    """The error that an end other than DONE means. title: of what was tried, "saving volume data of pod shop/db"."""
    if ended.code == NO_REPOSITORY:
        return errors.StoreUnusable(f"{title}: there is no restic repository: {ended.said}")
    if ended.code == LOCKED:
        return errors.StoreError(f"{title}: the restic repository is locked: {ended.said}")
    if ended.code == WRONG_PASSWORD:
        return errors.StoreUnusable(
            f"{title}: the restic repository has another password",
            hint="give the one that it was made with to \"kubectl ark install --repo-password-file\"")
    return errors.StoreError(f"{title}: restic ended with exit code {ended.code}: {ended.said or 'without a word'}")


class _Listener:
    """Reads both outputs until they end."""

    def __init__(self, child: subprocess.Popen[bytes], heed: Callable[[Message], None],
                 hear: Callable[[str], None]) -> None:
        self.failure: BaseException | None = None
        self._child, self._heed, self._hear = child, heed, hear
        self._words: collections.deque[str] = collections.deque(maxlen=KEPT_LINES)
        self._last = ""
        self._lock = threading.Lock()
        assert child.stdout is not None and child.stderr is not None
        self._threads = [threading.Thread(target=self._read, args=(stream,), daemon=True)
                         for stream in (child.stdout, child.stderr)]

    @property
    def said(self) -> str:
        """What restic itself calls its error, else its last words."""
        return self._last or " ".join(" ".join(self._words).split())[-500:]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            with self._lock:
                self._take(line.decode("utf-8", "replace").strip(), stream)

    def _take(self, line: str, stream: IO[bytes]) -> None:
        message = _parsed(line)
        if message is None:
            if line:
                self._words.append(line)
                if stream is self._child.stdout:
                    self._hear(line)
            return
        if message.get("message_type") == "exit_error":
            self._last = " ".join(str(message.get("message")).split()).removeprefix("Fatal: ")
        elif self.failure is None:
            try:
                self._heed(message)
            except BaseException as failure:
                self.failure = failure
                self._child.send_signal(signal.SIGINT)


def _parsed(line: str) -> Message | None:
    if not line.startswith("{"):
        return None
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


@contextlib.contextmanager
def _ended(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """The child is gone afterwards whatever happens here."""
    try:
        yield
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
            try:
                child.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@contextlib.contextmanager
def _stopped_by(stop: threading.Event | None, child: subprocess.Popen[bytes]) -> Iterator[None]:
    """While this lasts, ``stop`` ends the child."""
    over = threading.Event()

    def watch() -> None:
        while stop is not None and not over.is_set():
            if stop.wait(0.2):
                child.send_signal(signal.SIGINT)
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
