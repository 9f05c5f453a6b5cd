"""Is this run dead, or what does it wait for? A CR held against its Job, the Job's pods, Events and nodes.

Nobody is resident to notice that a runner was killed before it could write its end, so whoever looks holds the CR
against what is left of the Job. What Kubernetes may still put right is reported at once as waiting, and counts as
dead only after the patience that its kind deserves.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Iterable, Sequence
from typing import Any

from kubectl_ark.model import kinds, phases, settings, times

PATIENCE_SECONDS = {"ImagePull": 120, "Refused": 120, "Unschedulable": 600, "Container": 120, "Node": 180}
FROZEN_SECONDS = 120
"""The same for a volume that is to be saved and that no node takes: a pod that a hook has frozen may wait for it."""

SILENT_SECONDS = 300
"""After so long without a heartbeat a runner that has no Job, on somebody's machine, is worth a remark."""

CREATING_SECONDS = 15
"""How long a container may be in the making before it is asked why."""

GONE_SECONDS = 5
"""Nobody has taken the CR up and it has no Job; a moment passes between the making of the two."""

_IMAGE_REASONS = {"ImagePullBackOff", "ErrImagePull", "RegistryUnavailable", "ImageInspectError"}
_HOPELESS = {"InvalidImageName", "ErrImageNeverPull"}
_CONTAINER_REASONS = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff"}
_NO_DIRECTORY = "hostPath type check failed"
_NODE_REASONS = {"FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "FailedCreatePodContainer"}


@dataclasses.dataclass(frozen=True)
class Verdict:
    """``dead``: the run will not go on. Otherwise it waits, because of ``message``; ``remedy`` is what to do."""

    dead: bool
    reason: str
    """CamelCase, for the condition."""
    message: str
    remedy: str = ""

    @property
    def sentence(self) -> str:
        """Message and remedy on one line."""
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


def judge(resource: dict[str, Any], job: dict[str, Any] | None, *, now: datetime.datetime,
          pods: Sequence[dict[str, Any]] = (), events: Sequence[dict[str, Any]] = (),
          nodes: Sequence[dict[str, Any]] = (), had_job: bool = False) -> Verdict | None:
    """The verdict on a Backup or Restore, or on a PodVolumeBackup or PodVolumeRestore that its run has a Job for; None
    for one that is finished or as well as can be seen.

    job: None means that it was looked for and is not there. events: those of the Job and its pods. nodes: those that
    the pods are on. had_job: a Job is known to have been made, so that its absence is an end and not a beginning.
    """
    if phases.is_finished(resource) or phases.phase_of(resource) == phases.Phase.DELETING:
        return None
    if job is None:
        return _without_job(resource, now, had_job)
    if verdict := _ended_job(resource, job, pods):
        return verdict
    alive = [pod for pod in pods if (pod.get("status") or {}).get("phase") in ("Pending", "Running", "Unknown", None)]
    for pod in alive:
        if verdict := _stuck_pod(resource, pod, nodes, events, now):
            return verdict
    if not alive:
        if verdict := _refused(job, events, now):
            return verdict
        if killed := _out_of_memory(pods):
            return Verdict(False, "OOMKilled", f"{killed.sentence}; another try follows",
                           _raise_memory(killed, resource))
    return None


def _without_job(resource: dict[str, Any], now: datetime.datetime, had_job: bool) -> Verdict | None:
    claim = (resource.get("status") or {}).get("claim")
    if claim and not claim.get("jobUID"):
        return _silent(resource, now)
    if had_job or claim:
        return Verdict(True, "JobGone", "its Job was deleted before the run ended")
    if _age(resource["metadata"].get("creationTimestamp"), now) < GONE_SECONDS:
        return None
    place = resource["metadata"].get("namespace") or kinds.DEFAULT_NAMESPACE
    command = "kubectl ark reconcile" + ("" if place == kinds.DEFAULT_NAMESPACE else f" -n {place}")
    return Verdict(False, "NoJob", "no Job was started for it", f'the next pass does; "{command}" makes one')


def _silent(resource: dict[str, Any], now: datetime.datetime) -> Verdict | None:
    """A runner outside the cluster leaves nothing to hold its CR against but its heartbeat, and may be cut off only."""
    status = resource["status"]
    seconds = _age(status.get("heartbeatTimestamp") or status.get("startTimestamp"), now)
    if seconds < SILENT_SECONDS:
        return None
    kind, name = resource["kind"].lower(), resource["metadata"]["name"]
    return Verdict(False, "NoHeartbeat", f"its runner, which is no Job of this cluster, has not been heard of for "
                   f"{times.human_duration(seconds)}", f"if it runs no more, delete {kind}/{name} and start another")


def _ended_job(resource: dict[str, Any], job: dict[str, Any], pods: Sequence[dict[str, Any]]) -> Verdict | None:
    conditions = {each["type"]: each for each in (job.get("status") or {}).get("conditions") or []
                  if each.get("status") == "True"}
    failed = conditions.get("Failed") or conditions.get("FailureTarget")
    if failed is None:
        if "Complete" in conditions:
            return Verdict(True, "NoResult", f"its Job completed, but {_work(resource)} left no result",
                           f'see "kubectl logs job/{job["metadata"]["name"]} -n {job["metadata"]["namespace"]}"')
        return None
    if killed := _out_of_memory(pods):
        return Verdict(True, "OOMKilled", killed.sentence, _raise_memory(killed, resource))
    if failed.get("reason") == "DeadlineExceeded":
        limit = job["spec"].get("activeDeadlineSeconds")
        return Verdict(True, "DeadlineExceeded",
                       f"{_work(resource)} took longer than its deadline of {times.human_duration(limit or 0)}",
                       "raise activeDeadlineSeconds in ConfigMap ark-settings")
    reason = failed.get("reason") or "JobFailed"
    if said := _last_words(pods):
        return Verdict(True, reason, f"its pod failed: {said}" if _is_volume(resource) else
                       f"the run's pod failed: {said}")
    return Verdict(True, reason, f"its Job failed: {failed.get('message') or 'no reason given'}")


@dataclasses.dataclass(frozen=True)
class Killed:
    """Pods that took more memory than their limit, None if they had none."""

    often: int
    limit: str | None

    @property
    def sentence(self) -> str:
        often = "" if self.often == 1 else f" {self.often} times"
        return f"killed for exceeding its memory limit of {self.limit or 'the node'} (OOMKilled){often}"


def _out_of_memory(pods: Iterable[dict[str, Any]]) -> Killed | None:
    times_killed, limit = 0, None
    for pod in pods:
        for status in (pod.get("status") or {}).get("containerStatuses") or []:
            ended = (status.get("state") or {}).get("terminated") or {}
            if ended.get("reason") == "OOMKilled":
                times_killed += 1
                limit = pod["spec"]["containers"][0].get("resources", {}).get("limits", {}).get("memory")
    return Killed(times_killed, limit) if times_killed else None


def _raise_memory(killed: Killed, resource: dict[str, Any]) -> str:
    """Twice as much, whatever it was."""
    more = "512Mi" if killed.limit is None else settings.doubled(killed.limit)
    if _is_volume(resource):
        return f"raise volumeMemoryLimit in ConfigMap {settings.CONFIG_MAP}, to {more} for a start"
    return (f"raise it for one run with --memory-limit {more}, for all with "
            f'"kubectl ark install -n {resource["metadata"]["namespace"]} --memory-limit {more}"')


def _last_words(pods: Sequence[dict[str, Any]]) -> str | None:
    newest = sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp")))
    for pod in reversed(newest):
        status = pod.get("status") or {}
        for container in status.get("containerStatuses") or []:
            ended = (container.get("state") or {}).get("terminated") or {}
            if ended and ended.get("exitCode") != 0:
                words = " ".join(str(ended.get("message") or "").split())
                return (words[-500:] or ended.get("reason") or "Error") + f" (exit code {ended.get('exitCode')})"
        if status.get("reason") or status.get("message"):
            return f"{status.get('reason', '')}: {status.get('message', '')}".strip(": ")
    return None


def _stuck_pod(resource: dict[str, Any], pod: dict[str, Any], nodes: Sequence[dict[str, Any]],
               events: Sequence[dict[str, Any]], now: datetime.datetime) -> Verdict | None:
    name = pod["metadata"]["name"]
    age = _age(pod["metadata"].get("creationTimestamp"), now)
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or []:
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason = waiting.get("reason", "")
        said = " ".join(str(waiting.get("message") or "").split())[:300]
        image = pod["spec"]["containers"][0].get("image")
        if reason in _IMAGE_REASONS | _HOPELESS:
            # The kubelet shows the two in turns; one message is enough.
            reason = "ImagePullBackOff" if reason == "ErrImagePull" else reason
            dead = reason in _HOPELESS or age > PATIENCE_SECONDS["ImagePull"]
            return Verdict(dead, reason, f"pod {name} cannot get its image {image} ({reason})",
                           "check the name, the registry and --image-pull-secret, and set them with "
                           '"kubectl ark install --image"')
        if reason in _CONTAINER_REASONS:
            return Verdict(age > PATIENCE_SECONDS["Container"], reason, f"pod {name} cannot start ({reason}): {said}",
                           f'see "kubectl describe pod {name} -n {pod["metadata"]["namespace"]}"')
        if reason == "ContainerCreating" and _age(status.get("startTime"), now) > CREATING_SECONDS:
            if (complaint := _complaint(pod, events)) and _NO_DIRECTORY in complaint:
                return Verdict(True, "NoDirectory", f"pod {name} is not started: {complaint}",
                               'the nodes\' kubelets have their root elsewhere: name it with "kubectl ark install '
                               '--kubelet-root"')
            if complaint:
                return Verdict(False, "ContainerCreating", f"pod {name} is not started: {complaint}",
                               "Kubernetes goes on trying; put it right")
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            said = " ".join(str(condition.get("message") or "").split())
            patience = FROZEN_SECONDS if resource["kind"] == kinds.POD_VOLUME_BACKUP.kind else PATIENCE_SECONDS[
                "Unschedulable"]
            return Verdict(age > patience, "Unschedulable",
                           f"no node takes pod {name} (Unschedulable): {said}",
                           "make room, or lower cpuRequest and memoryRequest in ConfigMap ark-settings")
    node = next((each for each in nodes if each["metadata"]["name"] == pod["spec"].get("nodeName")), None)
    if node is not None:
        for condition in (node.get("status") or {}).get("conditions") or []:
            if condition.get("type") == "Ready" and condition.get("status") != "True":
                down = _age(condition.get("lastTransitionTime"), now)
                return Verdict(down > PATIENCE_SECONDS["Node"], "NodeNotReady",
                               f"node {node['metadata']['name']}, where pod {name} runs, is not ready",
                               "bring the node back, or remove it so that the Job starts anew elsewhere")
    return None


def _complaint(pod: dict[str, Any], events: Sequence[dict[str, Any]]) -> str:
    """What the node last had against starting the pod, "" for nothing."""
    found = [event for event in events if event.get("reason") in _NODE_REASONS
             and (event.get("involvedObject") or {}).get("uid") == pod["metadata"].get("uid")]
    return _said(max(found, key=_moment))[:300] if found else ""


def _moment(event: dict[str, Any]) -> str:
    return str(event.get("lastTimestamp") or event["metadata"].get("creationTimestamp"))


def _said(event: dict[str, Any]) -> str:
    return " ".join(str(event.get("message") or "").split())


def _refused(job: dict[str, Any], events: Sequence[dict[str, Any]], now: datetime.datetime) -> Verdict | None:
    refusals = [event for event in events if event.get("reason") == "FailedCreate"
                and (event.get("involvedObject") or {}).get("uid") == job["metadata"]["uid"]]
    if not refusals or (job.get("status") or {}).get("active"):
        return None
    said = _said(max(refusals, key=_moment))
    # The refused pod's name is another at each try and means nothing.
    said = re.sub(r'^Error creating: (pods "[^"]*" is forbidden: )?', "", said)
    waited = _age(job["metadata"].get("creationTimestamp"), now)
    return Verdict(waited > PATIENCE_SECONDS["Refused"], "PodRefused", f"its pod is refused: {said}",
                   remedy_of_refusal(said))


def remedy_of_refusal(said: str) -> str:
    """What to do where the API server refuses a pod of ours in these words."""
    remedies = (
        ("quota", "free or raise the quota"),
        ("per container", "adapt the LimitRange, or cpuLimit, memoryLimit and volumeMemoryLimit in ConfigMap "
                          "ark-settings"),
        ("limit", "adapt the LimitRange or ConfigMap ark-settings"),
        ("podsecurity", "the namespace must allow Pod Security level restricted"),
        ("serviceaccount", 'run "kubectl ark install" again'))
    return next((text for word, text in remedies if word in said.lower()), "see what refuses it")


def _is_volume(resource: dict[str, Any]) -> bool:
    return resource["kind"] in (kinds.POD_VOLUME_BACKUP.kind, kinds.POD_VOLUME_RESTORE.kind)


def _work(resource: dict[str, Any]) -> str:
    return "it" if _is_volume(resource) else "the run"


def _age(moment: str | None, now: datetime.datetime) -> float:
    return (now - times.parse_time(moment)).total_seconds() if moment else 0.0
