"""Which number a cluster has: by it ports, subnets and interface differ from those of the others on this machine.

Numbers are chosen and freed under the lock only (`locking`), so that no two clusters of a cache take the same.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Callable, Optional

from .errors import ClusterError
from .layout import NUMBERS, Layout
from .network import NodeNetwork
from .processes import port_is_free

_RECORD = "number"


def held(layout: Layout) -> Layout:
    """The layout with the number that the cluster's state directory records; as it was where that records none."""
    number = _recorded(layout.state)
    return layout if number is None else dataclasses.replace(layout, number=number)


def in_use(layout: Layout) -> bool:
    """Whether this machine has the network of that number, or a process that listens on one of its ports."""
    return NodeNetwork(layout).is_begun() or not all(port_is_free("", port) for port in layout.ports)


def chosen(layout: Layout, *, in_use: Callable[[Layout], bool] = in_use) -> Layout:
    """The layout of a cluster that is about to come up: with the number it has, else with the lowest free one.

    A number that another cluster of this cache holds is not free, up or not, nor one that is in use by whatever this
    cache does not know of. Raises ClusterError when there is none.
    """
    layout = held(layout)
    if layout.number is not None:
        return layout
    taken = {_recorded(state) for state in layout.state.parent.glob("*")}
    for number in NUMBERS:
        numbered = dataclasses.replace(layout, number=number)
        if number not in taken and not in_use(numbered):
            return numbered
    raise ClusterError(f"no number is free for cluster {layout.name}, of {len(NUMBERS)}: take down another of those in "
                       f"{layout.state.parent} (ARK_TEST_CLUSTER_NAME=NAME make cluster-down)")


def record(layout: Layout) -> None:
    """Hold the number: until the state directory goes, which must be there, nobody else takes it."""
    (layout.state / _RECORD).write_text(f"{layout.index}\n")


def _recorded(state: Path) -> Optional[int]:
    try:
        return int((state / _RECORD).read_text())
    except (OSError, ValueError):
        return None
