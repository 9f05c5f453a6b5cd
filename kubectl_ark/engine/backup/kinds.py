"""Which kinds are listed, and in what order (ark-format.md §5.3)."""

from __future__ import annotations

from kubectl_ark.engine.backup.selection import NAMESPACES, Selection
from kubectl_ark.model.resources import Catalog, Resource

NEEDED_VERBS = frozenset({"list", "create", "get", "delete"})
"""A kind without all of these cannot be brought back, or is a view of something else (metrics, reviews)."""

CORE_FIRST = ("pods", "persistentvolumeclaims", "persistentvolumes")

COHABITING = (
    frozenset({"deployments.extensions", "deployments.apps"}),
    frozenset({"daemonsets.extensions", "daemonsets.apps"}),
    frozenset({"replicasets.extensions", "replicasets.apps"}),
    frozenset({"networkpolicies.extensions", "networkpolicies.networking.k8s.io"}),
    frozenset({"events", "events.events.k8s.io"}),
)
"""The same objects served under two groups; the first in order is taken."""


def listed(catalog: Catalog, selection: Selection) -> list[Resource]:
    """The kinds to list, in order: core (pods, claims, volumes, the rest), the groups, ``extensions`` last.

    Namespace objects are not among them: whether one is kept is known only when its objects are.
    """
    wanted = [each for each in catalog.preferred()
              if NEEDED_VERBS <= each.verbs and selection.lists(each) and each.group_resource != NAMESPACES]
    result: list[Resource] = []
    taken: set[frozenset[str]] = set()
    for resource in sorted(wanted, key=_rank):
        family = next((each for each in COHABITING if resource.group_resource in each), None)
        if family in taken:
            continue
        if family is not None:
            taken.add(family)
        result.append(resource)
    return result


def _rank(resource: Resource) -> tuple[int, int]:
    if resource.group == "":
        plural = resource.plural
        return 0, CORE_FIRST.index(plural) if plural in CORE_FIRST else len(CORE_FIRST)
    return (2 if resource.group == "extensions" else 1), 0
