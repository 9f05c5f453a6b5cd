"""Kinds that no restore brings back, whatever its filters say (ark-format.md §8.1, design §5)."""

from __future__ import annotations

from kubectl_ark.model.kinds import RESTIK_GROUP, VELERO_GROUPS
from kubectl_ark.model.labels import GROUP

NEVER = frozenset({
    "nodes", "events", "events.events.k8s.io", "csinodes.storage.k8s.io", "volumeattachments.storage.k8s.io",
})
"""What nodes and controllers say about this moment. To include one of these is a validation error."""

OWN_KEPT = frozenset({"schedules", "backupstoragelocations", "volumesnapshotlocations", "restiks"})
"""Of Ark's, Velero's and Restik's own kinds only settings come back: a full-cluster backup must not run or delete
backups when it is restored."""


WORDS = frozenset({"no", "ev", "csinodes", "volumeattachments"})
"""Further words that users have for NEVER."""

OWN_GROUPS = (GROUP, RESTIK_GROUP, *VELERO_GROUPS)


def never_restored(group_resource: str) -> bool:
    """True for "events", "backups.velero.io" and the like."""
    plural, _, group = group_resource.partition(".")
    return group_resource in NEVER or (group in OWN_GROUPS and plural not in OWN_KEPT)


def names_never_restored(word: str) -> bool:
    """The same for a user's word, "Node" or "backup.velero.io", before anybody can ask discovery; no patterns."""
    name, _, group = word.lower().partition(".")
    plurals = {name, f"{name}s"}
    if group in OWN_GROUPS:
        return "*" not in name and OWN_KEPT.isdisjoint(plurals)
    return any((f"{plural}.{group}" if group else plural) in NEVER | WORDS for plural in plurals)
