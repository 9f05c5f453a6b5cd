"""``describe``: all there is to know about one object; a run is held against its Job."""

from __future__ import annotations

from urllib.parse import quote

import click

from kubectl_ark import errors
from kubectl_ark.cli import consequences, description, details, options, output, target
from kubectl_ark.launch import paths, runs, workloads
from kubectl_ark.launch.ending import end_if_dead
from kubectl_ark.launch.kubectl import Kubectl
from kubectl_ark.model import kinds, phases
from kubectl_ark.model.sight import Sight

_EVENTS = 10
"""So many of a Restik's are shown; Kubernetes keeps them for an hour."""


@click.command(cls=options.Command, epilog="""
# Show a backup
kubectl ark describe backup nightly

# Show a restore with every object and what became of it, volumes, hooks, warnings and errors
kubectl ark describe restore shop-20240501100000 --details

# Show a schedule and its newest backups
kubectl ark describe schedule nightly

# Show a Restik and its newest Events; -n is its own namespace
kubectl ark describe restik nightly -n shop
""")
@click.argument("words", nargs=-1, metavar="TYPE NAME")
@click.option("--details", "with_details", is_flag=True,
              help="Of a run: fetch and list its objects, volumes, warnings, errors")
@options.connection
@click.pass_obj
def describe(connection: options.Connection, words: tuple[str, ...], with_details: bool) -> int:
    """Show an object of kubectl-ark in detail

    TYPE is a type of kubectl-ark as for `kubectl ark get`. A run whose Job is dead is marked Failed, with the reason.
    """
    kind, name = target.one_of(kinds.EVERY, "describe", words)
    kubectl = connection.kubectl
    if kind not in (kinds.BACKUP, kinds.RESTORE):
        if with_details:
            raise errors.UsageError(f"--details is for backups and restores, not for a {kind.singular}")
        if kind == kinds.RESTIK:
            click.echo(_restik(kubectl, name, workloads.namespace(kubectl, connection.namespace_flag)))
        else:
            click.echo(_plain(kubectl, kind, name, connection.namespace))
        return errors.EXIT_OK
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
    if with_details:
        for line in details.of(kubectl, kind, resource):
            click.echo(line)
    return errors.EXIT_OK


def _restik(kubectl: Kubectl, name: str, namespace: str) -> str:
    """A Restik with what its Events tell of snapshots, the newest first."""
    resource = runs.read(kubectl, kinds.RESTIK, name, namespace)
    about = f"involvedObject.uid={resource['metadata']['uid']}"
    events = kubectl.get(paths.core("events", namespace) + "?fieldSelector=" + quote(about))["items"]
    rows = [(each["metadata"]["name"], each["reason"], each.get("lastTimestamp") or "", each.get("message") or "")
            for each in sorted(events, key=lambda each: each["metadata"]["creationTimestamp"], reverse=True)[:_EVENTS]]
    lines = [description.plain(resource, None), "", "Events:"]
    table = output.table(("EVENT", "REASON", "TIME", "MESSAGE"), rows) if rows else "<none>"
    return "\n".join([*lines, *(f"  {line}" for line in table.splitlines())])


def _plain(kubectl: Kubectl, kind: kinds.Kind, name: str, namespace: str) -> str:
    """An object of a kind that is no run."""
    resource = runs.read(kubectl, kind, name, namespace)
    backups = None
    if kind in (kinds.SCHEDULE, kinds.STORAGE_LOCATION):
        every = kubectl.get(paths.custom(kinds.BACKUP, namespace))["items"]
        backups = [each for each in every if consequences.concerns(kind, name, each)]
    return description.plain(resource, backups)
