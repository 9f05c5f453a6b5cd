"""What is changed in an item on its way back, in Velero's order (ark-format.md §8.5); to create and to compare."""

from __future__ import annotations

import dataclasses

from kubectl_ark.engine.restore.archive import Object, Type
from kubectl_ark.engine.restore.mapping import NamespaceMapping
from kubectl_ark.engine.restore.transforms import generic, table
from kubectl_ark.engine.restore.volumes import Fate


@dataclasses.dataclass(frozen=True)
class Preparation:
    """How one restore changes its items. keep_node_ports: spec.preserveNodePorts."""

    mapping: NamespaceMapping = NamespaceMapping()
    keep_node_ports: bool = False

    def apply(self, type: Type, item: Object, *, fate: Fate | None = None) -> list[str]:
        """Make an item as it was backed up into what is sent, its restore labels aside. In place.

        fate: of a claim that was bound. What a user's rules could not do to the item is returned, as sentences; the
        item comes back all the same.
        """
        kind = type.group_resource
        item["apiVersion"] = type.api_version
        table.apply(kind, item, keep_node_ports=self.keep_node_ports)
        self.mapping.references(kind, item)
        if fate is not None and not fate.keep_volume:
            item["spec"].pop("volumeName", None)
        troubles: list[str] = []
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
