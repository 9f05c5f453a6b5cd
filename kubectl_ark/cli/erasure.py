"""How ``delete`` takes Backups and Restores away: with what they have in the bucket, and told to the end."""

from __future__ import annotations

from typing import Any

import click

from kubectl_ark import errors
from kubectl_ark.cli import output
from kubectl_ark.launch import erasing
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import kinds


def erase(kubectl: Kubectl, kind: kinds.Kind, found: list[dict[str, Any]], *, namespace: str, any_cluster: bool) -> int:
    """Ask for it, have it carried out, and say what came of each; the exit code."""
    wishes = erasing.ask(kubectl, kind, found, any_cluster=any_cluster)
    output.say(f"Deleting {len(wishes)} {kind.singular if len(wishes) == 1 else kind.plural} ...")
    try:
        erasing.carry_out(kubectl, namespace, wishes)
    except KeyboardInterrupt:
        output.say("Stopped waiting; the deletion goes on")
        return errors.EXIT_INTERRUPTED
    except KubectlError as error:
        if error.status_reason != "Forbidden":
            raise
        output.say(f"Warning: no Job was started: {error.message}; the next pass of kubectl-ark deletes what was asked "
                   "for")
        return errors.EXIT_OK
    code = errors.EXIT_OK
    for wish in wishes:
        if reason := erasing.failure(kubectl, namespace, wish):
            click.echo(f"error: {kind.singular}/{wish.name} is not deleted: {reason}", err=True)
            code = errors.EXIT_ERROR
        else:
            click.echo(f"{output.qualified(kind, wish.name)} deleted")
            if remark := erasing.remark(kubectl, namespace, wish):
                output.say(f"{kind.singular}/{wish.name}: {remark}")
    return code
