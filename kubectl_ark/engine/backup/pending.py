"""Post hooks that must run whatever becomes of the run that promised them (design: the life of a run, hooks).

Before a pre hook runs, pod and post hooks are put into ``status.pendingHooks``; a SIGKILL between the two leaves them
there. The run's next attempt, or whoever finds the run dead, calls ``run_pending`` first of all:

    undone = run_pending(api, namespace=ark_namespace, pending=backup["status"].get("pendingHooks") or [])

tells each result for the log (``undone.told``) and what is to stay in ``status.pendingHooks`` (``undone.left``).
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.backup.commands import Commands
from kubectl_ark.kube.api import Api
from kubectl_ark.model import hooks
from kubectl_ark.model.hooks import Hook


@dataclasses.dataclass(frozen=True)
class Told:
    """What became of one hook. fields: further facts for a log line."""

    sentence: str
    failed: bool
    namespace: str
    fields: Mapping[str, str] = dataclasses.field(default_factory=dict)
    retriable: bool = False
    """True if the command did not get to run because somebody was out of reach; trying later may help."""


@dataclasses.dataclass(frozen=True)
class Undone:
    """told: one for each hook tried. left: entries whose pods were out of reach, to be tried again."""

    told: list[Told]
    left: list[dict[str, Any]]


def run_pending(api: Api, *, namespace: str, pending: Sequence[dict[str, Any]]) -> Undone:
    """Run the post hooks in ``pending``, a Backup's ``status.pendingHooks``. namespace: Ark's. Raises nothing of ours.

    api must be allowed to create tokens of ark-volumes there. A pod that is gone, or another by now, needs none.
    """
    commands, undone = Commands(api, namespace), Undone([], [])
    for entry in pending:
        told = attempt_all(commands, entry)
        undone.told.extend(told)
        if any(each.retriable for each in told):
            undone.left.append(entry)
    return undone


def attempt_all(commands: Commands, entry: Mapping[str, Any]) -> list[Told]:
    """Run the post hooks of one entry, each of them, whatever the others do."""
    namespace, name = str(entry["namespace"]), str(entry["pod"])
    try:
        pod = commands.pod(namespace, name)
    except errors.ArkError as failure:
        return [Told(f"post hooks of pod {namespace}/{name} could not be run: {failure.sentence}", True, namespace,
                     retriable=True)]
    if pod is None or pod["metadata"]["uid"] != entry["uid"]:
        return [Told(f"pod {namespace}/{name} is gone, and with it what its post hooks had to undo", False, namespace)]
    return [attempt(commands, namespace, name, hook, phase=hooks.POST) for hook in hooks.of_pending(entry)]


def attempt(commands: Commands, namespace: str, pod: str, hook: Hook, *, phase: str,
            checkpoint: Callable[[], None] | None = None) -> Told:
    """Run one hook and tell what came of it.

    checkpoint: may raise to end the waiting; None for a hook that is run whatever happens.
    """
    title = f'{phase} hook "{hook.name}" in pod {namespace}/{pod}, container {hook.container or "<none>"}'
    if hook.problem:
        return Told(f"{title}: {hook.problem}", True, namespace)
    begun = time.monotonic()
    try:
        outcome = commands.run(namespace, pod, hook, checkpoint=checkpoint)
    except errors.TimedOut as failure:
        return Told(f"{title}: {failure.sentence}", True, namespace)
    except errors.ApiError as failure:
        return Told(f"{title}: {failure.sentence}", True, namespace, retriable=_may_pass(failure))
    except errors.Interrupted as failure:
        if checkpoint is not None:
            raise
        return Told(f"{title}: {failure.sentence}", True, namespace, retriable=True)
    fields = {key: text for key, text in (("stdout", outcome.stdout), ("stderr", outcome.stderr)) if text}
    took = f"after {time.monotonic() - begun:.1f} s"
    if outcome.exit_code:
        said = f": {outcome.said:.500}" if outcome.said else ""
        return Told(f"{title}: exit code {outcome.exit_code} {took}{said}", True, namespace, fields)
    return Told(f"{title}: done {took}", False, namespace, fields)


def _may_pass(failure: errors.ApiError) -> bool:
    return isinstance(failure, errors.Unreachable) or failure.status == 429 or failure.status >= 500
