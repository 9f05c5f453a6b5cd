"""Where an item lies in the tar (ark-format.md §3) and what that says about it."""

from __future__ import annotations

from typing import NamedTuple


class ItemPath(NamedTuple):
    """An unversioned item. ``namespace`` is "" for a cluster-scoped one."""

    group_resource: str
    namespace: str
    name: str


def parse(path: str) -> ItemPath | None:
    """What ``path`` names, or None for anything else: metadata, the copies under "<version>-preferredversion"."""
    parts = path.split("/")
    if parts[0] != "resources" or not path.endswith(".json"):
        return None
    name = parts[-1][:-len(".json")]
    if len(parts) == 4 and parts[2] == "cluster" and name:
        return ItemPath(parts[1], "", name)
    if len(parts) == 5 and parts[2] == "namespaces" and name:
        return ItemPath(parts[1], parts[3], name)
    return None
