"""The snapshots of Restiks: a Job asks restic, and its log tells."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any
from urllib.parse import quote

from kubectl_ark import errors
from kubectl_ark.launch import passes, paths, runs
from kubectl_ark.launch.kubectl import Kubectl
from kubectl_ark.render import jobs


def listed(kubectl: Kubectl, ark: str, *, namespace: str, name: str = "") -> tuple[list[dict[str, Any]], list[str]]:
    """Snapshots, the oldest of each Restik first, and sentences about Restiks whose snapshots cannot be listed.

    ark: Ark's namespace. namespace: of the Restiks. name: of one, "" for all. Each has restik, id, time, pod, workload,
    volume, claim and bytes. Raises KubectlFailed with the reason where the Job cannot run or fails.
    """
    settings = runs.read_settings(kubectl, ark)
    subject = f"{namespace}/{name}" if name else namespace
    job = kubectl.create(paths.jobs(ark), jobs.snapshots_job(ark, settings, subject=subject, token=uuid.uuid4().hex))
    try:
        pod = passes.started_pod(kubectl, job, None)
        _await(kubectl, ark, pod)
        lines = kubectl.run("logs", pod, "-n", ark, "-c", "runner").decode(errors="replace").splitlines()
    finally:
        kubectl.delete(paths.jobs(ark, job["metadata"]["name"]))
    found = [json.loads(line) for line in lines if line.startswith('{"')]
    return ([each for each in found if "id" in each],
            [f"restik {each['restik']}: {each['problem']}" for each in found if "problem" in each])


def _await(kubectl: Kubectl, ark: str, pod: str) -> None:
    """Until the pod has ended. Raises KubectlFailed with its last words where it failed."""
    path = paths.core("pods", ark, pod)
    with kubectl.watch(paths.core("pods", ark) + "?watch=1&fieldSelector=" + quote(f"metadata.name={pod}")) as watch:
        while True:
            try:
                event = watch.next(1.0)
            except EOFError:
                time.sleep(0.2)
                event = ("MODIFIED", kubectl.get(path))
            status = (event[1].get("status") or {}) if event else {}
            if status.get("phase") == "Succeeded":
                return
            if status.get("phase") == "Failed":
                ended = [(each.get("state") or {}).get("terminated") or {} for each in status["containerStatuses"]]
                raise errors.KubectlFailed("the snapshots cannot be listed: "
                                           + (ended[0].get("message") or "its pod failed").strip().splitlines()[-1])
