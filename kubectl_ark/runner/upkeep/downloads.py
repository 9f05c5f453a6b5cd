"""DownloadRequests that somebody has created by plain ``kubectl apply``: a pod holds the file ready, or an address of
it is written, if just that was asked for. What has had its time is removed.

The plugin sees to its own requests itself; of these only what it has left behind is removed.
"""

from __future__ import annotations

import datetime
import time
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.pages import items
from kubectl_ark.model import deadruns, downloads, kinds, labels, times
from kubectl_ark.model.resources import EVENTS, JOBS, PODS, custom
from kubectl_ark.render import jobs
from kubectl_ark.runner import installed
from kubectl_ark.runner.files import Found, find
from kubectl_ark.runner.upkeep.upkeep import Upkeep

PLUGIN = "kubectl-ark"
"""Field manager of what the plugin creates."""

FAILED_LIFETIME = datetime.timedelta(days=1)
"""How long a request that could not be met stays, for whoever made it to read why."""

READY_SECONDS = 20.0
"""How long one pass waits for the pods that it has started; the next one looks again."""

POLL_SECONDS = 0.5

REQUESTS = custom(kinds.DOWNLOAD_REQUEST)

Object = dict[str, Any]


def attend(upkeep: Upkeep) -> None:
    """Meet what is due, remove what is over. Raises ApiError."""
    waiting = []
    for request in items(upkeep.api, REQUESTS, upkeep.namespace):
        request |= {"apiVersion": kinds.API_VERSION, "kind": kinds.DOWNLOAD_REQUEST.kind}
        if is_over(request, upkeep.now):
            _remove(upkeep, request)
        elif is_due(request) and (job := _meet(upkeep, request)):
            waiting.append((request, job))
    if waiting:
        _await(upkeep, waiting)


def is_due(request: Object) -> bool:
    """Whether it waits for a pass: the plugin's own do not, unless they want an address, which only a pass can make."""
    made_by_plugin = any(each.get("manager") == PLUGIN and each.get("operation") == "Update"
                         for each in request["metadata"].get("managedFields") or [])
    phase = (request.get("status") or {}).get("phase") or "New"
    return phase == "New" and (not made_by_plugin or bool(request["spec"].get("presign")))


def is_over(request: Object, now: datetime.datetime) -> bool:
    """Whether it has had its time. One without an answer, whose maker may be gone, has as long as one with."""
    if expiration := (request.get("status") or {}).get("expiration"):
        return times.parse_time(expiration) <= now
    created = times.parse_time(request["metadata"]["creationTimestamp"])
    return not is_due(request) and created + downloads.LIFETIME <= now


def _remove(upkeep: Upkeep, request: Object) -> None:
    """With its Job and pod, unless that is at work: it ends by itself when nobody reads any more."""
    name = request["metadata"]["name"]
    try:
        job = upkeep.api.get(JOBS.path(upkeep.namespace, jobs.job_name("fetch", request)))
        if (job.get("status") or {}).get("active"):
            return
    except errors.NotFound:
        pass
    try:
        upkeep.api.raw("DELETE", REQUESTS.path(upkeep.namespace, name), params={"propagationPolicy": "Background"})
    except errors.NotFound:
        return
    upkeep.say(f"downloadrequest/{name}: removed, its time is over")


def _meet(upkeep: Upkeep, request: Object) -> Object | None:
    """Write the address, or start the pod; the Job that is to be waited for. What can never be met is told so."""
    name, target = request["metadata"]["name"], request["spec"]["target"]
    try:
        found = find(upkeep.api, upkeep.namespace, str(target.get("kind")), str(target.get("name")))
        if request["spec"].get("presign"):
            _answer(upkeep, request, downloadURL=found.bucket.url_to_get(
                found.key, seconds=int(downloads.LIFETIME.total_seconds())))
            upkeep.say(f"downloadrequest/{name}: its status holds an address of {target['kind']} of {target['name']}")
            return None
        return _job(upkeep, request, found)
    except (errors.InvalidInput, errors.StoreUnusable, errors.KeyMissing) as failure:
        _refuse(upkeep, request, failure.sentence)
    except errors.ArkError as failure:
        upkeep.trouble(f"downloadrequest/{name}: {failure.sentence}")
    return None


