"""The log of a run, wherever it is at the moment."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from kubectl_ark import errors
from kubectl_ark.launch import fetching, paths, runs
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import downloads, kinds, phases
from kubectl_ark.model.sight import Sight


def read(kubectl: Kubectl, kind: kinds.Kind, name: str, namespace: str, *, follow: bool) -> Iterator[bytes]:
    """Pieces of the log. follow: wait for a pod, and for what it and those that replace it will still write.

    Raises KubectlFailed if there is no log to be had, saying why.
    """
    shown: set[str] = set()
    while True:
        sight = _with_log(kubectl, kind, name, namespace, wait=follow, shown=shown)
        assert sight.resource is not None
        newest = max(sight.pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp")), default=None)
        if phases.is_finished(sight.resource):
            break
        assert newest is not None
        try:
            yield from _of_pod(kubectl, namespace, newest["metadata"]["name"], follow)
        except KubectlError as error:
            if not follow or error.status_reason != "NotFound":
                raise
        if not follow:
            return
        # Another may replace it: the run has ended when its CR says so.
        shown.update(pod["metadata"]["uid"] for pod in sight.pods)
    if shown and (newest is None or newest["metadata"]["uid"] in shown):
        return
    try:
        if refusal := downloads.refusal(f"{kind.kind}Log", sight.resource):
            raise errors.KubectlFailed(refusal)
        yield from stored(kubectl, kind, sight.resource)
    except errors.KubectlFailed as error:
        # A run that failed early has stored none, nor may every restore; its pod may still be there.
        none = errors.KubectlFailed(f"{kind.singular}/{name} has no log: {error.message}", hint=error.hint)
        if newest is None:
            raise none from error
        try:
            yield from _of_pod(kubectl, namespace, newest["metadata"]["name"], False)
        except KubectlError as gone:
            raise none from gone


def stored(kubectl: Kubectl, kind: kinds.Kind, resource: dict[str, Any], what: str = "Log") -> Iterator[bytes]:
    """A file of a finished run from the bucket. what: "Log", "Results" and so on, see model.downloads."""
    metadata = resource["metadata"]
    return fetching.fetch(kubectl, metadata["namespace"], f"{kind.kind}{what}", metadata["name"],
                          location=location_of(kubectl, kind, resource),
                          owner=metadata["uid"] if kind == kinds.RESTORE else None)


def location_of(kubectl: Kubectl, kind: kinds.Kind, resource: dict[str, Any]) -> str:
    """The name of the location that holds the run's files: where it says it was, else where it would have been."""
    namespace = resource["metadata"]["namespace"]
    if location := (resource.get("status") or {}).get("storageLocation"):
        return str(location)
    if kind == kinds.RESTORE and (backup := resource["spec"].get("backupName")):
        try:
            return location_of(kubectl, kinds.BACKUP, runs.read(kubectl, kinds.BACKUP, backup, namespace))
        except KubectlError as error:
            if error.status_reason != "NotFound":
                raise
            return default_location(kubectl.get(paths.custom(kinds.STORAGE_LOCATION, namespace))["items"])
    return resource["spec"].get("storageLocation") or default_location(
        kubectl.get(paths.custom(kinds.STORAGE_LOCATION, namespace))["items"])


def default_location(locations: Iterable[dict[str, Any]]) -> str:
    """The name of the default one: it says so itself, or is named "default", or comes first, as for the runner."""
    def rank(location: dict[str, Any]) -> tuple[bool, bool, str]:
        name = location["metadata"]["name"]
        return not (location.get("spec") or {}).get("default"), name != kinds.DEFAULT_LOCATION, name

    first = min(locations, key=rank, default=None)
    return kinds.DEFAULT_LOCATION if first is None else str(first["metadata"]["name"])


def _with_log(kubectl: Kubectl, kind: kinds.Kind, name: str, namespace: str, *, wait: bool,
              shown: Collection[str]) -> Sight:
    """The run once it has ended or has a pod that writes. shown: uids of pods that will write no more."""
    while True:
        sight = runs.look(kubectl, kind, name, namespace)
        if sight.resource is None:
            runs.read(kubectl, kind, name, namespace)  # raises NotFound in the server's words
            continue
        started = tuple(pod for pod in sight.pods
                        if (pod.get("status") or {}).get("phase") in ("Running", "Succeeded", "Failed"))
        if phases.is_finished(sight.resource):
            # Of one that was quick the pod may still be called Pending: the kubelet tells later.
            return dataclasses.replace(sight, pods=started or sight.pods)
        if any(pod["metadata"]["uid"] not in shown for pod in started):
            return dataclasses.replace(sight, pods=started)
        _check(kind, name, sight, wait, bool(shown))
        time.sleep(1.0)


def _check(kind: kinds.Kind, name: str, sight: Sight, wait: bool, some: bool) -> None:
    """Raises KubectlFailed if there is nothing to wait for, or nobody wants to. some: there was a log before."""
    verdict, lacks = sight.verdict(), "does not go on" if some else "has no log yet"
    if sight.hidden:
        raise errors.KubectlFailed(f"{kind.singular}/{name} {lacks}: you may not see its Job and pod")
    if not wait or (verdict and (verdict.dead or verdict.reason == "NoJob")):
        raise errors.KubectlFailed(
            f"{kind.singular}/{name} {lacks}: {verdict.sentence if verdict else 'its pod has not started'}",
            hint=None if verdict else "use -f to wait for it")


def _of_pod(kubectl: Kubectl, namespace: str, pod: str, follow: bool) -> Iterator[bytes]:
    return kubectl.stream("logs", pod, "-n", namespace, "-c", "runner", *(["-f"] if follow else []))
