"""The log of a run, wherever it is at the moment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from kubectl_ark import errors
from kubectl_ark.launch import fetching, paths, runs
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import kinds, phases


def read(kubectl: Kubectl, kind: kinds.Kind, name: str, namespace: str, *, follow: bool) -> Iterator[bytes]:
    """Pieces of the log. follow: wait for a pod, and for what it will still write.

    Raises KubectlFailed if there is no log to be had, saying why.
    """
    sight = _with_log(kubectl, kind, name, namespace, wait=follow)
    assert sight.resource is not None
    if not phases.is_finished(sight.resource) and sight.pods:
        newest = max(sight.pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp")))
        yield from _of_pod(kubectl, namespace, newest["metadata"]["name"], follow)
        return
    try:
        yield from stored(kubectl, kind, sight.resource)
    except errors.KubectlFailed as error:
        # A run that failed early has stored none; its pod may still be there.
        if not sight.pods:
            raise errors.KubectlFailed(f"{kind.singular}/{name} has no log: {error.message}",
                                       hint=error.hint) from error
        yield from _of_pod(kubectl, namespace, sight.pods[-1]["metadata"]["name"], False)


def stored(kubectl: Kubectl, kind: kinds.Kind, resource: dict[str, Any], what: str = "Log") -> Iterator[bytes]:
    """A file of a finished run from the bucket. what: "Log" or "Results"."""
    metadata = resource["metadata"]
    return fetching.fetch(kubectl, metadata["namespace"], f"{kind.kind}{what}", metadata["name"],
                          location=_location(kubectl, kind, resource))


def _location(kubectl: Kubectl, kind: kinds.Kind, resource: dict[str, Any]) -> str:
    """The storage location that holds the run's files: the backup's own, for a restore too."""
    namespace = resource["metadata"]["namespace"]
    if kind == kinds.RESTORE:
        try:
            resource = runs.read(kubectl, kinds.BACKUP, resource["spec"]["backupName"], namespace)
        except KubectlError as error:
            if error.status_reason != "NotFound":
                raise
            return _default_location(kubectl, namespace)
    return resource["spec"].get("storageLocation") or _default_location(kubectl, namespace)


def _default_location(kubectl: Kubectl, namespace: str) -> str:
    for each in kubectl.get(paths.custom(kinds.STORAGE_LOCATION, namespace))["items"]:
        if each["spec"].get("default"):
            return str(each["metadata"]["name"])
    return kinds.DEFAULT_LOCATION


def _with_log(kubectl: Kubectl, kind: kinds.Kind, name: str, namespace: str, *, wait: bool) -> runs.Sight:
    while True:
        sight = runs.look(kubectl, kind, name, namespace)
        if sight.resource is None:
            runs.read(kubectl, kind, name, namespace)  # raises NotFound in the server's words
            continue
        started = [pod for pod in sight.pods
                   if (pod.get("status") or {}).get("phase") in ("Running", "Succeeded", "Failed")]
        if phases.is_finished(sight.resource) or started:
            return runs.Sight(sight.resource, sight.job, tuple(started), sight.events, sight.nodes)
        verdict = sight.verdict()
        if not wait or (verdict and verdict.dead):
            raise errors.KubectlFailed(
                f"{kind.singular}/{name} has no log yet: {verdict.sentence if verdict else 'its pod has not started'}",
                hint=None if verdict else "use -f to wait for it")
        time.sleep(1.0)


def _of_pod(kubectl: Kubectl, namespace: str, pod: str, follow: bool) -> Iterator[bytes]:
    return kubectl.stream("logs", pod, "-n", namespace, "-c", "runner", *(["-f"] if follow else []))
