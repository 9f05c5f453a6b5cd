"""Which pod of which Job this process is."""

from __future__ import annotations

import dataclasses
import os
import socket
import uuid
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Identity:
    """job_uid and job_name are "" outside a Job: then no second attempt will come, and no claim is taken over."""

    job_uid: str
    job_name: str
    pod_uid: str
    pod_name: str
    node_name: str
    run_uid: str
    """uid of the CR that the Job was made for; "" if nobody said."""

    def claim(self, *, attempt: int) -> dict[str, Any]:
        """What ``status.claim`` holds while this pod has the run."""
        return {"jobUID": self.job_uid, "podUID": self.pod_uid, "podName": self.pod_name,
                "nodeName": self.node_name, "attempt": attempt}


def from_environment(environment: Mapping[str, str] | None = None) -> Identity:
    """The identity that the jobspec passes by the downward API; outside a pod, one made up for this process."""
    env = os.environ if environment is None else environment
    return Identity(
        job_uid=env.get("ARK_JOB_UID", ""), job_name=env.get("ARK_JOB_NAME", ""),
        pod_uid=env.get("ARK_POD_UID") or str(uuid.uuid4()),
        pod_name=env.get("ARK_POD_NAME") or f"{socket.gethostname()}/{os.getpid()}",
        node_name=env.get("ARK_NODE_NAME", ""), run_uid=env.get("ARK_RUN_UID", ""),
    )
