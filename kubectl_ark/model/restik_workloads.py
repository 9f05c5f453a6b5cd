"""Which workloads a Restik saves, and which of their pods."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kubectl_ark.model.resources import Resource
from kubectl_ark.model.restiks import CONFIG

DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment", True)
STATEFUL_SETS = Resource("apps", "v1", "statefulsets", "StatefulSet", True)
REPLICA_SETS = Resource("apps", "v1", "replicasets", "ReplicaSet", True)
CONTROLLERS = Resource("", "v1", "replicationcontrollers", "ReplicationController", True)
DAEMON_SETS = Resource("apps", "v1", "daemonsets", "DaemonSet", True)

WORKLOADS = (DEPLOYMENTS, STATEFUL_SETS, REPLICA_SETS, CONTROLLERS, DAEMON_SETS)

EACH_POD = frozenset({STATEFUL_SETS.kind, DAEMON_SETS.kind})
"""Kinds whose pods have data of their own each; of the others one pod is as good as another."""

Object = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Source:
    """One snapshot to take. pod: {} where there is none to take it of, and problem says why."""

    workload: str
    """ "Deployment/web"."""
    pod: Object
    problem: str = ""


def title(workload: Object) -> str:
    """ "Deployment/web". workload: with its kind."""
    return f"{workload['kind']}/{workload['metadata']['name']}"


def config_of(workload: Object) -> str:
    """The name of the Restik that a workload's label names; "" for none."""
    return str((workload["metadata"].get("labels") or {}).get(CONFIG) or "")


def covered(workloads: Iterable[Object], namespace: str, name: str) -> list[Object]:
    """The workloads that the Restik saves, by kind and name. workloads: with their kinds, of any namespace.

    A ReplicaSet whose Deployment has the label too is that Deployment's business; one that a Deployment has scaled down
    is nobody's.
    """
    found = [each for each in workloads if each["metadata"]["namespace"] == namespace and config_of(each) == name
             and not each["metadata"].get("deletionTimestamp")]
    uids = {each["metadata"].get("uid") for each in found if each["kind"] == DEPLOYMENTS.kind}
    order = [each.kind for each in WORKLOADS]
    return sorted((each for each in found if not _is_of_deployment(each, uids)),
                  key=lambda each: (order.index(each["kind"]), each["metadata"]["name"]))


def _is_of_deployment(workload: Object, deployments: Iterable[str | None]) -> bool:
    owner = _controller(workload)
    if workload["kind"] != REPLICA_SETS.kind or owner.get("kind") != DEPLOYMENTS.kind:
        return False
    return owner.get("uid") in deployments or (workload.get("spec") or {}).get("replicas") == 0


def sources(workload: Object, pods: Sequence[Object], replica_sets: Iterable[Object], *, volume: str) -> list[Source]:
    """The snapshots to take of one workload; none where it is scaled to 0.

    pods, replica_sets: those of its namespace. volume: name in the pod.
    """
    own = [pod for pod in pods if _belongs(pod, workload, replica_sets)
           and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")]
    name = title(workload)
    if workload["kind"] in EACH_POD:
        found = [Source(name, pod, _problem(pod, volume)) for pod in sorted(own, key=_name)]
    else:
        best = sorted(own, key=lambda pod: (bool(_problem(pod, volume)), not _is_ready(pod), _name(pod)))
        found = [Source(name, pod, _problem(pod, volume)) for pod in best[:1]]
    if found or not wanted_pods(workload):
        return found
    return [Source(name, {}, f"{name} has no pod")]


def wanted_pods(workload: Object) -> int:
    """How many pods a workload is to have; of a DaemonSet as many as it says itself."""
    if workload["kind"] == DAEMON_SETS.kind:
        return int((workload.get("status") or {}).get("desiredNumberScheduled") or 0)
    replicas = (workload.get("spec") or {}).get("replicas")
    return 1 if replicas is None else int(replicas)


def _problem(pod: Object, volume: str) -> str:
    """Why no snapshot can be taken of the pod's volume, as half a sentence; "" if nothing is known against it."""
    phase = (pod.get("status") or {}).get("phase") or "Pending"
    if pod["metadata"].get("deletionTimestamp"):
        return "the pod is being deleted"
    if not any(each.get("name") == volume for each in (pod.get("spec") or {}).get("volumes") or ()):
        return f'the pod has no volume "{volume}"'
    return "" if phase == "Running" else f"the pod is not running ({phase})"


def _belongs(pod: Object, workload: Object, replica_sets: Iterable[Object]) -> bool:
    uid, owner = workload["metadata"]["uid"], _controller(pod).get("uid")
    if owner is None:
        return False
    if workload["kind"] != DEPLOYMENTS.kind:
        return bool(owner == uid)
    return any(each["metadata"]["uid"] == owner and _controller(each).get("uid") == uid for each in replica_sets)


def _controller(item: Object) -> Object:
    owners = item["metadata"].get("ownerReferences") or ()
    return next((each for each in owners if each.get("controller")), {})


def _is_ready(pod: Object) -> bool:
    return any(each.get("type") == "Ready" and each.get("status") == "True"
               for each in (pod.get("status") or {}).get("conditions") or ())


def _name(pod: Object) -> str:
    return str(pod["metadata"]["name"])
