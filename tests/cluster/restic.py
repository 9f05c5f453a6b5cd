"""restic for tests that run the runner as a process: the one of the runner image, where the host's own is too old."""

from __future__ import annotations

import re
import shutil
import subprocess

OLDEST = (0, 18)


def is_recent(binary: str) -> bool:
    """Whether this is a restic that the runner can work with."""
    try:
        said = subprocess.run([binary, "version"], capture_output=True, text=True, check=False, timeout=30).stdout
    except OSError:
        return False
    found = re.match(r"restic (\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST


def on_path() -> str:
    """The host's restic; "" if it has none that is recent enough."""
    found = shutil.which("restic")
    return found if found and is_recent(found) else ""
