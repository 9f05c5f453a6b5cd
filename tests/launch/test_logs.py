"""Which log is shown, by a kubectl that answers from a script."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from kubectl_ark import errors
from kubectl_ark.launch import fetching, logs, runs
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import kinds


def pod(number: int, phase: str = "Running") -> dict[str, Any]:
    metadata = {"name": f"pod-{number}", "uid": f"p{number}", "creationTimestamp": f"2026-01-01T00:00:0{number}Z"}
    return {"metadata": metadata, "spec": {}, "status": {"phase": phase}}


def backup(phase: str = "InProgress", **status: Any) -> dict[str, Any]:
    return {"kind": "Backup", "apiVersion": kinds.API_VERSION, "spec": {}, "metadata": {
        "name": "b", "namespace": "ark", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "status": {"phase": phase, **status}}


JOB = {"metadata": {"name": "j", "namespace": "ark", "uid": "j", "creationTimestamp": "2026-01-01T00:00:00Z"},
       "spec": {}, "status": {"active": 1}}


class Scripted(Kubectl):
    """Each ``look`` sees the next moment; the last one stays. Forbidden: what may not be listed."""

    def __init__(self, *moments: tuple[dict[str, Any], Sequence[dict[str, Any]]], forbidden: bool = False) -> None:
        super().__init__()
        self._moments = itertools.chain(moments, itertools.repeat(moments[-1]))
        self._now = moments[0]
        self._forbidden = forbidden
        self.streamed: list[str] = []

    def get(self, path: str) -> dict[str, Any]:
        if path.endswith("/backups/b"):
            return self._now[0]
        if self._forbidden:
            raise KubectlError('jobs.batch is forbidden: User "jane" cannot list', status_reason="Forbidden")
        if "/jobs" in path:
            return {"items": [JOB]}
        if "/pods" in path:
            self._now = next(self._moments)
            return {"items": list(self._now[1])}
        return {"items": []}

    def stream(self, *arguments: str) -> Iterator[bytes]:
        self.streamed.append(arguments[1])
        yield arguments[1].encode()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(logs, "stored", lambda *_: iter([b"stored"]))


def text(kubectl: Kubectl, *, follow: bool = False) -> bytes:
    return b" ".join(logs.read(kubectl, kinds.BACKUP, "b", "ark", follow=follow))


def test_the_newest_pod_is_shown_in_whatever_order_they_come() -> None:
    assert text(Scripted((backup(), [pod(3), pod(1, "Failed"), pod(2, "Failed")]))) == b"pod-3"


def test_following_goes_on_with_the_pod_that_replaces_one_until_the_run_has_ended() -> None:
    both = [pod(1, "Failed"), pod(2)]
    kubectl = Scripted((backup(), [pod(1)]), (backup(), [pod(1, "Failed")]), (backup(), [pod(2, "Pending"), pod(1)]),
                       (backup(), both), (backup(), both), (backup("Completed"), both))
    assert text(kubectl, follow=True) == b"pod-1 pod-2"


def test_a_pod_that_nobody_saw_start_is_not_missed() -> None:
    kubectl = Scripted((backup(), [pod(1)]), (backup("Completed"), [pod(1, "Failed"), pod(2, "Succeeded")]))
    assert text(kubectl, follow=True) == b"pod-1 stored"


def test_a_run_that_has_ended_before_is_read_from_the_bucket() -> None:
    assert text(Scripted((backup("Completed"), [pod(1, "Succeeded")])), follow=True) == b"stored"


def not_stored(*_: Any) -> Iterator[bytes]:
    raise errors.KubectlFailed("it was not stored", hint="do this")


def test_what_was_not_stored_comes_from_the_pod_also_if_that_is_still_called_pending(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "stored", not_stored)
    assert text(Scripted((backup("Completed"), [pod(1, "Pending")]))) == b"pod-1"


def test_what_was_not_stored_and_has_no_pod_that_tells_it_is_told_with_the_reason(
        monkeypatch: pytest.MonkeyPatch) -> None:
    def waits(*_: Any) -> Iterator[bytes]:
        raise KubectlError("container is waiting to start")

    monkeypatch.setattr(logs, "stored", not_stored)
    kubectl = Scripted((backup("Failed"), [pod(1, "Pending")]))
    monkeypatch.setattr(kubectl, "stream", waits)
    with pytest.raises(errors.KubectlFailed, match="backup/b has no log: it was not stored") as failure:
        text(kubectl)
    assert failure.value.hint == "do this"


def test_who_may_see_only_backups_is_told_so_and_not_that_the_job_is_gone() -> None:
    running = backup(claim={"jobUID": "j"})
    with pytest.raises(errors.KubectlFailed, match="you may not see"):
        text(Scripted((running, []), forbidden=True))
    sight = runs.look(Scripted((running, []), forbidden=True), kinds.BACKUP, "b", "ark")
    assert sight.hidden and sight.resource == running and sight.verdict() is None


@pytest.mark.parametrize(("locations", "name"), [
    ([], "default"), ([("a", False), ("b", False)], "a"), ([("a", False), ("default", False)], "default"),
    ([("default", False), ("z", True), ("y", True)], "y")])
def test_the_default_location_is_the_runners(locations: list[tuple[str, bool]], name: str) -> None:
    assert logs.default_location([{"metadata": {"name": each}, "spec": {"default": default}}
                                  for each, default in locations]) == name


def test_the_location_is_the_one_that_the_run_wrote_down(monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere(Kubectl):
        def get(self, path: str) -> dict[str, Any]:
            if path.endswith("/backups/b"):
                return backup("Completed", storageLocation="second")
            raise AssertionError(path)

    monkeypatch.undo()
    asked: list[str] = []
    owners: list[str | None] = []

    def fetch(*_: Any, location: str, owner: str | None) -> Iterator[bytes]:
        asked.append(location)
        owners.append(owner)
        return iter(())

    monkeypatch.setattr(fetching, "fetch", fetch)
    restore = {"metadata": {"name": "r", "namespace": "ark", "uid": "u"}, "spec": {"backupName": "b"}}
    for kind, resource in ((kinds.BACKUP, backup("Completed", storageLocation="first")), (kinds.RESTORE, restore),
                           (kinds.RESTORE, {**restore, "status": {"storageLocation": "third"}})):
        list(logs.stored(Elsewhere(), kind, resource))
    assert asked == ["first", "second", "third"]
    assert owners == [None, "u", "u"], "a restore's log is only that of this very Restore"
