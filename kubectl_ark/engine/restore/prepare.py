"""What is changed in an item on its way back, in Velero's order (ark-format.md §8.5); to create and to compare."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from kubectl_ark.engine.restore.archive import Object, Type
from kubectl_ark.engine.restore.changes import Changes
from kubectl_ark.engine.restore.mapping import NamespaceMapping
from kubectl_ark.engine.restore.modifiers import rules
from kubectl_ark.engine.restore.transforms import generic, inithooks, replacements, table
from kubectl_ark.engine.restore.volumes import Fate
from kubectl_ark.model import restore_hooks


class Unfit(ValueError):
    """The item cannot come back as the user's mappings want it; the text says why."""


@dataclasses.dataclass(frozen=True)
class Preparation:
    """How one restore changes its items. keep_node_ports: spec.preserveNodePorts.

    spec: the Restore's, for its hooks. schema_of: see ``modifiers.rules``; None where no rule is a strategic patch.
    absent: new storage classes that neither the cluster nor the backup has.
    """

    mapping: NamespaceMapping = NamespaceMapping()
    keep_node_ports: bool = False
    changes: Changes = Changes()
    spec: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    schema_of: rules.SchemaOf | None = None
    absent: frozenset[str] = frozenset()

    @property
    def is_plain(self) -> bool:
        """True if an item, pods aside, is changed like the object of the cluster that it is compared with."""
        changes = self.changes
        return not (self.mapping or changes.rules or changes.classes or changes.images)

    def apply(self, type: Type, item: Object, *, fate: Fate | None = None) -> list[str]:
        """Make an item as it was backed up into what is sent, its restore labels aside. In place.

        fate: of a claim that was bound. What a user's rules could not do to the item is returned, as sentences; the
        item comes back all the same. Raises Unfit for one that cannot.
        """
        kind = type.group_resource
        item["apiVersion"] = type.api_version
        table.apply(kind, item, keep_node_ports=self.keep_node_ports)
        self.mapping.references(kind, item)
        if self.changes.classes:
            self._classes(kind, item)
        if self.changes.images:
            replacements.images(kind, item, self.changes.images)
        if kind == "pods":
            self._init_hooks(item)
        if fate is not None and not fate.keep_volume:
            item["spec"].pop("volumeName", None)
        troubles: list[str] = []
        if self.changes.rules and self.schema_of is not None:
            troubles = rules.apply(self.changes.rules, type, item, schema_of=self.schema_of)
        self.mapping.place(kind, item)
        return troubles

    def live(self, type: Type, item: Object) -> None:
        """Make an object of the cluster comparable with what ``apply`` gives. In place.

        Lists of the API leave apiVersion and kind out of their items; they are set here. The same transforms serve
        both sides, so that what the cluster chose (addresses, node, uid) never counts.
        """
        item["apiVersion"], item["kind"] = type.api_version, type.kind
        table.apply(type.group_resource, item, keep_node_ports=self.keep_node_ports)
        generic.drop_own_labels(item)

    def hooks(self, pod: Object) -> restore_hooks.Hooks:
        """The restore hooks of a pod as it was backed up."""
        namespace = self.mapping.target(pod["metadata"].get("namespace") or "")
        return restore_hooks.of_pod(pod, namespace=namespace, spec=self.spec)

    def _init_hooks(self, pod: Object) -> None:
        if restore_hooks.concerns(pod, self.spec) and (containers := self.hooks(pod).init_containers):
            inithooks.put_in(pod, containers)

    def _classes(self, kind: str, item: Object) -> None:
        absent = replacements.storage_class(kind, item, self.changes.classes) & self.absent
        if absent:
            raise Unfit(f'storage class "{min(absent)}", to which a ConfigMap maps the one that it had, does not '
                        "exist; create it or correct the ConfigMap")
