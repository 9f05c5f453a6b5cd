"""One backup or restore in a process of its own; prints {"seconds", "items", "phase", "peak_mib"}.

``python -m tests.bench.measured_run backup|restore NAME NAMESPACE KUBECONFIG``. The clock runs from before the claim
until after the final status is written; the client libraries are imported before, as the bare programs' are.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import kubernetes  # noqa: F401  (the mandated imports count towards peak memory)
import minio  # noqa: F401

from kubectl_ark.engine.progress import Progress
from kubectl_ark.kube.api import Api
from kubectl_ark.kube.connection import connect
from kubectl_ark.runner import identity, memory
from kubectl_ark.runner.backup import backup
from kubectl_ark.runner.restore import restore
from kubectl_ark.runner.work import Work


def main(work: str, name: str, namespace: str, kubeconfig: str) -> None:
    """Run it and print the figures."""
    memory.be_frugal()
    with tempfile.TemporaryDirectory() as directory, open(os.devnull, "w") as null, contextlib.redirect_stdout(null):
        api, progress = Api(connect(kubeconfig=kubeconfig)), Progress()
        began = time.monotonic()
        {"backup": backup, "restore": restore}[work](Work(
            api, identity.from_environment({}), namespace, name, Path(directory), progress))
        seconds = time.monotonic() - began
    kind = api.get(f"/apis/ark.heptio.com/v1/namespaces/{namespace}/{work}s/{name}")
    print(json.dumps({
        "seconds": round(seconds, 3), "items": progress.snapshot()[0], "phase": kind["status"]["phase"],
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
