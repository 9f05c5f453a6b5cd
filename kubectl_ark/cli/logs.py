"""``logs``: of a run that lives from its pod, of one that has ended from the bucket."""

from __future__ import annotations

import contextlib
import sys

import click

from kubectl_ark import errors
from kubectl_ark.cli import options, target
from kubectl_ark.launch import logs as run_logs
from kubectl_ark.launch import scheduling
from kubectl_ark.model import kinds


@click.command(cls=options.Command, epilog="""
# Print the log of a backup
kubectl ark logs backup nightly

# Follow a restore until it ends
kubectl ark logs restore shop-20240501100000 -f
""")
@click.argument("words", nargs=-1, metavar="TYPE NAME")
@click.option("-f", "--follow", is_flag=True, help="Go on printing until the run has ended")
@options.connection
@click.pass_obj
def logs(connection: options.Connection, words: tuple[str, ...], follow: bool) -> int:
    """Print the log of a backup or restore

    While the run goes on the log is read from its pod; afterwards it is fetched from the bucket, by a Job in the
    cluster.
    """
    kind, name = target.one_of(kinds.ALL, "logs", words)
    if kind not in (kinds.BACKUP, kinds.RESTORE):
        raise errors.UsageError(f"a {kind.singular} has no log", hint=_instead(connection, kind, name))
    for chunk in run_logs.read(connection.kubectl, kind, name, connection.namespace, follow=follow):
        sys.stdout.buffer.write(chunk)
        if follow:
            sys.stdout.buffer.flush()
    sys.stdout.buffer.flush()
    return errors.EXIT_OK


def _instead(connection: options.Connection, kind: kinds.Kind, name: str) -> str:
    """What shows what the user may have looked for; of a schedule the log of its newest backup, if that can be had."""
    if kind != kinds.SCHEDULE:
        return f'use "kubectl ark describe {kind.singular} {name}"'
    newest = "NAME"
    with contextlib.suppress(errors.KubectlFailed):
        newest = scheduling.newest_backup(connection.kubectl.hurried(5), name, connection.namespace) or newest
    return (f'its backups have: use "kubectl ark logs backup {newest}"; "kubectl ark describe schedule {name}" '
            "lists them")
