"""What the layers below have to say about a run that they know nothing of."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from kubectl_ark.engine.results import RUN
from kubectl_ark.engine.runlog import RunLog


@contextlib.contextmanager
def warnings_to(log: RunLog) -> Iterator[None]:
    """While the context lasts, warnings of ``kube`` are warnings of the run: a page that expired, for one."""
    source, handler = logging.getLogger("kubectl_ark.kube"), _ToRunLog(log)
    source.addHandler(handler)
    try:
        yield
    finally:
        source.removeHandler(handler)


class _ToRunLog(logging.Handler):
    def __init__(self, log: RunLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.warning(record.getMessage(), place=RUN)
