"""What can go wrong, in the words the user reads.

Every error carries one sentence that names the object and, where it helps, ``hint``: what to do next. Only the two
entry points (``cli.app.main`` and ``runner.main``) catch them and exit. The class name is the stable id of the
error: it becomes ``reason`` in conditions and machine-readable output.

Exit codes of the plugin: see the EXIT constants. Exit codes of the runner are API, because the Job's
podFailurePolicy reads them: 0 finished and status written, 1 unexpected (the Job tries again), 10-13 permanent.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_PARTIALLY_FAILED = 3
EXIT_TIMED_OUT = 4
EXIT_INTERRUPTED = 130

RUNNER_RETRY = 1
RUNNER_INVALID = 10
RUNNER_FORBIDDEN = 11
RUNNER_STORAGE_UNUSABLE = 12
RUNNER_NAME_TAKEN = 13


class ArkError(Exception):
    """Something the user can understand failed; ``str()`` is the whole sentence."""

    exit_code = EXIT_ERROR
    """The plugin's exit code."""

    runner_exit_code = RUNNER_RETRY
    """The runner's exit code; RUNNER_RETRY means that trying again may help."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def reason(self) -> str:
        """CamelCase id for conditions and JSON output."""
        return type(self).__name__

    @property
    def sentence(self) -> str:
        """Message and hint on one line, as it goes into a status."""
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(ArkError):
    """The command line does not make sense."""

    exit_code = EXIT_USAGE


class InvalidInput(ArkError):
    """A spec, a flag's value, a tar or a template is wrong; the same input will be wrong again."""

    runner_exit_code = RUNNER_INVALID


class ValidationFailed(InvalidInput):
    """A Backup or Restore asks for what cannot be; ``problems`` lists every reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class TimedOut(ArkError):
    """What was waited for did not happen in time; it may still happen."""

    exit_code = EXIT_TIMED_OUT


class KubectlFailed(ArkError):
    """kubectl said no; the message is kubectl's own."""


class ApiError(ArkError):
    """The API server answered with an error; ``status`` is its HTTP code, ``body`` its Status object or {}."""

    def __init__(self, message: str, *, status: int = 0, body: dict[str, object] | None = None,
                 hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.body = body or {}


class NotFound(ApiError):
    """404: the object, or its whole kind, is not there."""

    runner_exit_code = RUNNER_INVALID


class Forbidden(ApiError):
    """403: the account may not do this."""

    runner_exit_code = RUNNER_FORBIDDEN


class Conflict(ApiError):
    """409: it exists already, or somebody else changed it first."""


class Rejected(ApiError):
    """422 or 400: the API server refuses the object as it is."""

    runner_exit_code = RUNNER_INVALID


class Expired(ApiError):
    """410: the page token is too old; ``continue_token`` goes on from there, None means start again."""

    continue_token: str | None = None


class Unreachable(ApiError):
    """No answer from the API server within the time that retries had."""


class StoreError(ArkError):
    """The object store failed in a way that may pass."""


class StoreUnusable(StoreError):
    """The location cannot be used as it is configured: no bucket, wrong key, read-only, no such Secret."""

    runner_exit_code = RUNNER_STORAGE_UNUSABLE


class LocationInvalid(StoreUnusable):
    """A BackupStorageLocation's spec means no place: another provider, a setting that is not known or not sound."""


class Locked(StoreError):
    """Object lock keeps the store from deleting or overwriting an object."""

    runner_exit_code = RUNNER_STORAGE_UNUSABLE


class KeyMissing(StoreError):
    """The object asked for is not in the bucket."""

    runner_exit_code = RUNNER_INVALID


class SnapshotFailed(ArkError):
    """A storage did not take a snapshot, did not make a volume from one, or did not delete one."""


class NameTaken(ArkError):
    """The bucket already holds a backup of this name, or another run is writing it."""

    runner_exit_code = RUNNER_NAME_TAKEN


class Damaged(InvalidInput):
    """Stored bytes are not what they were when written, or not what a backup may contain."""


class RunLost(ArkError):
    """The CR is gone, was made anew or is claimed by another pod: this run is not ours to finish."""

    runner_exit_code = EXIT_OK


class Cancelled(ArkError):
    """A user asked for the run to stop."""

    runner_exit_code = RUNNER_INVALID


class Interrupted(ArkError):
    """SIGTERM: the pod is being stopped; the Job's next pod takes over."""
