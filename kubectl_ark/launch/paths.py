"""API paths of what the plugin touches."""

from __future__ import annotations

from urllib.parse import quote

from kubectl_ark.model.kinds import Kind


def custom(kind: Kind, namespace: str, name: str | None = None) -> str:
    """One of our own kinds: the collection in ``namespace``, or one object."""
    return _path(f"/apis/{kind.api_version}", namespace, kind.plural, name)


def core(plural: str, namespace: str, name: str | None = None) -> str:
    """Pods, ConfigMaps, Events …"""
    return _path("/api/v1", namespace, plural, name)


def jobs(namespace: str, name: str | None = None) -> str:
    """Jobs."""
    return _path("/apis/batch/v1", namespace, "jobs", name)


def refusals(namespace: str) -> str:
    """The Events that say that a pod could not be created, or not be started.

    Nothing else tells of quota, LimitRange, admission or a volume that cannot be mounted.
    """
    return core("events", namespace) + "?fieldSelector=" + quote("type=Warning")


def _path(root: str, namespace: str, plural: str, name: str | None) -> str:
    path = f"{root}/namespaces/{quote(namespace, safe='')}/{plural}"
    return f"{path}/{quote(name, safe='')}" if name is not None else path
