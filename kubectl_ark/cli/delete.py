"""``delete``: take away objects of kubectl-ark, and say what that means."""

from __future__ import annotations

import sys
from typing import Any

import click

from kubectl_ark import errors
from kubectl_ark.cli import consequences, options, output, target
from kubectl_ark.launch import deleting, paths
from kubectl_ark.model import kinds

MANY = 10
"""So many objects are named in a question; of more it tells the number."""


@click.command(cls=options.Command, epilog="""
# Delete a backup with its data, its restores and their logs, after a question
kubectl ark delete backup nightly-20240501000000

# Delete all backups with a label without one
kubectl ark delete backups -l team=shop --yes

# Delete a schedule; its backups stay
kubectl ark delete schedule nightly

# Delete a storage location after a question; nothing in the bucket is touched
kubectl ark delete location old

# Delete every download request without a question
kubectl ark delete downloadrequests --all --yes
""")
@click.argument("words", nargs=-1, metavar="TYPE NAME...")
@click.option("-l", "--selector", metavar="SELECTOR", help="Delete what has these labels, instead of names")
@click.option("--all", "everything", is_flag=True, help="Delete all of this type, instead of names")
@click.option("-y", "--yes", is_flag=True, help="Do not ask")
@click.option("--any-cluster", is_flag=True, help="Backups: also those that another cluster made")
@options.connection
@click.pass_obj
def delete(connection: options.Connection, words: tuple[str, ...], selector: str | None, everything: bool, yes: bool,
           any_cluster: bool) -> int:
    """Delete objects of kubectl-ark

    TYPE is a type of kubectl-ark as for `kubectl ark get`; TYPE/NAME works too. What is grave, and what is many, is
    asked for first. Backups and restores go with what they have in the bucket: a Job deletes it, and what it could not
    delete is told.
    """
    kind, names = target.several("delete", words, allowed=kinds.ALL)
    if selector == "":
        raise errors.UsageError("--selector is empty", hint="use --all to delete all")
    if [bool(names), selector is not None, everything].count(True) != 1:
        raise errors.UsageError("give names, --selector or --all", hint="just one of them")
    if any_cluster and kind != kinds.BACKUP:
        raise errors.UsageError("--any-cluster is for backups")
    kubectl, namespace = connection.kubectl, connection.namespace
    found = deleting.chosen(kubectl, kind, namespace, names=names, selector="" if everything else selector)
    if not found:
        output.say(f"No {kind.plural} found in {namespace} namespace")
        return errors.EXIT_OK
    backups = kubectl.get(paths.custom(kinds.BACKUP, namespace))["items"] \
        if kind in (kinds.SCHEDULE, kinds.STORAGE_LOCATION) else []
    meanings = [f"{kind.singular}/{each['metadata']['name']}: {consequences.of(kind, each, backups)}"
                for each in found[:MANY]]
    asked = not yes and (not names or len(found) > 1 or consequences.is_grave(kind, found[0]))
    if asked:
        confirm(kind, found, meanings)
    if kind in (kinds.BACKUP, kinds.RESTORE):
        from kubectl_ark.cli.erasure import erase

        return erase(kubectl, kind, found, namespace=namespace, any_cluster=any_cluster)
    for name in deleting.delete(kubectl, kind, found):
        click.echo(f"{output.qualified(kind, name)} deleted")
    for line in [] if asked else meanings:
        output.say(line)
    return errors.EXIT_OK


def confirm(kind: kinds.Kind, found: list[dict[str, Any]], meanings: list[str]) -> None:
    """Ask. meanings: lines that say what it means. Raises UsageError where nobody can answer, Abort for a no."""
    if not sys.stdin.isatty():
        raise errors.UsageError("nobody is there to confirm", hint="use --yes")
    for line in meanings:
        output.say(line)
    what = f"these {len(found)} {kind.plural}" if len(found) > 1 else f"{kind.singular} {found[0]['metadata']['name']}"
    click.confirm(f"Delete {what}?", abort=True, err=True)
