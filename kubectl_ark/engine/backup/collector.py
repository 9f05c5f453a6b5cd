"""From pages to items: what is kept, what is noted about it, what goes into the archive.

The hot loop of a backup: every object of the cluster passes ``page``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from typing import Any

import orjson

from kubectl_ark.engine.backup import actions
from kubectl_ark.engine.backup.archive import Archive
from kubectl_ark.engine.backup.volumes import ClaimData, VolumeRecords
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.model import labels
from kubectl_ark.model.resources import Resource

CLAIM_NOT_SAVED = "object only, data not saved"

PODS = "pods"
CLAIMS = "persistentvolumeclaims"
VOLUMES = "persistentvolumes"
BINDINGS = "clusterrolebindings.rbac.authorization.k8s.io"
ROLES = "clusterroles.rbac.authorization.k8s.io"
PRIORITY_CLASSES = "priorityclasses.scheduling.k8s.io"
CRDS = "customresourcedefinitions.apiextensions.k8s.io"

REFERRED_TO = frozenset({CLAIMS, VOLUMES, BINDINGS, ROLES, PRIORITY_CLASSES, CRDS})
"""Kinds that collected items refer to."""


@dataclasses.dataclass
class References:
    """What collected items refer to; ``related`` brings it along. Sets of names, or of (namespace, name)."""

    namespaces: set[str] = dataclasses.field(default_factory=set)
    volumes: set[str] = dataclasses.field(default_factory=set)
    claims: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    accounts: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    priority_classes: set[str] = dataclasses.field(default_factory=set)


class Collector:
    """Takes the items of one backup, in the caller's thread.

    partial: lists bring only some objects of a kind (a label selector), so that what others refer to may be missing
    or may come twice. stage: what is done around each pod; False from it keeps the pod out. data: of claims; None: none
    of it is saved. claims: is shown each claim first.
    """

    def __init__(self, archive: Archive, log: RunLog, volumes: VolumeRecords, *, partial: bool,
                 stage: Callable[[dict[str, Any]], bool] | None = None, data: ClaimData | None = None,
                 claims: Callable[[dict[str, Any]], None] | None = None) -> None:
        self.references = References()
        self._archive, self._log, self._volumes = archive, log, volumes
        self._partial, self._stage, self._data, self._claims = partial, stage, data, claims
        self._seen: set[tuple[str, str | None, str]] = set()
        self._once: set[tuple[str | None, str]] | None = None

    def begin(self, resource: Resource, *, once: bool = False) -> None:
        """The items that follow are of this kind. once: some may come twice, and the first counts."""
        self._archive.begin(resource)
        self._once = set() if once else None

    def page(self, resource: Resource, items: list[dict[str, Any]], namespaces: Collection[str] | None) -> int:
        """Archive the wanted items of one page; how many those were. namespaces: None takes all."""
        look = _LOOKS.get(resource.group_resource)
        action = actions.BY_KIND.get(resource.group_resource)
        head = {"apiVersion": resource.api_version, "kind": resource.kind}
        stage = self._stage if resource.group_resource == PODS else None
        watched = self._partial and resource.group_resource in REFERRED_TO
        once, taken = self._once, 0
        for item in items:
            metadata = item["metadata"]
            namespace = metadata.get("namespace")
            if namespaces is not None and namespace is not None and namespace not in namespaces:
                continue
            if "deletionTimestamp" in metadata or labels.is_excluded(metadata.get("labels")):
                continue
            if once is not None:
                if (namespace, metadata["name"]) in once:
                    continue
                once.add((namespace, metadata["name"]))
            if stage is not None and not stage(item):
                continue
            if action is not None:
                item = action(item)
            if look is not None:
                look(self, namespace, item)
            if namespace is not None:
                self.references.namespaces.add(namespace)
            if watched:
                self._seen.add((resource.group_resource, namespace, metadata["name"]))
            self._archive.add(namespace, metadata["name"], orjson.dumps({**head, **item}))
            taken += 1
        return taken

    def related(self, resource: Resource, item: dict[str, Any]) -> bool:
        """Archive one object that another refers to; False if it is there already or keeps itself out."""
        metadata = item["metadata"]
        identity = (resource.group_resource, metadata.get("namespace"), metadata["name"])
        if identity in self._seen:
            return False
        self._seen.add(identity)
        return self.page(resource, [item], None) > 0

    def missing_claims(self) -> list[tuple[str, str]]:
        """Claims (namespace, name) that collected pods use and no list brought."""
        return sorted((namespace, name) for namespace, name in self.references.claims
                      if (CLAIMS, namespace, name) not in self._seen)

    def _pod(self, namespace: str, item: dict[str, Any]) -> None:
        spec = item.get("spec") or {}
        if name := spec.get("priorityClassName"):
            self.references.priority_classes.add(name)
        if self._partial:
            for volume in spec.get("volumes") or ():
                if claim := volume.get("persistentVolumeClaim"):
                    self.references.claims.add((namespace, claim["claimName"]))

    def _claim(self, namespace: str, item: dict[str, Any]) -> None:
        name = item["metadata"]["name"]
        volume = item["spec"].get("volumeName")
        if volume and (item.get("status") or {}).get("phase") == "Bound":
            self.references.volumes.add(volume)
        claim, why = (namespace, name), ""
        if self._data is not None:
            if self._claims is not None:
                self._claims(item)
            if self._data.has(claim):
                return
            why = self._data.reason(claim)
        self._log.warning(f"persistentvolumeclaim {namespace}/{name}: {CLAIM_NOT_SAVED}{': ' if why else ''}{why}",
                          place=namespace, resource="persistentvolumeclaims", namespace=namespace, name=name)

    def _volume(self, namespace: str | None, item: dict[str, Any]) -> None:
        reference = (item.get("spec") or {}).get("claimRef") or {}
        claim = (reference.get("namespace", ""), reference.get("name", ""))
        if self._data is not None and self._data.has(claim):
            self._volumes.awaited(claim, item)
        else:
            self._volumes.add(item, skipped=CLAIM_NOT_SAVED)

    def _account(self, namespace: str, item: dict[str, Any]) -> None:
        self.references.accounts.add((namespace, item["metadata"]["name"]))


_LOOKS: dict[str, Any] = {
    PODS: Collector._pod,
    CLAIMS: Collector._claim,
    VOLUMES: Collector._volume,
    "serviceaccounts": Collector._account,
}
"""Group-resource → what is noted about each of its items."""
