"""Which refusals may pass by themselves, so that the item is tried again at the end of the run."""

from __future__ import annotations

import enum
import re

from kubectl_ark import errors


class Again(enum.Enum):
    """Whether to try again: as long as there is patience, once when everything else is there, or not at all."""

    PATIENTLY = 1
    ONCE = 2
    NEVER = 3


_WEBHOOK = re.compile(r"failed calling webhook|conversion webhook|failed to call webhook")
"""Its pods are restored by this very run, or are being started."""

_SOON = re.compile(r"status unknown for quota|error looking up service account|no API token found|etcdserver:")

_ORDER = re.compile(r"denied the request|not found|does not exist|no matches for kind")
"""A decision, but perhaps one that an object which comes later in the order changes."""


def again(fault: errors.ApiError, *, custom: bool) -> Again:
    """custom: of a custom resource, whose kind one of several API servers may not know yet."""
    if isinstance(fault, errors.Unreachable):
        return Again.NEVER
    if fault.status >= 500 or fault.status == 429 or _WEBHOOK.search(fault.message) or _SOON.search(fault.message):
        return Again.PATIENTLY
    if isinstance(fault, errors.NotFound):
        return Again.PATIENTLY if custom else Again.NEVER
    if isinstance(fault, (errors.Forbidden, errors.Rejected)) and _ORDER.search(fault.message):
        return Again.ONCE
    return Again.NEVER
