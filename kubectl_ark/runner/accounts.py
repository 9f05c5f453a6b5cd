"""The account that gets into workloads' namespaces, as whom a run acts there."""

from __future__ import annotations

import threading
import time

from kubectl_ark.kube.accounts import TOKEN_SECONDS, acting_as
from kubectl_ark.kube.api import Api

VOLUMES = "ark-volumes"


class Account:
    """The API as ark-volumes, whose token is renewed when half of its life is over. Thread-safe."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._namespace = api, namespace
        self._lock = threading.Lock()
        self._as: Api | None = None
        self._until = 0.0

    def api(self) -> Api:
        """Raises NotFound, Forbidden, ApiError."""
        with self._lock:
            if self._as is None or time.monotonic() > self._until:
                self._as = acting_as(self._api, self._namespace, VOLUMES)
                self._until = time.monotonic() + TOKEN_SECONDS / 2
            return self._as
