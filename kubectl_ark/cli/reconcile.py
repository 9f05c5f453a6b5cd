"""``reconcile``: one pass over everything that nobody waits for."""

from __future__ import annotations

import sys

import click

from kubectl_ark import errors
from kubectl_ark.cli import options, output


class ReconcileCommand(options.Command):
    """Its exit codes tell how the pass went."""

    exit_codes = {
        errors.EXIT_OK: "done; with --wait: all that was due is done",
        errors.EXIT_ERROR: "error; with --wait also: something could not be done",
        errors.EXIT_USAGE: "the command line is wrong",
        errors.EXIT_TIMED_OUT: "with --wait: --timeout is over, the pass goes on",
        errors.EXIT_INTERRUPTED: "interrupted by Ctrl-C; the pass goes on",
    }


@click.command(cls=ReconcileCommand, epilog="""
# Make a pass now and see what it does
kubectl ark reconcile --wait

# Start a pass and go on
kubectl ark reconcile
""")
@click.option("--wait", is_flag=True, help="Print the page of the pass and wait for its end")
@click.option("--timeout", metavar="DURATION", callback=options.duration,
              help="With --wait: how long its pod may take to start, such as 1m; for ever if not given")
@options.connection
@click.pass_obj
def reconcile(connection: options.Connection, wait: bool, timeout: float | None) -> int:
    """See to everything that nobody waits for, once

    Starts a Job that runs what was created with kubectl apply, ends dead runs, keeps schedules, bucket and objects in
    step. The CronJob ark-reconcile, which install makes, does the same every few minutes.
    """
    from kubectl_ark.launch import passes

    job = passes.start(connection.kubectl, connection.namespace)
    name = f"job.batch/{job['metadata']['name']}"
    if not wait:
        click.echo(f"{name} created")
        return errors.EXIT_OK
    try:
        for piece in passes.page(connection.kubectl, job, timeout=timeout):
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
        passes.outcome(connection.kubectl, job)
    except KeyboardInterrupt:
        output.say(f"Stopped waiting; {name} goes on")
        return errors.EXIT_INTERRUPTED
    return errors.EXIT_OK
