"""Phases of a run and the conditions that stand beside them.

The phases are Ark's. Two metav1 conditions serve machines: ``Succeeded`` (Unknown while running) and ``Finished``,
which ``kubectl wait --for=condition=Finished`` can wait for whatever the outcome.
"""

from __future__ import annotations

import enum
from typing import Any


class Phase(str, enum.Enum):
    """Where a Backup or Restore stands."""

    NEW = "New"
    FAILED_VALIDATION = "FailedValidation"
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    PARTIALLY_FAILED = "PartiallyFailed"
    FAILED = "Failed"
    DELETING = "Deleting"

    def __str__(self) -> str:
        return self.value


FINISHED = frozenset({Phase.FAILED_VALIDATION, Phase.COMPLETED, Phase.PARTIALLY_FAILED, Phase.FAILED})

USABLE = frozenset({Phase.COMPLETED, Phase.PARTIALLY_FAILED})
"""Phases of a backup that can be restored."""


def phase_of(resource: dict[str, Any]) -> str:
    """The phase of a CR; one without a status is New."""
    return str((resource.get("status") or {}).get("phase") or Phase.NEW.value)


def is_finished(resource: dict[str, Any]) -> bool:
    """True if the run has ended, well or not."""
    return phase_of(resource) in {phase.value for phase in FINISHED}


def outcome(errors: int) -> Phase:
    """The final phase of a run that got to its end: warnings alone do not spoil it."""
    return Phase.PARTIALLY_FAILED if errors else Phase.COMPLETED


def conditions(
    phase: Phase, *, message: str, moment: str, generation: int, former: list[dict[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """The conditions for ``phase``; lastTransitionTime moves only where the status flips (API conventions).

    moment: RFC 3339. former: the conditions that the CR has now, None for none.
    """
    finished = phase in FINISHED
    succeeded = "True" if phase in (Phase.COMPLETED,) else "False" if finished else "Unknown"
    wanted = (("Succeeded", succeeded), ("Finished", "True" if finished else "False"))
    old = {condition.get("type"): condition for condition in former or []}
    result = []
    for kind, status in wanted:
        before = old.get(kind, {})
        changed = moment if before.get("status") != status else before.get("lastTransitionTime", moment)
        result.append({
            "type": kind, "status": status, "reason": phase.value, "message": message[:32768],
            "lastTransitionTime": changed, "observedGeneration": generation,
        })
    return result
