"""spec.namespaceMapping: under which namespace an object comes back, and what of it names a namespace.

Rewritten is what Velero rewrites (ark-format.md §9.4): the object's own namespace, the claim that a volume is reserved
for, and the accounts of RoleBindings and ClusterRoleBindings. Names inside other fields (addresses, selectors, custom
resources) only their owner understands; resource modifiers are the way.
"""

from __future__ import annotations

from collections.abc import Mapping

from kubectl_ark.engine.restore.order import NAMESPACES, VOLUMES
from kubectl_ark.engine.restore.paths import ItemPath
from kubectl_ark.engine.restore.transforms.generic import Object

BINDINGS = frozenset({"rolebindings.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io"})

NAME_LABEL = "kubernetes.io/metadata.name"
"""Every Namespace carries its name in it; the API server sees to it."""


class NamespaceMapping:
    """old name → new name; every other namespace keeps its name."""

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self._names = {old: new for old, new in (names or {}).items() if old != new}

    def __bool__(self) -> bool:
        return bool(self._names)

    def target(self, namespace: str) -> str:
        """The namespace that objects of this one are restored into; "" stays ""."""
        return self._names.get(namespace, namespace)

    def path(self, path: ItemPath) -> ItemPath:
        """The same item where it comes back; a Namespace changes its own name."""
        if path.group_resource == NAMESPACES:
            return path._replace(name=self.target(path.name))
        return path._replace(namespace=self.target(path.namespace))

    def references(self, group_resource: str, item: Object) -> None:
        """Rewrite what an item says of other namespaces. In place."""
        if not self._names:
            return
        if group_resource == VOLUMES:
            self._rewrite(item["spec"].get("claimRef"))
        elif group_resource in BINDINGS:
            for subject in item.get("subjects") or ():
                self._rewrite(subject)

    def place(self, group_resource: str, item: Object) -> None:
        """Put an item into its new namespace; a Namespace gets its new name. In place."""
        if not self._names:
            return
        metadata = item["metadata"]
        if metadata.get("namespace"):
            metadata["namespace"] = self.target(metadata["namespace"])
        elif group_resource == NAMESPACES:
            metadata["name"] = self.target(metadata["name"])
            if NAME_LABEL in (metadata.get("labels") or {}):
                metadata["labels"][NAME_LABEL] = metadata["name"]

    def _rewrite(self, reference: Object | None) -> None:
        if reference and reference.get("namespace"):
            reference["namespace"] = self.target(reference["namespace"])
