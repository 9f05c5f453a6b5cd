"""Objects that are saved first of their kind, in the order in which the spec names them (spec.orderedResources)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.backup.selection import Selection
from kubectl_ark.engine.results import CLUSTER
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.kube.api import Api
from kubectl_ark.model import backup_spec
from kubectl_ark.model.resources import Catalog, Resource


class Ordered:
    """The named objects of one backup."""

    def __init__(self, api: Api, spec: dict[str, Any], catalog: Catalog, *, selection: Selection, log: RunLog) -> None:
        self._api, self._selection, self._log = api, selection, log
        self._names = {catalog.resolve(word): backup_spec.ordered_names(text)
                       for word, text in (spec.get("orderedResources") or {}).items()}

    def names(self, resource: Resource) -> bool:
        """True if objects of this kind are named."""
        return resource.group_resource in self._names

    def unused(self, listed: list[Resource]) -> list[str]:
        """Kinds that are named although the backup does not list them."""
        return sorted(set(self._names) - {each.group_resource for each in listed})

    def items(self, resource: Resource) -> Iterator[dict[str, Any]]:
        """The named objects of this kind that are there and carry the labels asked for; others are warned about."""
        for name in self._names.get(resource.group_resource, ()):
            namespace, _, plain = name.rpartition("/")
            if bool(namespace) != resource.namespaced:
                form = "NAMESPACE/NAME" if resource.namespaced else "NAME"
                self._warn(resource, namespace, f'"{name}" is not of the form {form}')
                continue
            try:
                item = self._api.get(resource.path(namespace or None, plain))
            except errors.NotFound:
                self._warn(resource, namespace, f'"{name}" does not exist')
            except errors.Unreachable:
                raise
            except errors.ApiError as failure:
                self._warn(resource, namespace, f"{name}: {failure}")
            else:
                if self._selection.takes_labels(item["metadata"].get("labels")):
                    yield item

    def _warn(self, resource: Resource, namespace: str, problem: str) -> None:
        self._log.warning(f"spec.orderedResources: {resource.group_resource}: {problem}", place=namespace or CLUSTER,
                          resource=resource.group_resource)
