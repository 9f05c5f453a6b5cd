"""Host names of pods that work on restic repositories: a lock tells by them whose it is, and of which cluster."""

from __future__ import annotations

import re

_FORM = re.compile(r"ark-[0-9a-f]{8}-[0-9a-f]{12}")


def name(cluster_id: str, uid: str) -> str:
    """The host name of the pod that works for the CR with this uid; the label LOCK_HOST of that pod is the same."""
    return f"{_head(cluster_id)}{_bare(uid)[:12]}"


def is_ours(host: str, cluster_id: str) -> bool:
    """Whether a pod of this cluster has, or had, this host name. False for names of any other form."""
    return _FORM.fullmatch(host) is not None and host.startswith(_head(cluster_id))


def _head(cluster_id: str) -> str:
    return f"ark-{_bare(cluster_id)[:8]}-"


def _bare(uid: str) -> str:
    return uid.replace("-", "")
