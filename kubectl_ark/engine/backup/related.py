"""What comes along because a collected item refers to it (ark-format.md §5.2, §6).

Claims of collected pods, volumes of bound claims, cluster role bindings of service accounts with their roles,
priority classes, and the CRD of every custom resource. Filters of kind and scope apply, label selectors do not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.backup.collector import (
    BINDINGS, CLAIMS, CRDS, PRIORITY_CLASSES, ROLES, VOLUMES, Collector,
)
from kubectl_ark.engine.backup.selection import Selection
from kubectl_ark.engine.results import CLUSTER
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.kube.api import Api
from kubectl_ark.kube.pages import items
from kubectl_ark.model.resources import Catalog, Resource

MANY = 50
"""From so many names on, listing the kind is cheaper than getting each."""

Identity = tuple[str | None, str]


class Related:
    """Adds to the archive what the collector's references name. One use, after every list is through."""

    def __init__(
        self, api: Api, catalog: Catalog, selection: Selection, *, collector: Collector, log: RunLog,
        checkpoint: Callable[[], None], limited: bool = False,
    ) -> None:
        """limited: the account reaches some namespaces only, so that what lies in none may well be kept from it."""
        self._api, self._catalog, self._selection = api, catalog, selection
        self._collector, self._log, self._checkpoint = collector, log, checkpoint
        self._limited = limited
        self._withheld: dict[str, None] = {}

    def collect(self, listed: Iterable[Resource], collected: Iterable[Resource]) -> None:
        """listed: kinds whose lists were taken whole. collected: kinds of which the archive has items."""
        references = self._collector.references
        whole = {each.group_resource for each in listed} if not self._selection.label_selectors else set()
        self._named(CLAIMS, self._collector.missing_claims(), whole)
        self._named(VOLUMES, [(None, name) for name in sorted(references.volumes)], whole)
        self._named(PRIORITY_CLASSES, [(None, name) for name in sorted(references.priority_classes)], whole)
        self._bindings(references.accounts, whole)
        self._definitions(collected, whole)
        if self._withheld:
            self._log.warning("left out, since this installation reaches only some namespaces, though saved objects "
                              f"refer to them: {', '.join(self._withheld)}", place=CLUSTER)

    def _resource(self, group_resource: str, namespace: str | None, whole: set[str]) -> Resource | None:
        """The kind, if it is served, wanted and not listed as a whole already."""
        resource = self._catalog.get(group_resource)
        if resource is None or group_resource in whole or not self._selection.takes_related(resource, namespace):
            return None
        return resource

    def _named(self, group_resource: str, names: Sequence[Identity], whole: set[str]) -> None:
        if not names or (resource := self._resource(group_resource, names[0][0], whole)) is None:
            return
        self._collector.begin(resource)
        for item in self._fetched(resource, names):
            self._collector.related(resource, item)

    def _fetched(self, resource: Resource, names: Sequence[Identity]) -> Iterator[dict[str, Any]]:
        missing = set(names)
        try:
            if len(names) >= MANY:
                for item in items(self._api, resource):
                    identity = (item["metadata"].get("namespace"), item["metadata"]["name"])
                    if identity in missing:
                        missing.discard(identity)
                        yield item
            else:
                for namespace, name in names:
                    self._checkpoint()
                    try:
                        yield self._api.get(resource.path(namespace, name))
                        missing.discard((namespace, name))
                    except errors.NotFound:
                        continue
        except errors.Unreachable:
            raise
        except errors.ApiError as failure:
            self._tell(f"{resource.group_resource} that others refer to", resource, failure)
            return
        for namespace, name in sorted(missing, key=str):
            self._log.warning(f"{resource.group_resource} {f'{namespace}/' if namespace else ''}{name} is referred to, "
                              "but it is gone", place=namespace or CLUSTER, resource=resource.group_resource)

    def _bindings(self, accounts: set[tuple[str, str]], whole: set[str]) -> None:
        resource = self._resource(BINDINGS, None, whole)
        roles: set[str] = set()
        if resource is not None and accounts:
            self._collector.begin(resource)
            with self._reported("cluster role bindings of service accounts", resource):
                for item in items(self._api, resource):
                    if any((each.get("namespace"), each.get("name")) in accounts
                           for each in item.get("subjects") or () if each.get("kind") == "ServiceAccount"):
                        self._collector.related(resource, item)
                        roles.add(item["roleRef"]["name"])
        self._named(ROLES, [(None, name) for name in sorted(roles)], whole)

    def _definitions(self, collected: Iterable[Resource], whole: set[str]) -> None:
        """The CRD of each custom resource, unless CRDs were named in the filters or listed whole."""
        named = {word for word, _, _ in self._selection.kinds.words()}
        resource = self._resource(CRDS, None, whole)
        if CRDS in named or resource is None:
            return
        self._collector.begin(resource)
        for each in collected:
            if "." not in each.group:
                continue
            self._checkpoint()
            with self._reported(f"the CRD of {each.group_resource}", resource), contextlib.suppress(errors.NotFound):
                self._collector.related(resource, self._api.get(resource.path(name=each.group_resource)))

    @contextlib.contextmanager
    def _reported(self, what: str, resource: Resource) -> Iterator[None]:
        """What the API server refuses is an error of the run; that it is out of reach ends this attempt."""
        try:
            yield
        except errors.Unreachable:
            raise
        except errors.ApiError as failure:
            self._tell(what, resource, failure)

    def _tell(self, what: str, resource: Resource, failure: errors.ApiError) -> None:
        if self._limited and isinstance(failure, errors.Forbidden):
            self._withheld[resource.group_resource] = None
        else:
            self._log.error(f"{what}: {failure}", place=CLUSTER, resource=resource.group_resource)
