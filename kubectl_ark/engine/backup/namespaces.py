"""The namespaces of a backup: which are wanted, and whose Namespace objects are kept (ark-format.md §5.3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from kubectl_ark.engine.backup.selection import Selection
from kubectl_ark.model import globs, labels


@dataclasses.dataclass(frozen=True)
class Namespaces:
    """The namespaces of the cluster as one backup sees them."""

    wanted: list[str] | None
    """Whose objects are taken; None is all, without asking namespace by namespace."""
    missing: list[str]
    """Included by name and not there."""
    terminating: list[str]
    """Wanted, but being deleted."""
    hidden: list[str]
    """Labelled to be kept out of backups."""


def survey(objects: Iterable[dict[str, Any]], selection: Selection, *, limited: bool = False) -> Namespaces:
    """objects: every Namespace of the cluster. The selection's patterns are expanded to names that exist.

    limited: others may exist that cannot be seen, so that each namespace is to be asked for by its name.
    """
    present: dict[str, dict[str, Any]] = {item["metadata"]["name"]: item for item in objects}
    hidden = [name for name, item in present.items() if labels.is_excluded(item["metadata"].get("labels"))]
    chosen = sorted(name for name in present if selection.takes_namespace(name) and name not in hidden)
    return Namespaces(
        wanted=None if selection.every_namespace and not hidden and not limited else chosen,
        missing=[name for name in selection.included_namespaces
                 if not globs.is_pattern(name) and name not in present],
        terminating=[name for name in chosen if phase_of(present[name]) == "Terminating"],
        hidden=hidden,
    )


def keeps(item: dict[str, Any], selection: Selection, *, holding: set[str]) -> bool:
    """True if this Namespace object belongs into the backup. holding: namespaces of which an item was collected."""
    name = item["metadata"]["name"]
    if name in holding:
        return True
    if phase_of(item) != "Active" or labels.is_excluded(item["metadata"].get("labels")):
        return False
    if not selection.takes_namespace(name):
        return False
    labelled = bool(selection.label_selectors) and selection.takes_labels(item["metadata"].get("labels"))
    return labelled or not (selection.every_namespace and selection.label_selectors)


def phase_of(item: dict[str, Any]) -> str:
    """ "Active" or "Terminating"."""
    return str((item.get("status") or {}).get("phase") or "Active")
