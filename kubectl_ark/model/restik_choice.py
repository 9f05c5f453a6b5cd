"""Which snapshot of a Restik is meant: restic's list, a time, a pod."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from kubectl_ark.model import times


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """One snapshot; what is not known of it is "". workload: "Deployment/web". bytes: 0 if not known."""

    id: str
    moment: datetime.datetime
    pod: str
    workload: str
    volume: str
    claim: str
    bytes: int = 0


def snapshot(listed: Mapping[str, Any]) -> Snapshot:
    """From an entry of restic's list. Raises ValueError, KeyError."""
    tags = dict(tag.partition("=")[::2] for tag in listed.get("tags") or ())
    size = (listed.get("summary") or {}).get("total_bytes_processed") or 0
    return Snapshot(str(listed["id"]), times.parse_nanoseconds(listed["time"]), tags.get("pod", ""),
                    tags.get("workload", ""), tags.get("volume", ""), tags.get("claim", ""), int(size))


def choose(snapshots: Iterable[Snapshot], *, at: datetime.datetime | None = None, pod: str = "") -> Snapshot:
    """The newest one, or the newest that was there ``at`` that time. snapshots: the oldest first.

    Raises ValueError with a sentence where there is none, and where it may be one of several claims: data of one is
    never taken for another's.
    """
    every = list(snapshots)
    found = [each for each in every if not pod or each.pod == pod]
    if not found:
        raise ValueError(f'there is no snapshot of pod {pod}; there are some of {_pods(every)}' if every else
                         "there is no snapshot")
    early = [each for each in found if at is None or each.moment <= at]
    if not early:
        assert at is not None
        raise ValueError(f"there is no snapshot from {times.format_time(at)} or before; the oldest is from "
                         f"{times.format_time(found[0].moment)}")
    claims = {each.claim for each in early}
    if len(claims) > 1:
        raise ValueError(f"there are snapshots of {len(claims)} claims, {', '.join(sorted(claims))}: name the pod, one "
                         f"of {_pods(early)}")
    return early[-1]


def _pods(snapshots: Iterable[Snapshot]) -> str:
    return ", ".join(dict.fromkeys(each.pod for each in snapshots)) or "no pod"
