"""The number of a snapshot, taken on the Restik, and the Event that tells of it.

The number is taken first, by a patch that tests the resourceVersion: however many end at the same time, each has a
number of its own and none is left out.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import logging
import random
import time
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import MERGE_PATCH, Api
from kubectl_ark.model import kinds, restiks, times
from kubectl_ark.model.resources import EVENTS, custom
from kubectl_ark.runner import statuses

logger = logging.getLogger(__name__)

RESTIKS = custom(kinds.RESTIK)

PATIENCE_SECONDS = 120.0
"""So long others who take a number at the same time are borne with."""


@dataclasses.dataclass(frozen=True)
class Taken:
    """One snapshot that was taken, or tried. message: for the Event. began: when. seconds: how long it took."""

    good: bool
    message: str
    began: datetime.datetime
    seconds: float


def count(api: Api, restik: dict[str, Any], taken: Taken) -> str:
    """Give the snapshot its number and write the Event; the Event's name.

    restik: as it was read once. Raises RunLost where it is gone, ApiError. An Event that cannot be written is noted:
    the number stands in the status.
    """
    number = _number(api, restik, taken)
    name = restiks.event_name(restik["metadata"]["name"], number)
    event = restiks.event(restik, name=name, reason=restiks.SUCCESS if taken.good else restiks.FAILED,
                          message=taken.message, moment=times.format_time(times.now()), warns=not taken.good)
    try:
        _write(api, event)
    except errors.ApiError as failure:
        logger.error("the Event %s could not be written: %s", name, failure.sentence)
    return name


def _number(api: Api, restik: dict[str, Any], taken: Taken) -> int:
    namespace, name, uid = (restik["metadata"][field] for field in ("namespace", "name", "uid"))
    path, deadline = RESTIKS.path(namespace, name), time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            now = api.get(path)
        except errors.NotFound:
            raise errors.RunLost(f"restik {namespace}/{name} was deleted") from None
        if now["metadata"]["uid"] != uid:
            raise errors.RunLost(f"restik {namespace}/{name} was deleted and made anew")
        status = now.get("status") or {}
        number = int(status.get("backupCount") or 0) + 1
        fields = _fields(status, number, taken)
        try:
            api.patch_json(path + "/status", [
                {"op": "test", "path": "/metadata/uid", "value": uid},
                {"op": "test", "path": "/metadata/resourceVersion", "value": now["metadata"]["resourceVersion"]},
                *([] if "status" in now else [{"op": "add", "path": "/status", "value": {}}]),
                *statuses.changes(status, fields)])
            return number
        except (errors.Rejected, errors.Conflict):
            if time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.01, 0.2))


def _fields(status: dict[str, Any], number: int, taken: Taken) -> dict[str, Any]:
    began = times.format_time(taken.began)
    fields: dict[str, Any] = {
        "backupCount": number, "lastBackupTime": max(began, status.get("lastBackupTime") or ""),
        "firstBackupTime": status.get("firstBackupTime") or began,
        "lastBackupDuration": restiks.format_seconds(taken.seconds)}
    if taken.good:
        fields["lastSuccessfulBackupTime"] = max(began, status.get("lastSuccessfulBackupTime") or "")
    return fields


def _write(api: Api, event: dict[str, Any]) -> None:
    """The Event under just this name. One that is there tells of a former Restik of that name, whose count is over."""
    path = EVENTS.path(event["metadata"]["namespace"])
    try:
        api.create(path, event)
    except errors.Conflict:
        api.raw("PATCH", f"{path}/{event['metadata']['name']}", body=json.dumps(event).encode(),
                content_type=MERGE_PATCH)
