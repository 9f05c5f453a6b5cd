"""Runs that are InProgress for ever unless somebody says that they are dead: each is held against what is left of its
Job, as ``--wait`` and ``describe`` do."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.backup.pending import run_pending
from kubectl_ark.kube.pages import items
from kubectl_ark.model import kinds, labels, sight, times
from kubectl_ark.model.phases import Phase, phase_of
from kubectl_ark.model.resources import EVENTS, JOBS, NODES, PODS, custom
from kubectl_ark.model.sight import Sight
from kubectl_ark.runner import events
from kubectl_ark.runner.upkeep.upkeep import Upkeep

PROMISE_SECONDS = 3600.0
"""How long a dead run waits for pods that are out of reach; then it ends without its post hooks."""


def attend(upkeep: Upkeep) -> None:
    """End what is dead. Raises ApiError where runs cannot be listed."""
    for kind in (kinds.BACKUP, kinds.RESTORE):
        for resource in items(upkeep.api, custom(kind), upkeep.namespace):
            if is_unfinished(resource):
                _judge(upkeep, kind, resource["metadata"]["name"])


def is_unfinished(resource: Mapping[str, Any]) -> bool:
    """Whether this is a run of ours that has yet to end; mirrors of what others do in the bucket are none."""
    return phase_of(dict(resource)) in (Phase.NEW, Phase.IN_PROGRESS) \
        and labels.SYNCED not in (resource["metadata"].get("annotations") or {})


def age(resource: Mapping[str, Any], now: datetime.datetime) -> float:
    """Seconds since the run last gave sign of life, or was created."""
    last = (resource.get("status") or {}).get("heartbeatTimestamp") or resource["metadata"]["creationTimestamp"]
    return (now - times.parse_time(last)).total_seconds()


def _judge(upkeep: Upkeep, kind: kinds.Kind, name: str) -> None:
    title = f"{kind.singular}/{name}"
    try:
        seen = _look(upkeep, kind, name)
        verdict = seen.verdict()
        if verdict is None or seen.resource is None:
            return
        if not verdict.dead:
            upkeep.write(f"{upkeep.topic}: {title} waits: {verdict.sentence}")
        elif _end(upkeep, kind, seen, verdict.sentence):
            upkeep.say(f"{title}: is dead and marked Failed: {verdict.sentence}")
    except errors.NotFound:
        return
    except errors.ApiError as failure:
        upkeep.trouble(f"{title} cannot be judged: {failure.sentence}")


def _look(upkeep: Upkeep, kind: kinds.Kind, name: str) -> Sight:
    """The run as it is now: the CR is read last, so that a result written meanwhile counts."""
    api, namespace = upkeep.api, upkeep.namespace
    path = custom(kind).path(namespace, name)
    first = api.get(path)
    jobs = api.get(JOBS.path(namespace), params=sight.job_query(first))["items"]
    pods = tuple(api.get(PODS.path(namespace), params=sight.pod_query(first))["items"])
    refusals = api.get(EVENTS.path(namespace), params={"fieldSelector": "type=Warning"})["items"]
    nodes = []
    for node in sight.nodes_of(pods):
        try:
            nodes.append(api.get(NODES.path(None, node)))
        except (errors.Forbidden, errors.NotFound):
            continue  # an installation of some namespaces may not read nodes
    resource = api.get(path)
    if resource["metadata"]["uid"] != first["metadata"]["uid"]:
        return Sight(None)
    return Sight(resource, sight.job_of(first, jobs), pods, tuple(refusals), tuple(nodes))


def _end(upkeep: Upkeep, kind: kinds.Kind, seen: Sight, message: str) -> bool:
    """Run what the run has promised to run whatever happens, then write Failed.

    False if it has moved meanwhile, or has promises left that cannot be kept now: those are for the next pass.
    """
    resource = seen.resource
    assert resource is not None
    path = custom(kind).path(upkeep.namespace, resource["metadata"]["name"], "status")
    pending = (resource.get("status") or {}).get("pendingHooks") or []
    left = _keep_promises(upkeep, pending)
    if age(resource, upkeep.now) > PROMISE_SECONDS:
        left = []
    patch = sight.failed_patch(resource, message)
    if left:
        patch = [*patch[:2], {"op": "add", "path": "/status/pendingHooks", "value": left}]
    elif pending:
        patch.append({"op": "remove", "path": "/status/pendingHooks"})
    try:
        ended = upkeep.api.patch_json(path, patch)
    except (errors.Rejected, errors.Conflict, errors.NotFound):
        return False
    if left:
        return False
    events.record(upkeep.api, ended, phase=Phase.FAILED, message=message)
    if (job := seen.job_to_stop()) is not None:
        upkeep.delete(JOBS.path(upkeep.namespace, job))
    return True


def _keep_promises(upkeep: Upkeep, pending: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run the post hooks that a dead backup has left undone; those whose pods are out of reach."""
    undone = run_pending(upkeep.api, namespace=upkeep.namespace, pending=pending)
    for told in undone.told:
        (upkeep.trouble if told.failed else upkeep.say)(told.sentence)
    return undone.left
