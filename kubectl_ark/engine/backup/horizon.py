"""What an account that reaches some namespaces only can see of a cluster (``install --namespaces``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.results import CLUSTER
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.kube.api import Api
from kubectl_ark.kube.pages import items
from kubectl_ark.model import globs
from kubectl_ark.model.resources import Resource

Reach = Callable[[], Sequence[str]]
"""The namespaces that this installation reaches, () for all; asked for only where the server keeps them to itself."""


class Horizon:
    """The namespaces of the cluster. ``limited_to``: the only ones that can be seen, None if all can."""

    def __init__(self, api: Api, namespaces: Resource, reach: Reach) -> None:
        self.limited_to: tuple[str, ...] | None = None
        self._api, self._namespaces = api, namespaces
        try:
            self._first: list[dict[str, Any]] | None = list(items(api, namespaces))
        except errors.Forbidden:
            self.limited_to = tuple(reach())
            if not self.limited_to:
                raise
            self._first = None

    def objects(self) -> list[dict[str, Any]]:
        """Every Namespace that can be seen, as it is now."""
        if self.limited_to is None:
            found, self._first = self._first, None
            return list(items(self._api, self._namespaces)) if found is None else found
        return [item for name in self.limited_to if (item := self._one(name))]

    def within(self, listed: Sequence[Resource], spec: dict[str, Any], log: RunLog) -> list[Resource]:
        """The kinds that can be listed; says what is left out unless the Backup's spec asks for just that.

        Cluster-scoped kinds that the spec names are tried, so that the refusal is an error.
        """
        places = ", ".join(self.limited_to or ())
        if any(globs.is_pattern(each) for each in spec.get("includedNamespaces") or ("*",)):
            log.warning(f"this installation reaches only {places}: no other namespace is in the backup", place=CLUSTER)
        asked = spec.get("includeClusterResources") or spec.get("includedClusterScopedResources")
        if asked or all(resource.namespaced for resource in listed):
            return list(listed)
        log.warning(f"this installation reaches only {places}: objects that lie in no namespace are left out",
                    place=CLUSTER)
        return [resource for resource in listed if resource.namespaced]

    def _one(self, name: str) -> dict[str, Any] | None:
        """One that is gone took the role with it that let us see it."""
        try:
            return self._api.get(self._namespaces.path(name=name))
        except (errors.NotFound, errors.Forbidden):
            return None
