"""Kinds of the cluster as discovery tells them, and the words that users have for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from kubectl_ark.model import kinds


@dataclasses.dataclass(frozen=True)
class Resource:
    """One kind in one version. ``group`` is "" for core; ``plural`` is its name in URLs and in the tar."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()
    singular: str = ""
    short_names: tuple[str, ...] = ()

    @property
    def group_resource(self) -> str:
        """ "pods", "deployments.apps": how the tar and the filters name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """ "v1", "apps/v1"."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """URL path of a list, an object or its subresource. namespace None: cluster-wide, or a cluster-scoped kind."""
        parts = ["/apis", self.group, self.version] if self.group else ["/api", self.version]
        if namespace is not None:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name is not None:
            parts.append(quote(name, safe=""))
        if subresource is not None:
            parts.append(subresource)
        return "/".join(parts)


PODS = Resource("", "v1", "pods", "Pod", True)
NODES = Resource("", "v1", "nodes", "Node", False)
EVENTS = Resource("", "v1", "events", "Event", True)
SECRETS = Resource("", "v1", "secrets", "Secret", True)
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", True)
JOBS = Resource("batch", "v1", "jobs", "Job", True)
SERVICES = Resource("", "v1", "services", "Service", True)
CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", True)
VOLUMES = Resource("", "v1", "persistentvolumes", "PersistentVolume", False)
CRON_JOBS = Resource("batch", "v1", "cronjobs", "CronJob", True)
STORAGE_CLASSES = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", False)
CSI_DRIVERS = Resource("storage.k8s.io", "v1", "csidrivers", "CSIDriver", False)
SNAPSHOTS = Resource("snapshot.storage.k8s.io", "v1", "volumesnapshots", "VolumeSnapshot", True)
CONTENTS = Resource("snapshot.storage.k8s.io", "v1", "volumesnapshotcontents", "VolumeSnapshotContent", False)
SNAPSHOT_CLASSES = Resource("snapshot.storage.k8s.io", "v1", "volumesnapshotclasses", "VolumeSnapshotClass", False)


def custom(kind: kinds.Kind) -> Resource:
    """One of our own kinds, as a kind of the cluster."""
    return Resource(kind.group, kind.version, kind.plural, kind.kind, True)


class Catalog:
    """Every kind that the server serves, in discovery's order.

    resources: every version of every kind; for a kind, the group's preferred version comes first.
    broken: groups whose discovery failed (an aggregated API that is down), with the reason.
    """

    def __init__(self, resources: Iterable[Resource], *, broken: dict[str, str] | None = None) -> None:
        self.broken = dict(broken or {})
        self._versions: dict[str, list[Resource]] = {}
        for resource in resources:
            self._versions.setdefault(resource.group_resource, []).append(resource)

    def preferred(self) -> Iterator[Resource]:
        """Each kind once, in its preferred version."""
        for versions in self._versions.values():
            yield versions[0]

    def get(self, group_resource: str) -> Resource | None:
        """The preferred version of "deployments.apps", or None if the server does not serve the kind."""
        versions = self._versions.get(group_resource)
        return versions[0] if versions else None

    def get_version(self, group_resource: str, version: str) -> Resource | None:
        """That kind in just that version, or None."""
        return next((each for each in self._versions.get(group_resource, []) if each.version == version), None)

    def resolve(self, word: str) -> str:
        """The group-resource that a user's word names; kept as it is where nothing answers to it.

        Takes plural, singular, short name or Kind, with or without ".group". Without a group the first in discovery
        order wins, as in kubectl.
        """
        if word in self._versions:
            return word
        name, _, group = word.lower().partition(".")
        for resource in self.preferred():
            if group and resource.group != group:
                continue
            if name in (resource.plural, resource.singular, resource.kind.lower(), *resource.short_names):
                return resource.group_resource
        return word
