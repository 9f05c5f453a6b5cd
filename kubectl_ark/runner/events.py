"""The Event that tells how a run ended, for whoever watches the namespace. It is auxiliary: failing to write one is
noted and forgotten."""

from __future__ import annotations

import json
import logging
import uuid
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.model import labels, times
from kubectl_ark.model.phases import Phase

logger = logging.getLogger(__name__)

MAX_MESSAGE = 1024
"""The API server's bound."""

PATIENCE_SECONDS = 2.0


def record(api: Api, subject: dict[str, Any], *, phase: Phase, message: str) -> None:
    """One Event about a Backup or Restore CR: reason "BackupCompleted", Normal or Warning."""
    metadata, moment = subject["metadata"], times.format_time(times.now())
    event = {
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": f"{metadata['name'][:200]}.{uuid.uuid4().hex[:16]}", "namespace": metadata["namespace"],
                     "labels": {labels.MANAGED_BY: labels.MANAGER}},
        "involvedObject": {
            "apiVersion": subject["apiVersion"], "kind": subject["kind"], "name": metadata["name"],
            "namespace": metadata["namespace"], "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
        "type": "Normal" if phase is Phase.COMPLETED else "Warning", "reason": f"{subject['kind']}{phase}",
        "message": message[:MAX_MESSAGE], "source": {"component": "kubectl-ark"},
        "firstTimestamp": moment, "lastTimestamp": moment, "count": 1,
    }
    try:
        api.raw("POST", f"/api/v1/namespaces/{metadata['namespace']}/events", body=json.dumps(event).encode(),
                patience=PATIENCE_SECONDS)
    except errors.ArkError as failure:
        logger.warning("the Event could not be written: %s", failure)
