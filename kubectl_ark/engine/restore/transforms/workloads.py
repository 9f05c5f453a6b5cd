"""Pods and Jobs."""

from __future__ import annotations

from kubectl_ark.engine.restore.transforms import generic
from kubectl_ark.engine.restore.transforms.generic import Object
from kubectl_ark.model import labels

JOB_UID_LABELS = ("controller-uid", "batch.kubernetes.io/controller-uid")
"""The Job's own uid, which the Job controller writes anew (Kubernetes, batch/v1 Job strategy)."""

NOTES = frozenset({labels.HOOKS_DONE})


def pod(item: Object) -> None:
    """Free the pod from its node, its resolved priority and its legacy token volume (Velero, pod_action.go).

    ephemeralContainers go too: the API server refuses a create that has them. So does what a restore noted on it.
    """
    generic.drop_annotations(item, NOTES)
    spec = item["spec"]
    for field in ("nodeName", "priority", "ephemeralContainers"):
        spec.pop(field, None)
    prefix = (spec.get("serviceAccountName") or "default") + "-token-"
    if not any(volume["name"].startswith(prefix) for volume in spec.get("volumes") or ()):
        return
    spec["volumes"] = [each for each in spec["volumes"] if not each["name"].startswith(prefix)]
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        mounts = container.get("volumeMounts") or ()
        container["volumeMounts"] = [each for each in mounts if not each["name"].startswith(prefix)]


def job(item: Object) -> None:
    """Let the server choose selector and template labels again (Velero, job_action.go).

    With manualSelector they are the user's own and stay.
    """
    spec = item["spec"]
    if spec.get("manualSelector"):
        return
    selector = (spec.get("selector") or {}).get("matchLabels") or {}
    template = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    for label in JOB_UID_LABELS:
        selector.pop(label, None)
        template.pop(label, None)
    if not selector and not (spec.get("selector") or {}).get("matchExpressions"):
        spec.pop("selector", None)
