"""Objects as they change: a list, then what the API server tells of it, for as long as the caller looks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import orjson

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.model.resources import Resource

LONGEST_SECONDS = 60
"""After so long a watch is begun anew, from a new list: that also tells what a lost event would have."""

PAUSE_SECONDS = 1.0
"""After a broken connection or an expired resource version."""

DELETED = "DELETED"


def changes(
    api: Api, resource: Resource, namespace: str, *, label_selector: str,
) -> Iterator[tuple[str, dict[str, Any]] | None]:
    """("ADDED" | "MODIFIED" | "DELETED", object), first for all that are there; without end.

    None at each beginning, once all that is there was told, and at the end of each watch: what was there before and is
    not told then is gone. Raises as ``Api.raw``.
    """
    path, selector = resource.path(namespace), {"labelSelector": label_selector}
    while True:
        listed = api.get(path, params=selector)
        for item in listed.get("items") or []:
            yield "ADDED", item
        yield None
        version = listed["metadata"]["resourceVersion"]
        try:
            for line in api.lines(path, params={**selector, "watch": "1", "resourceVersion": version,
                                                "timeoutSeconds": str(LONGEST_SECONDS)}):
                event = orjson.loads(line)
                if event["type"] == "ERROR":
                    break
                if event["type"] != "BOOKMARK":
                    yield event["type"], event["object"]
        except (errors.Unreachable, errors.Expired):
            time.sleep(PAUSE_SECONDS)
        yield None
