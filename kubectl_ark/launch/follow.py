"""Follow a run to its end.

A watch of the CR tells what happens. While it is silent for longer than a heartbeat should take, Job, pods, Events
and nodes are looked at: that is when a run may be stuck or dead. A healthy run costs one kubectl child.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from kubectl_ark import errors
from kubectl_ark.launch import paths, runs
from kubectl_ark.launch.ending import end_if_dead
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.launch.watches import Watch
from kubectl_ark.model import kinds, phases

SILENCE_SECONDS = 3.0
"""The runner's heartbeat comes at least every two seconds."""

GIVE_UP_SECONDS = 600.0
"""How long the API server may be out of reach."""

Report = Callable[[dict[str, Any], str], None]
"""Called with the CR and a remark ("" for none) whenever there is news, and about once a second without."""


def follow(kubectl: Kubectl, kind: kinds.Kind, resource: dict[str, Any], *, report: Report,
           timeout: float | None = None, had_job: bool = False) -> dict[str, Any]:
    """Wait until the run has ended; the CR in its final phase.

    resource: the CR as last seen. timeout: seconds, None for as long as it takes. had_job: its Job was made.
    Raises TimedOut, and KubectlFailed when the CR is deleted or the API server stays away.
    """
    return _Following(kubectl, kind, resource, report, timeout, had_job).run()


class _Following:
    def __init__(self, kubectl: Kubectl, kind: kinds.Kind, resource: dict[str, Any], report: Report,
                 timeout: float | None, had_job: bool) -> None:
        self._kubectl, self._kind, self._report = kubectl, kind, report
        self._resource, self._had_job = resource, had_job
        self._remark = ""
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._heard = self._looked = self._answered = time.monotonic()

    def run(self) -> dict[str, Any]:
        while not phases.is_finished(self._resource):
            try:
                with self._watch() as watch:
                    self._listen(watch)
            except EOFError:
                self._refresh()
            except KubectlError as error:
                self._bear(error)
        return self._resource

    def _watch(self) -> Watch:
        metadata = self._resource["metadata"]
        return self._kubectl.watch(
            paths.custom(self._kind, metadata["namespace"])
            + f"?watch=1&resourceVersion={metadata['resourceVersion']}"
            + "&fieldSelector=" + quote(f"metadata.name={metadata['name']}"))

    def _listen(self, watch: Watch) -> None:
        while not phases.is_finished(self._resource):
            self._check_time()
            event = watch.next(1.0)
            if event is not None:
                self._heard = self._answered = time.monotonic()
                self._take(*event)
            elif time.monotonic() - max(self._heard, self._looked) >= SILENCE_SECONDS:
                self._look()
            self._report(self._resource, self._remark)

    def _take(self, change: str, resource: dict[str, Any]) -> None:
        if change == "ERROR":
            raise EOFError
        if change == "DELETED" or resource["metadata"]["uid"] != self._resource["metadata"]["uid"]:
            raise self._gone()
        if change in ("ADDED", "MODIFIED") and not _is_older(resource, self._resource):
            self._resource, self._remark = resource, ""

    def _look(self) -> None:
        metadata = self._resource["metadata"]
        try:
            sight = runs.look(self._kubectl, self._kind, metadata["name"], metadata["namespace"])
        except KubectlError as error:
            self._looked = time.monotonic()
            self._bear(error)
            return
        self._looked = self._answered = time.monotonic()
        if sight.resource is None or sight.resource["metadata"]["uid"] != metadata["uid"]:
            raise self._gone()
        self._resource = sight.resource
        sight = dataclasses.replace(sight, had_job=self._had_job)
        verdict = sight.verdict()
        self._remark = verdict.sentence if verdict else ""
        if verdict and verdict.dead:
            self._resource = end_if_dead(self._kubectl, self._kind, sight) or self._resource

    def _refresh(self) -> None:
        """The watch is over: the server ends it now and then, or its start is too old. Look anew, then watch on."""
        metadata = self._resource["metadata"]
        try:
            resource = runs.read(self._kubectl, self._kind, metadata["name"], metadata["namespace"])
        except KubectlError as error:
            if error.status_reason == "NotFound":
                raise self._gone() from error
            self._bear(error)
            return
        self._answered = time.monotonic()
        self._take("MODIFIED", resource)
        time.sleep(0.2)

    def _bear(self, error: KubectlError) -> None:
        if not error.is_passing or time.monotonic() - self._answered > GIVE_UP_SECONDS:
            raise error
        self._remark = f"no answer from the API server ({error.message}); trying again"
        self._report(self._resource, self._remark)
        self._check_time()
        time.sleep(1.0)

    def _check_time(self) -> None:
        if self._deadline is not None and time.monotonic() >= self._deadline:
            name = self._resource["metadata"]["name"]
            raise errors.TimedOut(
                f"{self._kind.singular}/{name} is still {phases.phase_of(self._resource)}",
                hint=f'it goes on; follow it with "kubectl ark logs {self._kind.singular} {name} -f"')

    def _gone(self) -> errors.KubectlFailed:
        name = self._resource["metadata"]["name"]
        return errors.KubectlFailed(f"{self._kind.singular}/{name} was deleted before its run had ended")


def _is_older(told: dict[str, Any], known: dict[str, Any]) -> bool:
    """The watch may be behind what a look has seen since: a run must not seem to go back to New."""
    versions = [str(each["metadata"].get("resourceVersion", "")) for each in (told, known)]
    return all(each.isdigit() for each in versions) and int(versions[0]) < int(versions[1])
