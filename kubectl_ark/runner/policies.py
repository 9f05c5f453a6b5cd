"""The ConfigMap that a Backup's ``spec.resourcePolicy`` names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.model import backup_spec, resource_policy
from kubectl_ark.model.resources import CONFIG_MAPS


def with_policy(api: Api, namespace: str, spec: dict[str, Any]) -> dict[str, Any]:
    """The spec with the filters that its policy adds. namespace: Ark's. Raises ValidationFailed, ApiError."""
    reference = spec.get("resourcePolicy")
    if not reference or backup_spec.problems({"resourcePolicy": reference}):
        return spec
    title = f"spec.resourcePolicy: ConfigMap {namespace}/{reference.get('name')}"
    document = _document(api, namespace, str(reference.get("name")), title)
    if found := resource_policy.problems(document, spec):
        raise errors.ValidationFailed([f"{title}: {problem}" for problem in found])
    return resource_policy.merged(spec, document)


def of_volumes(api: Api, namespace: str, spec: dict[str, Any]) -> list[Mapping[str, Any]]:
    """The volume policies of the ConfigMap that a valid spec names; [] if it names none. Raises ValidationFailed."""
    reference = spec.get("resourcePolicy")
    if not reference:
        return []
    title = f"spec.resourcePolicy: ConfigMap {namespace}/{reference.get('name')}"
    return resource_policy.volumes(_document(api, namespace, str(reference.get("name")), title))


def _document(api: Api, namespace: str, name: str, title: str) -> Any:
    import yaml

    try:
        data = api.get(CONFIG_MAPS.path(namespace, name)).get("data") or {}
    except errors.NotFound:
        raise errors.ValidationFailed([f"{title} does not exist"]) from None
    if len(data) != 1:
        raise errors.ValidationFailed([f"{title} has {len(data)} keys instead of one"])
    try:
        return yaml.safe_load(next(iter(data.values())))
    except yaml.YAMLError as fault:
        raise errors.ValidationFailed([f"{title} is not YAML: {' '.join(str(fault).split())}"]) from fault