def _job(upkeep: Upkeep, request: Object, found: Found) -> Object:
    settings = installed.settings(upkeep.api, upkeep.namespace)
    job = jobs.fetch_job(request, settings, location=found.place, key=found.key, has_secret=found.has_secret)
    path = JOBS.path(upkeep.namespace)
    try:
        return upkeep.api.create(path, job)
    except errors.Conflict:
        return upkeep.api.get(JOBS.path(upkeep.namespace, job["metadata"]["name"]))


def _await(upkeep: Upkeep, waiting: list[tuple[Object, Object]]) -> None:
    """Tell each requester of his pod once it is ready, or why it will not be."""
    deadline = time.monotonic() + READY_SECONDS
    while waiting:
        pods = list(items(upkeep.api, PODS, upkeep.namespace, label_selector=f"{labels.RUN_KIND}=fetch"))
        waiting = [(request, job) for request, job in waiting if not _settled(upkeep, request, job, pods)]
        if waiting and time.monotonic() > deadline:
            for request, _ in waiting:
                upkeep.say(f"downloadrequest/{request['metadata']['name']}: its pod is not ready yet; "
                           "the next pass looks again")
            return
        time.sleep(POLL_SECONDS if waiting else 0)


def _settled(upkeep: Upkeep, request: Object, job: Object, pods: list[Object]) -> bool:
    metadata = request["metadata"]
    own = [pod for pod in pods if (pod["metadata"].get("labels") or {}).get(labels.RUN_UID) == metadata["uid"]]
    for pod in own:
        conditions = (pod.get("status") or {}).get("conditions") or []
        if any(each["type"] == "Ready" and each["status"] == "True" for each in conditions):
            key = downloads.key(request["spec"]["target"]["kind"], request["spec"]["target"]["name"])
            name = pod["metadata"]["name"]
            _answer(upkeep, request, podName=name, message=(
                f"read it with: kubectl exec -n {upkeep.namespace} {name} -c runner -- cat {jobs.FETCHED_FILE} "
                f"> {key.rpartition('/')[2]}"))
            upkeep.say(f"downloadrequest/{metadata['name']}: pod {name} holds the file ready")
            return True
    try:
        now = upkeep.api.get(JOBS.path(upkeep.namespace, job["metadata"]["name"]))
    except errors.NotFound:
        _refuse(upkeep, request, "the file could not be fetched: its Job was deleted")
        return True
    events = list(items(upkeep.api, EVENTS, upkeep.namespace)) if not own else []
    verdict = deadruns.judge({"kind": request["kind"], "metadata": metadata}, now, now=times.now(), pods=own,
                             events=events)
    if verdict is None or not verdict.dead:
        return False
    _refuse(upkeep, request, f"the file could not be fetched: {verdict.sentence}")
    return True


def _refuse(upkeep: Upkeep, request: Object, reason: str) -> None:
    _write(upkeep, request, {"phase": "Failed", "message": reason,
                             "expiration": times.format_time(times.now() + FAILED_LIFETIME)})
    upkeep.say(f"downloadrequest/{request['metadata']['name']}: cannot be met: {reason}")


def _answer(upkeep: Upkeep, request: Object, **fields: str) -> None:
    _write(upkeep, request, {"phase": "Processed", "expiration": times.format_time(times.now() + downloads.LIFETIME),
                             **fields})


def _write(upkeep: Upkeep, request: Object, status: Object) -> None:
    """Onto this very request; one that is gone or was made anew is not answered."""
    metadata = request["metadata"]
    try:
        upkeep.api.patch_json(REQUESTS.path(upkeep.namespace, metadata["name"]) + "/status", [
            {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
            {"op": "add", "path": "/status", "value": status}])
    except (errors.NotFound, errors.Rejected, errors.Conflict):
        pass
