"""What saving and filling volumes need of the run that they are part of; ``runner.volumes`` has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

Object = dict[str, Any]


class Gate(Protocol):
    """The way to the repositories, behind an endpoint of this run's. A repository is called by its directory,
    "restic/shop/". Thread-safe."""

    def ready(self, repository: str) -> tuple[str, str]:
        """(password, identifier) of a repository, which is there then. Raises ArkError."""

    def admit(self, user: str, token: str, repository: str, report: Callable[[Object], bool]) -> str:
        """Let a volume's Job in; the endpoint's address, "http://10.96.7.1:8473". Raises ArkError."""

    def dismiss(self, user: str) -> None:
        """Let it in no more."""


class Records(Protocol):
    """The PodVolumeBackups or PodVolumeRestores of this run. Thread-safe."""

    def made(self, volume: Object) -> Object:
        """The object, created or left by an earlier attempt. Raises ApiError, RunLost."""

    def is_abandoned(self) -> bool:
        """Whether the run that they belong to is gone or going, so that no other pod goes on with it."""

    def write(self, volume: Object, **fields: Any) -> Object:
        """With these fields of its status set; None removes one. Raises ApiError, RunLost."""
