"""The objects of the benchmark: five kinds in equal parts, over many namespaces.

``python -m tests.bench.objects COUNT NAMESPACES PREFIX`` prints one request a line: "PATH<tab>JSON", namespaces first.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any


def namespaces(count: int, prefix: str) -> list[str]:
    """The names of the namespaces."""
    return [f"{prefix}-{index:02d}" for index in range(count)]


def requests(count: int, names: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(path, object) for ``count`` objects spread evenly over the namespaces."""
    for index in range(count // (5 * len(names))):
        for namespace in names:
            yield from _five(namespace, index)


def namespace_requests(names: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(path, object) for the namespaces themselves."""
    for name in names:
        yield "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _five(namespace: str, index: int) -> Iterator[tuple[str, dict[str, Any]]]:
    meta = {"name": f"object-{index:05d}", "namespace": namespace,
            "labels": {"app": "bench", "part": str(index % 10)}, "annotations": {"note": "n" * 120}}
    core, apps = f"/api/v1/namespaces/{namespace}", f"/apis/apps/v1/namespaces/{namespace}"
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    yield f"{core}/configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta,
                                 "data": {f"key-{each}": "v" * 80 for each in range(8)}}
    yield f"{core}/secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": meta,
                              "stringData": {"password": "p" * 40, "token": "t" * 400}}
    yield f"{apps}/deployments", {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta,
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": f"a{index}"}}, "template": {
            "metadata": {"labels": {"app": f"a{index}"}},
            "spec": {"containers": [{"name": "c", "image": "localhost/busybox:1", "args": ["true"],
                                     "env": [{"name": f"E{each}", "value": "x" * 20} for each in range(5)]}]}}}}
    yield f"{core}/services", {"apiVersion": "v1", "kind": "Service", "metadata": meta,
                               "spec": {"clusterIP": "None", "selector": {"app": f"a{index}"}, "ports": [{"port": 80}]}}
    yield f"{rbac}/roles", {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta,
                            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]}


def main(count: int, spread: int, prefix: str) -> None:
    """Print the requests."""
    names = namespaces(spread, prefix)
    for source in (namespace_requests(names), requests(count, names)):
        for path, item in source:
            print(f"{path}\t{json.dumps(item, separators=(',', ':'))}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
