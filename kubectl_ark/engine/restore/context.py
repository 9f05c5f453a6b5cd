"""What every step of one restore needs to hand."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kubectl_ark.engine.progress import Progress
from kubectl_ark.engine.restore.archive import Archive, Type
from kubectl_ark.engine.restore.claimdata import ClaimData
from kubectl_ark.engine.restore.existing import FIELD_MANAGER
from kubectl_ark.engine.restore.exechooks import ExecHooks
from kubectl_ark.engine.restore.later import Later
from kubectl_ark.engine.restore.outcome import FAILED, SKIPPED, Outcome
from kubectl_ark.engine.restore.prepare import Preparation
from kubectl_ark.engine.restore.selection import Selection
from kubectl_ark.engine.restore.statuses import Statuses
from kubectl_ark.engine.results import CLUSTER
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.engine.snapshots.sources import SnapshotSources
from kubectl_ark.kube.api import Api
from kubectl_ark.model import labels, times
from kubectl_ark.model.resources import Catalog

CREATE_PARAMS = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Ignore"}
"""Unknown fields are dropped by the server without a word in the answer, as with any client that cannot read its
warnings; validating them would only cost time."""

STRICT_PARAMS = {**CREATE_PARAMS, "fieldValidation": "Strict"}
"""For items that are sent in another version than they were saved in: a field that it does not know is refused, or it
would be lost in silence."""


@dataclasses.dataclass
class Context:
    """One restore under way. ``catalog`` is replaced when CRDs were created; the rest stays."""

    api: Api
    catalog: Catalog
    archive: Archive
    selection: Selection
    outcome: Outcome
    log: RunLog
    progress: Progress
    pool: ThreadPoolExecutor
    threads: int
    labels: dict[str, str]
    """What every created object carries."""

    preparation: Preparation
    update: bool
    """existingResourcePolicy update: objects that exist are made like the saved ones."""

    statuses: Statuses
    later: Later
    hooks: ExecHooks
    data: ClaimData
    sources: SnapshotSources | None
    """Who makes the volumes of claims from snapshots; None: nobody does."""

    since: datetime.datetime
    """When the Restore was made: what bears its label and is not older was created by an earlier try of it."""

    reported: set[tuple[str, str, str]] = dataclasses.field(default_factory=set)

    def report(self, type: Type, title: str, namespace: str, troubles: Iterable[str]) -> None:
        """Errors about an item that comes back all the same; said once, however often the item is tried."""
        for trouble in troubles:
            if (type.group_resource, title, trouble) in self.reported:
                continue
            self.reported.add((type.group_resource, title, trouble))
            self.log.error(f"{named(type, title)}: {trouble}", place=namespace or CLUSTER,
                           resource=type.group_resource, name=title)

    def failed(self, type: Type, title: str, namespace: str, message: str, *, reason: str = "") -> None:
        """An item that is not restored: an error of the run. message: the whole sentence. reason: its short form."""
        self.log.error(message, place=namespace or CLUSTER, resource=type.group_resource, name=title)
        self.settled(type, title, FAILED, reason or message)

    def skipped(self, type: Type, title: str, reason: str = "") -> None:
        """An item that is left alone; reason: why."""
        self.settled(type, title, SKIPPED, reason)

    def settled(self, type: Type, title: str, action: str, reason: str = "") -> None:
        """The item is done with; action: a constant of ``outcome``."""
        self.outcome.record(f"{type.api_version}/{type.kind}", title, action, reason=reason)
        self.progress.done()


def labels_of(restore: dict[str, Any], backup: dict[str, Any]) -> dict[str, str]:
    """The two labels of everything that a restore creates."""
    return {labels.RESTORE_NAME: labels.label_value(restore["metadata"]["name"]),
            labels.BACKUP_NAME: labels.label_value(backup["metadata"]["name"])}


def since_of(restore: dict[str, Any]) -> datetime.datetime:
    """The moment the Restore CR was created; the beginning of time for one that is not in a cluster."""
    stamp = restore["metadata"].get("creationTimestamp")
    return times.parse_time(stamp) if stamp else datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)


def named(type: Type, title: str) -> str:
    """How messages name an object: 'ConfigMap "shop/web-config"'."""
    return f'{type.kind} "{title}"'
