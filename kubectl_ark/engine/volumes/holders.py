"""Whether the pod that made a lock of a restic repository still runs."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from kubectl_ark.engine.volumes.locks import Lock
from kubectl_ark.kube.api import Api
from kubectl_ark.kube.pages import items
from kubectl_ark.model import labels, lock_hosts, times
from kubectl_ark.model.resources import PODS

SKEW = datetime.timedelta(seconds=60)
"""So much the clocks of nodes and API server may differ."""

_OVER = ("Succeeded", "Failed")


class Holders:
    """Asks the API server for the pods behind locks' host names.

    namespaces: where such pods can be; () is everywhere. own_pod: uid of the pod that asks, "" outside of one; it holds
    no lock while it asks.
    """

    def __init__(self, api: Api, *, cluster_id: str, namespaces: Sequence[str] = (), own_pod: str = "") -> None:
        self._api, self._cluster_id, self._own_pod = api, cluster_id, own_pod
        self._namespaces: Sequence[str | None] = sorted(set(namespaces)) or [None]

    def is_dead(self, lock: Lock) -> bool:
        """True where the lock is that of a pod of this cluster that runs no more.

        A Job's next pod has the same host name; a lock from before its time is that of the former. False for a lock of
        another cluster, or of a host that is called otherwise. Raises ApiError.
        """
        if not lock_hosts.is_ours(lock.host, self._cluster_id):
            return False
        return not any(self._may_hold(pod, lock) for place in self._namespaces for pod in items(
            self._api, PODS, place, label_selector=f"{labels.LOCK_HOST}={lock.host}"))

    def _may_hold(self, pod: dict[str, Any], lock: Lock) -> bool:
        metadata = pod["metadata"]
        if metadata["uid"] == self._own_pod or (pod.get("status") or {}).get("phase") in _OVER:
            return False
        return times.parse_time(metadata["creationTimestamp"]) - SKEW <= lock.moment
