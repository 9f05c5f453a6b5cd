"""The file that makes a backup exist, and the one that claims its name (ark-format.md §2.1)."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

from kubectl_ark.model import backup_spec, labels

TRANSIENT_STATUS = ("claim", "heartbeatTimestamp", "step", "pendingHooks")
"""What of our status means something only while the run lasts."""


def metadata(
    backup: dict[str, Any], *, version: dict[str, str], cluster_id: str, manifest_sha256: str,
    hidden: Sequence[str] = (),
) -> bytes:
    """velero-backup.json: the finished Backup CR in Velero's group, as Velero's reader wants it.

    version: the API server's /version. hidden: namespaces that a label of theirs kept out.
    """
    stored = copy.deepcopy(backup)
    stored["apiVersion"], stored["kind"] = "velero.io/v1", "Backup"
    meta = stored["metadata"]
    meta.pop("managedFields", None)
    spec = stored["spec"] = backup_spec.stored(stored["spec"], hidden=hidden)
    own = meta.get("labels") or {}
    meta["labels"] = {**own, labels.VELERO_STORAGE_LOCATION: labels.label_value(spec["storageLocation"])}
    if schedule := own.get(labels.SCHEDULE_NAME):
        meta["labels"][labels.VELERO_SCHEDULE_NAME] = schedule
    annotations = {key: value for key, value in (meta.get("annotations") or {}).items()
                   if key != "kubectl.kubernetes.io/last-applied-configuration"}
    meta["annotations"] = {
        **annotations,
        "velero.io/source-cluster-k8s-gitversion": version.get("gitVersion", ""),
        "velero.io/source-cluster-k8s-major-version": version.get("major", ""),
        "velero.io/source-cluster-k8s-minor-version": version.get("minor", ""),
        labels.CLUSTER_ID: cluster_id,
        labels.MANIFEST_SHA256: manifest_sha256,
    }
    for field in TRANSIENT_STATUS:
        stored["status"].pop(field, None)
    return json.dumps(stored, indent=2, ensure_ascii=False).encode()


def claim(*, uid: str, cluster_id: str, namespace: str, moment: str) -> bytes:
    """ark-claim.json: which Backup of which cluster and Ark namespace writes here."""
    return json.dumps({"uid": uid, "clusterID": cluster_id, "namespace": namespace, "time": moment}).encode() + b"\n"
