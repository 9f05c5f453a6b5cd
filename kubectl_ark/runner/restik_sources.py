"""What a Restik's run is to take snapshots of: the labelled workloads and their pods, as the API server has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubectl_ark.kube.api import Api
from kubectl_ark.kube.pages import items
from kubectl_ark.model import restik_workloads
from kubectl_ark.model.resources import PODS
from kubectl_ark.model.restik_workloads import REPLICA_SETS, WORKLOADS, Source
from kubectl_ark.model.restiks import CONFIG


def labelled(api: Api, namespace: str | None, *, name: str = "") -> Iterator[dict[str, Any]]:
    """Workloads with the label, each with its kind. namespace: None for all. name: of the Restik, "" for any.

    Raises ApiError.
    """
    for kind in WORKLOADS:
        for each in items(api, kind, namespace, label_selector=f"{CONFIG}={name}" if name else CONFIG):
            yield {**each, "kind": kind.kind, "apiVersion": kind.api_version}


def sources(api: Api, restik: dict[str, Any], covered: list[dict[str, Any]]) -> list[Source]:
    """The snapshots to take. covered: see ``restik_workloads.covered``. Raises ApiError."""
    namespace = restik["metadata"]["namespace"]
    volume = (restik.get("spec") or {})["source"]["volumeName"]
    pods = [{"apiVersion": "v1", "kind": "Pod", **each} for each in items(api, PODS, namespace)]
    replica_sets = list(items(api, REPLICA_SETS, namespace))
    return [source for workload in covered for source in restik_workloads.sources(
        workload, pods, replica_sets, volume=volume)]
