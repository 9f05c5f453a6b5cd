"""What the topics of a pass share: the API, the time, and the page that says what was done."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.runner.identity import Identity


@dataclasses.dataclass
class Upkeep:
    """One pass over one Ark namespace. now: when it began, UTC. directory: scratch space, removed afterwards.

    The page goes to stdout, line by line as things are done; diagnostics go to the log, on stderr.
    """

    api: Api
    identity: Identity
    namespace: str
    now: datetime.datetime
    directory: Path
    topic: str = ""
    """The one that is being attended to."""
    done: int = 0
    """How many things were done."""
    problems: list[str] = dataclasses.field(default_factory=list)
    """Sentences about what should have been done and could not; the pass goes on, and ends with exit code 1."""

    warnings: int = 0
    """How many things were found that no pass can mend: somebody has to see to them."""

    def say(self, sentence: str) -> None:
        """One line of the page: something was done."""
        self.done += 1
        self.write(f"{self.topic}: {sentence}")

    def trouble(self, sentence: str) -> None:
        """One line of the page: something could not be done."""
        self.problems.append(sentence)
        self.write(f"{self.topic}: Error: {sentence}")

    def warn(self, sentence: str) -> None:
        """One line of the page: something is wrong that trying again will not mend; it is no failure of the pass."""
        self.warnings += 1
        self.write(f"{self.topic}: Warning: {sentence}")

    def write(self, line: str) -> None:
        """One line of the page that counts for nothing."""
        print(line, flush=True)

    def delete(self, path: str) -> None:
        """Delete an object with what it owns; one that is gone already is fine. Raises ApiError."""
        options = b'{"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}'
        try:
            self.api.raw("DELETE", path, body=options)
        except errors.NotFound:
            return
