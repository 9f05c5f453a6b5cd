"""The snapshots of Restiks as restic has them, listed on stdout for the plugin, a line of JSON each."""

from __future__ import annotations

import json
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.pages import items
from kubectl_ark.model import restik_choice, restiks, times
from kubectl_ark.runner import installed, locations, restik_repository
from kubectl_ark.runner.cluster import cluster_id
from kubectl_ark.runner.repositories import Surroundings
from kubectl_ark.runner.restik_counts import RESTIKS
from kubectl_ark.runner.work import Work


def snapshots(work: Work) -> None:
    """List those of the Restik "<namespace>/<name>" that ``work.name`` is, or of all Restiks of "<namespace>".

    A Restik whose snapshots cannot be listed is a line with "problem". Raises ApiError, InvalidInput.
    """
    namespace, _, name = work.name.partition("/")
    found = [work.api.get(RESTIKS.path(namespace, name))] if name else list(items(work.api, RESTIKS, namespace))
    settings, cluster = installed.settings(work.api, work.namespace), cluster_id(work.api)
    for restik in found:
        title = restik["metadata"]["name"]
        try:
            bucket = locations.opened(work.api, locations.named(
                work.api, work.namespace, restiks.location(restik.get("spec") or {})))
            listed = restik_repository.snapshots(Surroundings(
                work.api, bucket, work.namespace, cluster, settings.reach, work.identity.pod_uid, work.directory,
                work.progress), restik)
        except (errors.InvalidInput, errors.StoreError) as failure:
            _line({"restik": title, "problem": failure.sentence})
            continue
        for each in map(restik_choice.snapshot, listed):
            _line({"restik": title, "id": each.id, "time": times.format_time(each.moment), "pod": each.pod,
                   "workload": each.workload, "volume": each.volume, "claim": each.claim, "bytes": each.bytes})


def _line(fields: dict[str, Any]) -> None:
    print(json.dumps(fields), flush=True)
