"""``download``: the archive of a backup, through the API server."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kubectl_ark import errors
from kubectl_ark.cli import options, output, target
from kubectl_ark.cli.transfer import Transfer
from kubectl_ark.launch import downloading
from kubectl_ark.launch.fetching import Fetched
from kubectl_ark.model import kinds

_CHECKED = {
    "manifest": "its sha256 is that of the backup's manifest",
    "archive": "the backup has no manifest (Velero writes none): gzip and tar are sound",
}


@click.command(cls=options.Command, epilog="""
# Save a backup as nightly-data.tar.gz
kubectl ark download backup nightly

# Save it under another name, whatever is there
kubectl ark download backup nightly -o /tmp/nightly.tar.gz --force

# Get a pre-signed address instead, which whoever has it may use for ten minutes
kubectl ark download backup nightly --url

# List what is in it without saving it
kubectl ark download backup nightly -o - | tar -tz
""")
@click.argument("words", nargs=-1, metavar="TYPE NAME")
@click.option("-o", "--output", "file", metavar="FILE", help="File to save it in, - for stdout  "
              "[default: NAME-data.tar.gz]")
@click.option("--force", is_flag=True, help="Overwrite the file if it is there")
@click.option("--url", is_flag=True, help="Print a pre-signed address, which is a credential, instead")
@options.connection
@click.pass_obj
def download(connection: options.Connection, words: tuple[str, ...], file: str | None, force: bool, url: bool) -> int:
    """Save the archive of a backup on this machine

    A Job in the cluster fetches it from the bucket, checks it, and it comes through the API server: this machine needs
    neither the bucket nor its keys. The file appears only when it is whole and checked. It holds Secrets as they are:
    nobody but you can read it.
    """
    kind, name = target.one_of((kinds.BACKUP,), "download", words)
    if file == "":
        raise errors.UsageError("-o names no file")
    if url:
        if file or force:
            raise errors.UsageError("--url saves nothing: it excludes -o and --force")
        text, expiration = downloading.address(connection.kubectl, name, connection.namespace)
        click.echo(text)
        output.say(f"good until {expiration}, for whoever has it")
        return errors.EXIT_OK
    if file == "-":
        return _to_stdout(connection, name)
    place = Path(file or f"{name}-data.tar.gz")
    downloading.check_target(place, force=force)
    with downloading.contents(connection.kubectl, name, connection.namespace) as found, Transfer(name) as progress:
        downloading.save(found, place, force=force, report=progress)
    click.echo(f"{output.qualified(kind, name)} downloaded to {place}: {found.size} bytes, sha256 {found.sha256}")
    _tell_check(found)
    return errors.EXIT_OK


def _tell_check(found: Fetched) -> None:
    output.say(f"checked: {_CHECKED.get(found.checked, 'only on its way')}")


def _to_stdout(connection: options.Connection, name: str) -> int:
    if sys.stdout.isatty():
        raise errors.UsageError("a terminal cannot show an archive", hint="send stdout to a file or a program")
    with downloading.contents(connection.kubectl, name, connection.namespace) as found, Transfer(name) as progress:
        downloading.copy(found, sys.stdout.buffer, report=progress)
        sys.stdout.buffer.flush()
    _tell_check(found)
    return errors.EXIT_OK
