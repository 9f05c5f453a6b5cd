"""How one kind is listed: one list for the whole cluster, or one per namespace, whichever reads less."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kubectl_ark.kube.api import Api
from kubectl_ark.kube.pages import PAGE_SIZE, pages
from kubectl_ark import errors
from kubectl_ark.model.resources import Resource

FEW_NAMESPACES = 4
"""Up to so many namespaces a list for each is cheaper than looking at the whole cluster first."""

Page = dict[str, Any]


def list_kind(
    api: Api, resource: Resource, namespaces: Sequence[str] | None, *, label_selector: str = "",
) -> Iterator[Page]:
    """Pages with every wanted object of one kind, and perhaps objects of other namespaces: the caller looks.

    namespaces: those wanted, None for all of them (and for cluster-scoped kinds). One list call per kind and
    namespace is what made Velero 1.18.1 slow (its issue 9869): with many namespaces the first page is taken
    cluster-wide, and the list goes on that way unless what is left is much more than what is wanted. An account that
    may not list cluster-wide asks namespace by namespace.
    """
    if namespaces is None or not resource.namespaced:
        yield from pages(api, resource, label_selector=label_selector)
        return
    if len(namespaces) > FEW_NAMESPACES:
        if (yield from _cluster_wide(api, resource, namespaces, label_selector)):
            return
    for namespace in sorted(namespaces, key=lambda name: name + "/"):
        yield from pages(api, resource, namespace, label_selector=label_selector)


def one_ahead(pages: Iterator[Page]) -> Iterator[Page]:
    """The same pages; the next one is listed while the caller is busy with this one."""
    with ThreadPoolExecutor(1, thread_name_prefix="list") as thread:
        coming = thread.submit(next, pages, None)
        while (page := coming.result()) is not None:
            coming = thread.submit(next, pages, None)
            yield page


def _cluster_wide(
    api: Api, resource: Resource, namespaces: Sequence[str], label_selector: str,
) -> Generator[Page, None, bool]:
    """Yields the pages and returns True.

    Returns False, having yielded nothing, if the cluster has too many others or the account may not see them.
    """
    listing = pages(api, resource, label_selector=label_selector)
    try:
        first = next(listing)
    except errors.Forbidden:
        return False
    wanted = set(namespaces)
    ours = sum(1 for item in first.get("items") or [] if item["metadata"].get("namespace") in wanted)
    remaining = (first.get("metadata") or {}).get("remainingItemCount") or 0
    pages_left = remaining / PAGE_SIZE
    if pages_left > len(namespaces) and ours < len(first["items"]) / 2:
        return False
    yield first
    yield from listing
    return True
