"""Stored backups made by hand, and passes over them."""

from __future__ import annotations

import datetime
from typing import Any

from kubectl_ark.model import layout, times
from tests.harness import Ark, Object

CLUSTER_ID = "ark.heptio.com/cluster-id"
NOW = times.now()


def ago(**span: float) -> str:
    """The moment that long ago: ``ago(hours=2)``; one to come where the number is negative."""
    return times.format_time(NOW - datetime.timedelta(**span))


def metadata(name: str, *, version: str = "velero.io/v1", cluster: str | None = None, phase: str = "Completed",
             labels: dict[str, str] | None = None, job: str = "", expires: str = "", **status: Any) -> Object:
    """What a velero-backup.json holds. cluster: the id of the one that made it, None for Velero's. job: the one in
    which a schedule made it."""
    annotations = {CLUSTER_ID: cluster} if cluster else {}
    if job:
        annotations["ark.heptio.com/job"] = job
    return {
        "apiVersion": version, "kind": "Backup",
        "metadata": {"name": name, "namespace": "elsewhere", "uid": f"uid-of-{name}"[:60], "labels": labels or {},
                     "annotations": annotations},
        "spec": {"includedNamespaces": ["shop"], "ttl": "720h0m0s", "storageLocation": "theirs", "hooks": {}},
        "status": {"phase": phase, "version": 1, "startTimestamp": ago(hours=3), "completionTimestamp": ago(hours=3),
                   **({"expiration": expires} if expires else {}), **status}}


def store(ark: Ark, name: str, **fields: Any) -> Object:
    """Lay a backup into the bucket: metadata and a file beside it."""
    made = metadata(name, **fields)
    ark.store_backup(made, {layout.contents(name): b"tar"})
    return made


def cluster_id(ark: Ark) -> str:
    """What tells the test cluster from others."""
    return str(ark.api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"])


def page(ark: Ark, *topics: str, code: int = 0) -> str:
    """Make a pass over these topics; what it wrote."""
    runner = ark.start("reconcile", "--only", ",".join(topics))
    assert runner.wait() == code, runner.text
    return runner.text
