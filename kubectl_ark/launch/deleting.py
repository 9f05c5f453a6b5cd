"""Objects of ours, chosen to be deleted, and their deletion; the bucket is not touched."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from kubectl_ark.launch import paths
from kubectl_ark.launch.kubectl import Kubectl
from kubectl_ark.model import kinds

AT_ONCE = 4
"""kubectl children that read in parallel."""


def chosen(kubectl: Kubectl, kind: kinds.Kind, namespace: str, *, names: Sequence[str], selector: str | None,
           ) -> list[dict[str, Any]]:
    """The objects of these names, or those that the label selector chooses ("" is all of them), in order.

    Raises KubectlError where one of the names is not there: then none is to be deleted.
    """
    if selector is not None:
        query = f"?labelSelector={quote(selector)}" if selector else ""
        return list(kubectl.get(paths.custom(kind, namespace) + query)["items"])
    unique = list(dict.fromkeys(names))
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda name: kubectl.get(paths.custom(kind, namespace, name)), unique))


def delete(kubectl: Kubectl, kind: kinds.Kind, objects: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Delete them with what they own; the name of each once it is done. Raises KubectlError at the first failure."""
    for each in objects:
        metadata = each["metadata"]
        kubectl.delete(paths.custom(kind, metadata["namespace"], metadata["name"]))
        yield str(metadata["name"])
