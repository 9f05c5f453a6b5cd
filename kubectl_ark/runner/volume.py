"""The Job of one volume: no API token, no key of the bucket; what it may do stands in its Secret."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.volumes.worker import Worker
from kubectl_ark.model import volume_work

TERMINATION_LOG = "/dev/termination-log"
"""The kubelet puts it into the pod's status: from there a run knows the result that could not be told to it."""


def volume(environment: Mapping[str, str]) -> None:
    """Do the work that ``ARK_WORK`` tells. Raises InvalidInput and what ``Worker.do`` raises."""
    try:
        work = volume_work.from_json(environment["ARK_WORK"])
        password = Path(environment.get("ARK_PASSWORD_FILE", volume_work.PASSWORD_FILE))
        token = Path(environment.get("ARK_TOKEN_FILE", volume_work.TOKEN_FILE)).read_text().strip()
    except (KeyError, ValueError, OSError) as error:
        raise errors.InvalidInput(f"this is no Job of a volume: {error}") from error
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    with TemporaryDirectory(prefix="ark-volume-") as scratch:
        result = Worker(work, token=token, password_file=password, scratch=Path(scratch), stop=stop).do()
    _leave(result, environment)


def _leave(result: dict[str, Any], environment: Mapping[str, str]) -> None:
    print(json.dumps(result), flush=True)
    with contextlib.suppress(OSError):
        path = environment.get("ARK_TERMINATION_LOG") or (TERMINATION_LOG if environment.get("ARK_POD_UID") else "")
        if path:
            short = {**result, "failures": [], "message": str(result.get("message", ""))[:500]}
            Path(path).write_text(json.dumps(short))
