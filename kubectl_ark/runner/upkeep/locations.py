"""Are the storage locations usable, and which is the default one?"""

from __future__ import annotations

import datetime
from typing import Any

from kubectl_ark import errors
from kubectl_ark.model import times
from kubectl_ark.runner import locations, validate
from kubectl_ark.runner.upkeep.upkeep import Upkeep


def attend(upkeep: Upkeep) -> None:
    """Validate every location that is due, and let one of several defaults keep the flag. Raises ApiError."""
    found = locations.everyone(upkeep.api, upkeep.namespace)
    _keep_one_default(upkeep, found)
    for location in found:
        if is_due(location, "validationFrequency", "lastValidationTime", upkeep.now):
            _validate(upkeep, location)


def is_due(location: dict[str, Any], period: str, last: str, now: datetime.datetime) -> bool:
    """Whether what is to happen every spec.``period`` is due, having last happened at status.``last``.

    Without a period it is due at each pass; with a period of 0, or one that is no duration, the first time only.
    """
    before = (location.get("status") or {}).get(last)
    given = (location.get("spec") or {}).get(period)
    if not before or not given:
        return True
    try:
        seconds = times.parse_duration(str(given))
    except ValueError:
        return False
    return seconds > 0 and (now - times.parse_time(before)).total_seconds() >= seconds


def _keep_one_default(upkeep: Upkeep, found: list[dict[str, Any]]) -> None:
    """Velero's rule: of several defaults the newest stays."""
    defaults = sorted((each for each in found if (each.get("spec") or {}).get("default")),
                      key=lambda each: (each["metadata"]["creationTimestamp"], each["metadata"]["name"]))
    for location in defaults[:-1]:
        metadata = location["metadata"]
        upkeep.api.patch_json(locations.LOCATIONS.path(upkeep.namespace, metadata["name"]), [
            {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
            {"op": "add", "path": "/spec/default", "value": False}])
        location["spec"]["default"] = False
        upkeep.say(f"{metadata['name']} is no longer the default location: {defaults[-1]['metadata']['name']} is newer")


def _validate(upkeep: Upkeep, location: dict[str, Any]) -> None:
    name, before = location["metadata"]["name"], (location.get("status") or {}).get("phase")
    try:
        validate.attempt(upkeep.api, location)
    except (errors.StoreError, errors.InvalidInput) as failure:
        upkeep.trouble(f"{name} is Unavailable: {failure.sentence}")
        return
    if before != validate.AVAILABLE:
        upkeep.say(f"{name} is Available")
