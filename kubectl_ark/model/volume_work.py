"""What one volume's Job is told to do, and what it tells of it; between pods it is JSON and holds nothing secret."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

HOST = "ark"
"""The host of our snapshots: restic looks for a snapshot's parent by host and path, and pods' names change."""

DATA = "/data"
"""The volume is mounted at ``/data/<claim>``, a path that is the same at each backup."""

PASSWORD_FILE = "/ark/password"
TOKEN_FILE = "/ark/token"
"""Where the Job's Secret is mounted."""

PORT = 8473
"""Of the endpoint that restic speaks to, in the pod of the run."""

MAX_FAILURES = 10
"""Of files that could not be saved or brought back no more are named."""

PROGRESS, RESULT = "progress", "result"
"""Kinds of report."""

COMPLETED, FAILED, CANCELED = "Completed", "Failed", "Canceled"
"""Phases of a volume that is done with; the last in Velero's spelling. One of which some files are missing is Failed,
and has a snapshot."""


@dataclasses.dataclass(frozen=True)
class VolumeWork:
    """address: of the endpoint, "http://10.96.7.1:8473". repository: "restic/shop/". user: who asks, for the endpoint.

    path: where the volume is mounted. snapshot: what to bring back, "" to save. parallel: files at once, 0 for restic's
    own choice. sparse: write files with holes. clean: what the snapshot does not have is removed from the volume.
    """

    title: str
    """For messages: "volume data of pod shop/web-0"."""
    address: str
    repository: str
    user: str
    path: str
    tags: tuple[str, ...] = ()
    snapshot: str = ""
    parallel: int = 0
    sparse: bool = False
    clean: bool = False

    def to_json(self) -> str:
        """For the Job's environment."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)


def from_json(text: str) -> VolumeWork:
    """The work that ``to_json`` wrote. Raises ValueError."""
    try:
        fields: dict[str, Any] = json.loads(text)
        return VolumeWork(**{**fields, "tags": tuple(fields.get("tags") or ())})
    except (TypeError, AttributeError) as error:
        raise ValueError(f"this is no work for a volume's Job: {error}") from error
