"""The life of one volume's Job in the namespace of its workload: made, told apart from stuck ones, followed, ended.

All that is written there is written as ark-volumes. The result comes by the endpoint that restic speaks to or, where
the run was down just then, out of the pod's status.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.progress import Checkpoint
from kubectl_ark.kube.api import Api
from kubectl_ark.model import deadruns, sight, times, volume_work
from kubectl_ark.model.resources import EVENTS, JOBS, NODES, PODS, SECRETS
from kubectl_ark.model.settings import Settings
from kubectl_ark.render import volume_jobs
from kubectl_ark.render.volume_jobs import Place

LOOK_SECONDS = 2.0
"""How often a Job that says nothing is looked at."""

LET_GO_SECONDS = 1.0
"""How often it is asked whether the Job must let go of the disk."""

Object = dict[str, Any]
Result = dict[str, Any]


class Mailbox:
    """What a Job reports, for who follows it. Thread-safe."""

    def __init__(self) -> None:
        self.progress: Object = {}
        self.result: Result | None = None
        self.wanted = True
        """False: the Job is told to stop."""
        self._news = threading.Condition()

    def take(self, report: Object) -> bool:
        """One report; whether the Job is to go on."""
        with self._news:
            if report.get("kind") == volume_work.RESULT:
                self.result = report
            else:
                self.progress = report
            self._news.notify_all()
            return self.wanted

    def wait(self, seconds: float) -> None:
        """Until there is a result, or so long."""
        with self._news:
            self._news.wait_for(lambda: self.result is not None, seconds)


@dataclasses.dataclass(frozen=True)
class Followed:
    """One volume's Job while it is followed. hindrance: why it is to be ended at once, None while it may go on."""

    volume: Object
    job: Object
    mailbox: Mailbox
    hindrance: Callable[[], str | None]
    heed: Callable[[Object], None]
    """Is given each new progress: {"bytesDone", "totalBytes"}."""
    is_abandoned: Callable[[], bool]
    """Whether nobody will go on with the run, now that this process does not."""


