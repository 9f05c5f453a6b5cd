"""Init restore hooks: containers put in front of a pod's own (Velero, init_restorehook_pod_action.go)."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from kubectl_ark.engine.restore.transforms.generic import Object

VOLUME_CONTAINERS = ("restore-wait", "restic-wait")
"""What waits for the data of volumes stays first: a hook may want to see them."""

PREFIX = "ark-restore-init-"


def put_in(pod: Object, containers: Sequence[dict[str, Any]]) -> None:
    """Put the containers in front, in their order. In place. One without a name gets one that its content tells."""
    spec = pod["spec"]
    there = spec.get("initContainers") or []
    waiting = [each for each in there if each.get("name") in VOLUME_CONTAINERS]
    rest = [each for each in there if each.get("name") not in VOLUME_CONTAINERS]
    spec["initContainers"] = [*waiting, *(_named(each) for each in containers), *rest]


def _named(container: dict[str, Any]) -> dict[str, Any]:
    container = copy.deepcopy(container)
    if not container.get("name"):
        digest = hashlib.sha256(orjson.dumps(container, option=orjson.OPT_SORT_KEYS)).hexdigest()
        container["name"] = PREFIX + digest[:8]
    return container
