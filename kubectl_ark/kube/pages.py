"""Lists, page by page."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import orjson

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.model.resources import Resource

logger = logging.getLogger(__name__)

PAGE_SIZE = 500
"""kubectl's and Velero's page size."""


def pages(
    api: Api, resource: Resource, namespace: str | None = None, *, label_selector: str = "", limit: int = PAGE_SIZE,
) -> Iterator[dict[str, Any]]:
    """The list answers of one kind, one at a time; their items lack apiVersion and kind, as the server sends them.

    A page that expires (410) goes on with the token in that answer: objects made or deleted meanwhile may be missing
    or present, none comes twice. Raises Expired only where the server gives no such token; else as ``Api.raw``.
    """
    path = resource.path(namespace)
    token = ""
    while True:
        params = {"limit": str(limit)}
        if label_selector:
            params["labelSelector"] = label_selector
        if token:
            params["continue"] = token
        try:
            page = orjson.loads(api.raw("GET", path, params=params))
        except errors.Expired as expired:
            if not expired.continue_token:
                raise
            logger.warning("listing %s took longer than the server keeps a snapshot; going on with a newer one",
                           resource.group_resource)
            token = expired.continue_token
            continue
        yield page
        token = (page.get("metadata") or {}).get("continue") or ""
        if not token:
            return


def items(
    api: Api, resource: Resource, namespace: str | None = None, *, label_selector: str = "",
) -> Iterator[dict[str, Any]]:
    """Every object of one kind, paged; apiVersion and kind are not filled in."""
    for page in pages(api, resource, namespace, label_selector=label_selector):
        yield from page.get("items") or []
