"""``describe``: all there is to know about one run, held against its Job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from kubectl_ark import errors
from kubectl_ark.cli import description, options, output, target
from kubectl_ark.launch import runs
from kubectl_ark.launch.ending import end_if_dead
from kubectl_ark.launch.kubectl import Kubectl
from kubectl_ark.model import kinds, phases
from kubectl_ark.model.sight import Sight


@click.command(cls=options.Command, epilog="""
# Show a backup
kubectl ark describe backup nightly

# Show a restore with all its warnings and errors
kubectl ark describe restore shop-20240501100000 --details
""")
@click.argument("words", nargs=-1, metavar="TYPE NAME")
@click.option("--details", is_flag=True, help="Fetch and list the warnings and errors too")
@options.connection
@click.pass_obj
def describe(connection: options.Connection, words: tuple[str, ...], details: bool) -> int:
    """Show a backup or restore in detail

    A run whose Job is dead is marked Failed, with the reason.
    """
    kind, name = target.run("describe", words)
    kubectl = connection.kubectl
    sight = runs.look(kubectl, kind, name, connection.namespace)
    if sight.resource is None:
        sight = Sight(runs.read(kubectl, kind, name, connection.namespace))
    resource, verdict = sight.resource, sight.verdict()
    assert resource is not None
    note = verdict.sentence if verdict else ""
    if verdict and verdict.dead:
        try:
            resource = end_if_dead(kubectl, kind, sight) or runs.read(kubectl, kind, name, connection.namespace)
            note = ""
            output.say(f"{kind.singular}/{name} was found dead and is marked {phases.phase_of(resource)}")
        except errors.KubectlFailed as error:
            output.say(f"Warning: {kind.singular}/{name} is dead, but cannot be marked so: {error.message}")
    click.echo(description.describe(resource, sight.job, sight.pods, note=note, hidden=sight.hidden))
    if details:
        for line in _details(kubectl, kind, resource):
            click.echo(line)
    return errors.EXIT_OK


def _details(kubectl: Kubectl, kind: kinds.Kind, resource: dict[str, Any]) -> Iterator[str]:
    """The warnings and errors that the run stored."""
    from kubectl_ark.launch import logs

    if not phases.is_finished(resource):
        yield "Details:  the run has not ended yet"
        return
    try:
        results = json.loads(b"".join(logs.stored(kubectl, kind, resource, "Results")))
    except ValueError as error:
        raise errors.Damaged(f"the results of {resource['metadata']['name']} are not JSON") from error
    for level in ("errors", "warnings"):
        yield f"{level.capitalize()}:"
        yield from description.messages(results.get(level) or {})
