"""``watch``: in the foreground, what a pass would see to later is seen to at once."""

from __future__ import annotations

import click

from kubectl_ark import errors
from kubectl_ark.cli import options, output


class WatchCommand(options.Command):
    """It ends by Ctrl-C only."""

    exit_codes = {
        errors.EXIT_ERROR: "error: nothing can be watched",
        errors.EXIT_USAGE: "the command line is wrong",
        errors.EXIT_INTERRUPTED: "ended by Ctrl-C",
    }


@click.command(cls=WatchCommand, epilog="""
# See to Restiks and new backups as soon as they change, until Ctrl-C
kubectl ark watch
""")
@options.connection
@click.pass_obj
def watch(connection: options.Connection) -> int:
    """See to Restiks and new objects as soon as they change

    Follows Restiks, the workloads with the label backup.appscode.com/config, and new objects of kubectl-ark, and prints
    a line for each change: CronJobs are made, changed and removed, and Jobs are started, with your own rights. Without
    it the next pass does all this, see kubectl ark reconcile.
    """
    from kubectl_ark.launch import watching

    try:
        watching.watch(connection.kubectl, connection.namespace, say=_line,
                       complain=lambda line: output.say(f"Error: {line}; the next pass tries it again"))
    except KeyboardInterrupt:
        output.say("Not watching any more")
    return errors.EXIT_INTERRUPTED


def _line(text: str) -> None:
    click.echo(text)  # which flushes: whoever reads a pipe sees it at once
