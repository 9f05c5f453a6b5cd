"""``cancel``: stop a run."""

from __future__ import annotations

import click

from kubectl_ark import errors
from kubectl_ark.cli import options, output, target
from kubectl_ark.launch import cancelling


@click.command(cls=options.Command, epilog="""
# Stop a backup
kubectl ark cancel backup nightly

# Stop a restore
kubectl ark cancel restore/shop-20240501100000
""")
@click.argument("words", nargs=-1, metavar="TYPE NAME")
@options.connection
@click.pass_obj
def cancel(connection: options.Connection, words: tuple[str, ...]) -> int:
    """Stop a running backup or restore

    The run stops within seconds and is Failed then. What a restore has created until then stays.
    """
    kind, name = target.run("cancel", words)
    outcome = cancelling.cancel(connection.kubectl, kind, name, connection.namespace)
    click.echo(f"{output.qualified(kind, name)} {outcome}")
    return errors.EXIT_OK
