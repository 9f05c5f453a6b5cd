"""What a run handles snapshots with."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from kubectl_ark.kube.api import Api


@dataclasses.dataclass(frozen=True)
class SnapshotHands:
    """api: the run's own, which reads. account: that of ark-volumes, which writes. seconds: for one snapshot.

    attempt: of the run.
    """

    api: Api
    account: Callable[[], Api]
    seconds: float
    attempt: int
