"""The one error of this package."""

from __future__ import annotations

from pathlib import Path
from typing import Optional


class ClusterError(Exception):
    """What failed and what to do about it, in one sentence; `log` is the file with the details, if there is one."""

    def __init__(self, message: str, *, log: Optional[Path] = None) -> None:
        super().__init__(message)
        self.log = log


def last_lines(log: Path, count: int = 15) -> str:
    """The last `count` lines of a log file, or "" when there is none."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
    except OSError:
        return ""
