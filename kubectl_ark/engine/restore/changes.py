"""The ConfigMaps that change objects on their way back (ark-format.md §10.3, §10.4).

The resource modifiers are named by the Restore. The mappings of storage classes and images are found by their labels
in Ark's namespace, in our spelling or Velero's, and serve every restore.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.restore.modifiers import document
from kubectl_ark.engine.restore.modifiers.rules import Rule
from kubectl_ark.kube.api import Api
from kubectl_ark.kube.pages import items
from kubectl_ark.model import labels
from kubectl_ark.model.resources import CONFIG_MAPS

ACTION = "RestoreItemAction"
"""The value of the label that says what a ConfigMap is for."""


@dataclasses.dataclass(frozen=True)
class Changes:
    """rules: resource modifiers. classes: old storage class → new. images: (old, new) parts of image names."""

    rules: Sequence[Rule] = ()
    classes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    images: Sequence[tuple[str, str]] = ()


def load(api: Api, namespace: str, spec: Mapping[str, Any]) -> tuple[Changes, list[str]]:
    """(changes, mistakes) for a Restore's spec, out of the ConfigMaps in Ark's namespace. Raises ApiError."""
    mistakes: list[str] = []
    rules: Sequence[Rule] = ()
    if spec.get("resourceModifier"):
        rules = _rules(api, namespace, str(spec["resourceModifier"].get("name")), mistakes)
    classes: dict[str, str] = {}
    for name, key, value in _entries(api, namespace, "change-storage-class", mistakes):
        if not value.strip():
            mistakes.append(f'ConfigMap "{name}": no new storage class stands beside "{key}"')
        classes[key] = value.strip()
    images: list[tuple[str, str]] = []
    for name, key, value in _entries(api, namespace, "change-image-name", mistakes):
        parts = [part.strip() for part in value.split(",")]
        if len(parts) != 2 or not all(parts):
            mistakes.append(f'ConfigMap "{name}", key "{key}": "{value}" is not OLD,NEW')
        else:
            images.append((parts[0], parts[1]))
    return Changes(rules, classes, images), mistakes


def _rules(api: Api, namespace: str, name: str, mistakes: list[str]) -> Sequence[Rule]:
    try:
        config_map = api.get(CONFIG_MAPS.path(namespace, name))
    except errors.NotFound:
        mistakes.append(f'spec.resourceModifier: ConfigMap "{name}" does not exist in namespace {namespace}')
        return ()
    rules, found = document.read(config_map)
    mistakes += [f'ConfigMap "{name}": {mistake}' for mistake in found]
    return rules


def _entries(api: Api, namespace: str, what: str, mistakes: list[str]) -> Iterator[tuple[str, str, str]]:
    """(ConfigMap, key, value) of the one ConfigMap that is labelled for this; none is fine, two are a mistake."""
    found = {each["metadata"]["name"]: each for group in (labels.GROUP, labels.VELERO_GROUP)
             for each in items(api, CONFIG_MAPS, namespace,
                               label_selector=f"{group}/plugin-config,{group}/{what}={ACTION}")}
    if len(found) > 1:
        mistakes.append(f"ConfigMaps {' and '.join(sorted(found))} are both labelled {what}; keep one of them")
        return
    for name, config_map in found.items():
        for key, value in sorted((config_map.get("data") or {}).items()):
            yield name, key, value