class VolumeJobs:
    """reader: sees Jobs, pods, Events there. writer: acts there as ark-volumes. Thread-safe."""

    def __init__(self, reader: Api, writer: Callable[[], Api], *, settings: Settings, namespace: str) -> None:
        self._reader, self._writer, self._settings, self._namespace = reader, writer, settings, namespace

    def fitting(self, job: Callable[[Place], Object], place: Place) -> Place:
        """The place, as root where the namespace lets such a pod in, else as the workload's own user.

        A pod is tried without being made. Raises Forbidden, in the server's words, where neither is let in. What mounts
        a directory of the node is always root, in a namespace of our own where only Jobs make pods.
        """
        if place.directory:
            return place
        try:
            self._try(job(place))
        except errors.Forbidden as refusal:
            other = dataclasses.replace(place, as_root=False)
            try:
                self._try(job(other))
            except errors.Forbidden:
                if "exceeded quota" in refusal.message:  # others may make room
                    return place
                raise errors.Forbidden(
                    f"no pod of kubectl-ark's is let into namespace {place.namespace}: {refusal.message}",
                    status=refusal.status, hint=deadruns.remedy_of_refusal(refusal.message)) from refusal
            return other
        return place

    def start(self, job: Object, *, token: str, password: str) -> Object:
        """Make the Job and its Secrets and let it run; the Job. One of that name that is there is taken as it is.

        Raises ApiError; nothing is left of the Job then.
        """
        namespace, writer = job["metadata"]["namespace"], self._writer()
        try:
            made = writer.create(JOBS.path(namespace), job)
        except errors.Conflict:
            made = self._reader.get(JOBS.path(namespace, job["metadata"]["name"]))
        try:
            for secret in volume_jobs.volume_secrets(made, token=token, password=password, pull=self._pull_secret()):
                with contextlib.suppress(errors.Conflict):
                    writer.create(SECRETS.path(namespace), secret)
            if made["spec"].get("suspend"):
                made = writer.patch_merge(JOBS.path(namespace, made["metadata"]["name"]), {"spec": {"suspend": False}})
        except BaseException:  # a suspended Job would stay for ever
            with contextlib.suppress(errors.ArkError):
                self.end(namespace, made["metadata"]["name"])
            raise
        return made

    def find(self, namespace: str, name: str) -> Object | None:
        """The Job of that name that may still come to something; None if there is none, or if it was never let run."""
        try:
            job = self._reader.get(JOBS.path(namespace, name))
        except errors.NotFound:
            return None
        over = any(each.get("type") in ("Failed", "FailureTarget") and each.get("status") == "True"
                   for each in (job.get("status") or {}).get("conditions") or [])
        return None if over or job["spec"].get("suspend") or job["metadata"].get("deletionTimestamp") else job

    def token_of(self, job: Object) -> str | None:
        """The token that an earlier attempt gave the Job; None where it is not to be had."""
        import base64

        metadata = job["metadata"]
        try:
            secret = self._reader.get(SECRETS.path(metadata["namespace"], metadata["name"]))
            return base64.b64decode(secret["data"]["token"]).decode()
        except (errors.NotFound, errors.Forbidden, KeyError, ValueError):
            return None

    def follow(self, followed: Followed, *, checkpoint: Checkpoint) -> Result:
        """Wait for the Job's end; what came of it: its report, or a failure with a sentence.

        The Job is deleted where the run wants no more of it. Raises what ``checkpoint`` and ``heed`` raise,
        Unreachable.
        """
        try:
            return self._followed(followed, checkpoint)
        except errors.Unreachable:
            raise  # the run's next pod goes on with the Job
        except (errors.Interrupted, errors.RunLost):
            if followed.is_abandoned():
                self._stop(followed)
            raise
        except BaseException:
            self._stop(followed)
            raise

    def _followed(self, followed: Followed, checkpoint: Checkpoint) -> Result:
        mailbox, progress = followed.mailbox, followed.mailbox.progress
        looked = 0.0
        while mailbox.result is None:
            checkpoint()
            mailbox.wait(LET_GO_SECONDS)
            if mailbox.progress is not progress:
                progress = mailbox.progress
                followed.heed(progress)
            if mailbox.result is not None:
                break
            if (hindrance := followed.hindrance()) is not None:
                self._stop(followed)
                return _failure(hindrance)
            if time.monotonic() - looked > LOOK_SECONDS:
                looked = time.monotonic()
                if (found := self._look(followed)) is not None:
                    if found.get("phase") == volume_work.FAILED and "snapshotID" not in found:
                        self._stop(followed)
                    return found
        return mailbox.result

    def end(self, namespace: str, name: str) -> None:
        """Delete a Job with its pod and Secrets; one that is gone is fine. Raises ApiError."""
        options = b'{"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}'
        with contextlib.suppress(errors.NotFound):
            self._writer().raw("DELETE", JOBS.path(namespace, name), body=options)

    def _stop(self, followed: Followed) -> None:
        followed.mailbox.wanted = False
        with contextlib.suppress(errors.ArkError):
            self.end(followed.job["metadata"]["namespace"], followed.job["metadata"]["name"])

    def _look(self, followed: Followed) -> Result | None:
        """What Job and pods tell: a result, a failure, or None while there is hope."""
        namespace, name = followed.job["metadata"]["namespace"], followed.job["metadata"]["name"]
        try:
            job: Object | None = self._reader.get(JOBS.path(namespace, name))
        except errors.NotFound:
            job = None
        pods = self._reader.get(PODS.path(namespace), params={
            "labelSelector": f"batch.kubernetes.io/job-name={name}"})["items"]
        if (told := _told(pods)) is not None:
            return told
        if job is None:
            return _failure("its Job was deleted before it ended")
        events, nodes = [], []
        if not any((pod.get("status") or {}).get("phase") == "Running" for pod in pods):
            events = self._reader.get(EVENTS.path(namespace), params={"fieldSelector": "type=Warning"})["items"]
        for node in sight.nodes_of(tuple(pods)):
            with contextlib.suppress(errors.Forbidden, errors.NotFound):
                nodes.append(self._reader.get(NODES.path(None, node)))
        # The claim of a run, which a volume's Job has none of, would keep the verdict from being one.
        volume = {**followed.volume, "status": {"phase": "InProgress"}}
        verdict = deadruns.judge(volume, job, now=times.now(), pods=pods, events=events, nodes=nodes, had_job=True)
        return _failure(verdict.sentence) if verdict is not None and verdict.dead else None

    def _try(self, job: Object) -> None:
        """What the API server says to a pod of the Job. Raises Forbidden, ApiError."""
        metadata, template = job["metadata"], job["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", "spec": template["spec"], "metadata": {
            **template["metadata"], "name": metadata["name"], "namespace": metadata["namespace"]}}
        self._writer().create(PODS.path(metadata["namespace"]), pod, params={"dryRun": "All"})

    def _pull_secret(self) -> Object | None:
        name = self._settings.image_pull_secret
        return self._reader.get(SECRETS.path(self._namespace, name)) if name else None


def _failure(message: str) -> Result:
    return {"kind": volume_work.RESULT, "phase": volume_work.FAILED, "message": message}


def _told(pods: list[Object]) -> Result | None:
    """The result that a pod which has ended well left in its status."""
    for pod in pods:
        for container in (pod.get("status") or {}).get("containerStatuses") or []:
            ended = (container.get("state") or {}).get("terminated") or {}
            if ended.get("exitCode") != 0:
                continue
            try:
                result = json.loads(ended.get("message") or "")
            except ValueError:
                continue
            if isinstance(result, dict) and result.get("kind") == volume_work.RESULT:
                return result
    return None
