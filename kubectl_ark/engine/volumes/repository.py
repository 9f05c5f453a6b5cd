"""A restic repository, worked on by this very process.

restic speaks to an endpoint that the process serves to itself, so that it needs no settings of the bucket's own.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from kubectl_ark.engine.volumes import restic
from kubectl_ark.engine.volumes.broker import Broker
from kubectl_ark.engine.volumes.restic import Ended, Message
from kubectl_ark.engine.volumes.tenants import Rights, Tenant
from kubectl_ark.model import layout
from kubectl_ark.store.bucket import Bucket

USER = "self"


@dataclasses.dataclass(frozen=True)
class OpenRepository:
    """A repository while this process has a way to it; it need not exist."""

    bucket: Bucket
    directory: str
    """Where it lies in the bucket: "restic/shop/"."""
    _restic: restic.Repository
    _scratch: Path
    _stop: threading.Event | None

    @property
    def title(self) -> str:
        """For messages."""
        return f"the restic repository of {layout.holder(self.directory)} in {self.bucket.location.url}{self.directory}"

    def exists(self) -> bool:
        """Whether it was initialised. Raises StoreError."""
        return self.bucket.exists(self.directory + "config")

    def run(self, arguments: Sequence[str], *, heed: Callable[[Message], None] = lambda message: None,
            hear: Callable[[str], None] = lambda line: None, stop: threading.Event | None = None) -> Ended:
        """Run restic; see ``restic.run``. stop: in the place of the one that the repository was opened with."""
        return restic.run(self._restic, arguments, scratch=self._scratch, heed=heed, hear=hear,
                          stop=stop or self._stop)

    def document(self, arguments: Sequence[str]) -> Any:
        """What restic prints as one JSON document; None where it fails or prints none."""
        lines: list[str] = []
        ended = self.run(arguments, hear=lines.append)
        if ended.code != restic.DONE:
            return None
        try:
            return json.loads("\n".join(lines))
        except ValueError:
            return None

    def opens_with(self, password: str) -> bool:
        """Whether this is its password. Raises StoreUnusable where there is no repository, StoreError."""
        with _in_file(password, self._scratch) as file:
            ended = restic.run(dataclasses.replace(self._restic, password_file=file), ["cat", "config", "--no-lock"],
                               scratch=self._scratch, stop=self._stop)
        if ended.code in (restic.DONE, restic.WRONG_PASSWORD):
            return ended.code == restic.DONE
        raise restic.failure(ended, f"opening {self.title}")


@contextlib.contextmanager
def opened(bucket: Bucket, directory: str, *, password: str, scratch: Path, rights: Rights = Rights.FULL,
           stop: threading.Event | None = None) -> Iterator[OpenRepository]:
    """A way to the repository in a directory ("restic/shop/") while this lasts. stop: once set, restic is told to end.

    Locks that restic has left behind, having been killed, go with it.
    """
    token = secrets.token_urlsafe(32)
    with _in_file(password, scratch) as file, Broker(bucket, host="127.0.0.1") as broker:
        broker.admit(Tenant(USER, token, directory, rights))
        url = f"http://127.0.0.1:{broker.port}/{directory}"
        try:
            yield OpenRepository(bucket, directory, restic.Repository(url, USER, token, file), scratch, stop)
        finally:
            broker.dismiss(USER)


@contextlib.contextmanager
def _in_file(password: str, scratch: Path) -> Iterator[Path]:
    """The password in a file that only this user can read."""
    descriptor, name = tempfile.mkstemp(dir=scratch, prefix="password-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(password)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
