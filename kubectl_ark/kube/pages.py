"""Lists, page by page."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import orjson

from kubectl_ark import errors
from kubectl_ark.kube.api import Api, TooLarge
from kubectl_ark.model.resources import Resource

logger = logging.getLogger(__name__)

PAGE_SIZE = 500
"""kubectl's and Velero's page size."""

PAGE_BYTES = 8 * 1024 * 1024
"""What one page may hold; 500 objects have 1 to 4 MiB as a rule, but an object may have 1.5 MiB, and a few pages of
those would be more than the pod's memory. A single object is taken whatever its size."""


def pages(
    api: Api, resource: Resource, namespace: str | None = None, *, label_selector: str = "", limit: int = PAGE_SIZE,
) -> Iterator[dict[str, Any]]:
    """The list answers of one kind, one at a time; their items lack apiVersion and kind, as the server sends them.

    A page that expires (410) goes on with the token in that answer: objects made or deleted meanwhile may be missing
    or present, none comes twice. A page of more than PAGE_BYTES is asked for again with fewer objects. Raises Expired
    only where the server gives no such token; else as ``Api.raw``.
    """
    path = resource.path(namespace)
    token, most = "", limit
    while True:
        params = {"limit": str(limit)}
        if label_selector:
            params["labelSelector"] = label_selector
        if token:
            params["continue"] = token
        try:
            answer = api.raw("GET", path, params=params, at_most=PAGE_BYTES if limit > 1 else None)
        except TooLarge:
            limit = max(1, limit // 8)
            continue
        except errors.Expired as expired:
            if not expired.continue_token:
                raise
            logger.warning("listing %s took longer than the server keeps a snapshot; going on with a newer one",
                           resource.group_resource)
            token = expired.continue_token
            continue
        size = len(answer)
        page = orjson.loads(answer)
        del answer
        yield page
        # Larger pages again, once objects are smaller: half of what is allowed is aimed at.
        limit = min(most, max(limit, limit * PAGE_BYTES // (2 * size)))
        token = (page.get("metadata") or {}).get("continue") or ""
        if not token:
            return


def items(
    api: Api, resource: Resource, namespace: str | None = None, *, label_selector: str = "",
) -> Iterator[dict[str, Any]]:
    """Every object of one kind, paged; apiVersion and kind are not filled in."""
    for page in pages(api, resource, namespace, label_selector=label_selector):
        yield from page.get("items") or []
