"""What a follower makes of what it is told."""

from __future__ import annotations

from typing import Any

from kubectl_ark.launch.follow import follow
from kubectl_ark.launch.kubectl import Kubectl
from kubectl_ark.launch.watches import Watch
from kubectl_ark.model import kinds


def backup(version: int, phase: str) -> dict[str, Any]:
    return {"metadata": {"name": "b", "namespace": "n", "uid": "u", "resourceVersion": str(version)},
            "status": {"phase": phase}}


class Told(Kubectl):
    """A watch that says these things."""

    def __init__(self, *said: dict[str, Any]) -> None:
        super().__init__()
        self._said = list(said)

    def watch(self, path: str) -> Watch:
        return self  # type: ignore[return-value]

    def __enter__(self) -> Told:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def next(self, timeout: float) -> tuple[str, dict[str, Any]]:
        return "MODIFIED", self._said.pop(0)


def test_a_watch_that_is_behind_does_not_take_a_run_back_to_a_former_phase() -> None:
    seen: list[str] = []
    kubectl = Told(backup(7, "New"), backup(8, "InProgress"), backup(12, "InProgress"), backup(13, "Completed"))
    end = follow(kubectl, kinds.BACKUP, backup(9, "InProgress"),
                 report=lambda resource, _: seen.append(resource["metadata"]["resourceVersion"]))
    assert seen == ["9", "9", "12", "13"] and end["status"]["phase"] == "Completed"
