"""One pass over everything that a resident controller would do: start its Job, show its page, tell how it ended."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from kubectl_ark import errors
from kubectl_ark.launch import paths, runs
from kubectl_ark.launch.kubectl import Kubectl
from kubectl_ark.model import deadruns, times
from kubectl_ark.render import jobs

PATIENCE_SECONDS = 15.0
"""How long a pod may wait for what Kubernetes can still put right before that is an error."""


def start(kubectl: Kubectl, namespace: str, *, only: Sequence[str] = (), token: str | None = None) -> dict[str, Any]:
    """The Job of a new pass as the server made it. only: names of topics; all if empty. Raises KubectlFailed.

    token: makes the Job's name, so that the same pass is not started twice; None for a pass of its own.
    """
    settings = runs.read_settings(kubectl, namespace)
    return kubectl.create(paths.jobs(namespace), jobs.reconcile_job(
        namespace, settings, token=token or uuid.uuid4().hex, only=only))


def page(kubectl: Kubectl, job: dict[str, Any], *, timeout: float | None = None) -> Iterator[bytes]:
    """What the pass writes, as it writes it; ends when its pod has ended.

    timeout: seconds until that must have begun; None for as long as it takes. Raises KubectlFailed where its pod
    cannot start, saying why, and TimedOut.
    """
    metadata = job["metadata"]
    pod = started_pod(kubectl, job, None if timeout is None else time.monotonic() + timeout)
    yield from kubectl.stream("logs", "-f", pod, "-n", metadata["namespace"], "-c", "runner")


def outcome(kubectl: Kubectl, job: dict[str, Any]) -> None:
    """Wait for the Job's end, which follows that of its pod. Raises KubectlFailed if the pass did not go well."""
    metadata = job["metadata"]
    with kubectl.watch(f"{paths.jobs(metadata['namespace'])}?watch=1&fieldSelector="
                       + quote(f"metadata.name={metadata['name']}")) as watch:
        while True:
            event = watch.next(1.0)
            if event is None:
                continue
            if event[0] in ("DELETED", "ERROR"):
                raise errors.KubectlFailed(f"job/{metadata['name']} was deleted before its end was known")
            states = {each["type"] for each in (event[1].get("status") or {}).get("conditions") or []
                      if each.get("status") == "True"}
            if "Complete" in states:
                return
            if states & {"Failed", "FailureTarget"}:
                raise errors.KubectlFailed("the pass could not do everything", hint="its page says what is wrong")


def started_pod(kubectl: Kubectl, job: dict[str, Any], deadline: float | None) -> str:
    """The name of the Job's pod once it has something to say."""
    namespace, name = job["metadata"]["namespace"], job["metadata"]["name"]
    selector = "?labelSelector=" + quote(f"batch.kubernetes.io/job-name={name}")
    asked = time.monotonic()
    while True:
        pods = kubectl.get(paths.core("pods", namespace) + selector)["items"]
        for pod in pods:
            if (pod.get("status") or {}).get("phase") in ("Running", "Succeeded", "Failed"):
                return str(pod["metadata"]["name"])
        if time.monotonic() - asked > 3:
            now = kubectl.get(paths.jobs(namespace, name))
            events = kubectl.get(paths.refusals(namespace))["items"]
            verdict = deadruns.judge({"kind": "Job", "metadata": job["metadata"]}, now, now=times.now(), pods=pods,
                                     events=events)
            if verdict and (verdict.dead or time.monotonic() - asked > PATIENCE_SECONDS):
                raise errors.KubectlFailed(f"the pass cannot start: {verdict.message}", hint=verdict.remedy or None)
        if deadline is not None and time.monotonic() > deadline:
            raise errors.TimedOut("the pass has not begun yet", hint="it goes on in the cluster")
        time.sleep(0.2)
