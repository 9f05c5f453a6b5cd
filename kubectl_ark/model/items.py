"""One object of a backup as a user names it: KIND/NAMESPACE/NAME, or KIND/NAME for a cluster-scoped one."""

from __future__ import annotations

from typing import NamedTuple


class Item(NamedTuple):
    """kind: the user's word for it, "deployment", "deploy", "deployments.apps". namespace: "" if cluster-scoped."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return "/".join(filter(None, self))


def parse(text: str) -> Item:
    """What "deployment/shop/web" or "clusterrole/reader" names. Raises ValueError with the reason."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise ValueError(f'"{text}" is not KIND/NAMESPACE/NAME, nor KIND/NAME for a cluster-scoped object')
    if any("*" in part for part in parts):
        raise ValueError(f'"{text}": * has no meaning here; the selection by namespaces and kinds takes patterns')
    return Item(parts[0], parts[1] if len(parts) == 3 else "", parts[-1])
