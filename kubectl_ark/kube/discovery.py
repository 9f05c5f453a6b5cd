"""What the server serves, by aggregated discovery: two requests whatever the number of groups (stable since 1.30)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from kubectl_ark.kube.api import Api
from kubectl_ark.model.resources import Catalog, Resource

ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def discover(api: Api) -> Catalog:
    """Every kind in every version, preferred versions first. Raises as ``Api.raw``.

    A group behind an aggregated API that is down is still listed by the server, marked Stale; without any kind it
    goes into ``broken``.
    """
    resources: list[Resource] = []
    broken: dict[str, str] = {}
    for path in ("/api", "/apis"):
        answer = orjson.loads(api.raw("GET", path, accept=ACCEPT))
        for group in answer.get("items") or []:
            name = group["metadata"].get("name", "")
            for version in group.get("versions") or []:
                found = list(_resources(name, version))
                resources += found
                if version.get("freshness") == "Stale" and not found:
                    broken[f"{name}/{version['version']}"] = "its API server does not answer"
    return Catalog(resources, broken=broken)


def _resources(group: str, version: dict[str, Any]) -> Iterator[Resource]:
    for each in version.get("resources") or []:
        kind = (each.get("responseKind") or {}).get("kind")
        if not kind:
            continue
        yield Resource(
            group=group, version=version["version"], plural=each["resource"], kind=kind,
            namespaced=each.get("scope") == "Namespaced", verbs=frozenset(each.get("verbs") or ()),
            singular=each.get("singularResource") or kind.lower(), short_names=tuple(each.get("shortNames") or ()),
        )
