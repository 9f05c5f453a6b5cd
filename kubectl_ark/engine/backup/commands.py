"""Hooks' commands in pods, run as ark-volumes: the runs themselves may not exec anywhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube import exec
from kubectl_ark.kube.accounts import TOKEN_SECONDS, acting_as
from kubectl_ark.kube.api import Api
from kubectl_ark.model.hooks import Hook
from kubectl_ark.model.resources import PODS

ACCOUNT = "ark-volumes"


class Commands:
    """One account's way into pods; its token is renewed when half of its life is over. namespace: Ark's."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._namespace = api, namespace
        self._account: Api | None = None
        self._until = 0.0

    def pod(self, namespace: str, name: str) -> dict[str, Any] | None:
        """The pod as it is now; None if it is gone. Raises ApiError."""
        with self._explained(namespace):
            try:
                return self._as_account().get(PODS.path(namespace, name))
            except errors.NotFound as missing:
                if missing.hint is not None:  # it is the account that is missing
                    raise
                return None

    def run(
        self, namespace: str, pod: str, hook: Hook, *, checkpoint: Callable[[], None] | None = None,
    ) -> exec.Outcome:
        """Run a hook's command. Errors as ``exec.run``."""
        with self._explained(namespace):
            return exec.run(self._as_account(), namespace, pod, container=hook.container, command=hook.command,
                            timeout=hook.timeout, checkpoint=checkpoint)

    def _as_account(self) -> Api:
        if self._account is None or time.monotonic() > self._until:
            self._account = acting_as(self._api, self._namespace, ACCOUNT)
            self._until = time.monotonic() + TOKEN_SECONDS / 2
        return self._account

    @contextlib.contextmanager
    def _explained(self, namespace: str) -> Iterator[None]:
        try:
            yield
        except errors.Forbidden as refusal:
            raise errors.Forbidden(
                refusal.message, status=refusal.status, body=refusal.body,
                hint=f"hooks run as service account {self._namespace}/{ACCOUNT}: give it the role "
                     f"{self._namespace}-volumes in namespace {namespace}") from refusal
