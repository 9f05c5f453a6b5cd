"""What the topics of a pass share: the API, the time, and the page that says what was done."""

from __future__ import annotations

import dataclasses
import datetime
import logging
from pathlib import Path

from kubectl_ark.kube.api import Api
from kubectl_ark.runner.identity import Identity

logger = logging.getLogger(__name__)


@dataclasses.dataclass
class Upkeep:
    """One pass over one Ark namespace. now: when it began, UTC. directory: scratch space, removed afterwards."""

    api: Api
    identity: Identity
    namespace: str
    now: datetime.datetime
    directory: Path
    problems: list[str] = dataclasses.field(default_factory=list)
    """Sentences about what should have been done and could not; the pass goes on, and ends with exit code 1."""

    def say(self, sentence: str) -> None:
        """One line of the page: something was done."""
        logger.info("%s", sentence)

    def trouble(self, sentence: str) -> None:
        """One line of the page: something could not be done."""
        logger.warning("%s", sentence)
        self.problems.append(sentence)
