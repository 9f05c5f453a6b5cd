"""What every kind of work is given, and how a run that failed is written down."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.progress import Progress
from kubectl_ark.kube.api import Api
from kubectl_ark.model.phases import Phase
from kubectl_ark.runner.identity import Identity
from kubectl_ark.runner.run import Run

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Work:
    """One call of the runner. directory: scratch space, removed afterwards."""

    api: Api
    identity: Identity
    namespace: str
    name: str
    directory: Path
    progress: Progress


def record_failure(run: Run, failure: Exception, **fields: Any) -> None:
    """Write how an attempt ended: Failed or FailedValidation if no other will follow, else what went wrong so far.

    fields: further ones of an ended run's status (hookStatus). Says nothing where the run is not ours to write to, or
    where the next pod takes over in silence (SIGTERM).
    """
    if isinstance(failure, (errors.RunLost, errors.Interrupted)):
        return
    sentence = failure.sentence if isinstance(failure, errors.ArkError) else (
        f"unexpected {type(failure).__name__}: {failure}")
    try:
        if isinstance(failure, errors.ValidationFailed):
            run.enter(Phase.FAILED_VALIDATION, sentence, validationErrors=failure.problems, **fields)
        elif exit_code_of(failure) != errors.RUNNER_RETRY or run.is_last_attempt():
            run.enter(Phase.FAILED, sentence, failureReason=sentence, **fields)
        else:
            run.update(step=f"attempt {run.attempt} failed: {sentence}; trying again")
    except errors.ArkError as second:
        logger.error("the status could not be written: %s", second)


def exit_code_of(failure: Exception) -> int:
    """The runner's exit code for what ended it."""
    return failure.runner_exit_code if isinstance(failure, errors.ArkError) else errors.RUNNER_RETRY
