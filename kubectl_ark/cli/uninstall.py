"""``uninstall``: remove what install made."""

from __future__ import annotations

import sys

import click

from kubectl_ark import errors
from kubectl_ark.cli import options, output
from kubectl_ark.launch import installing, passwords


@click.command(cls=options.Command, epilog="""
# Remove it after a question
kubectl ark uninstall

# Remove it without one, and keep the password of the volumes' data
kubectl ark uninstall --yes --repo-password-file repo-password
""")
@click.option("-y", "--yes", is_flag=True, help="Do not ask")
@click.option("--repo-password-file", metavar="FILE", type=click.Path(dir_okay=False),
              help="Write the password of the volumes' data there first")
@click.option("--discard-password", is_flag=True, help="Lose that password, and with it the volumes' data")
@options.connection
@click.pass_obj
def uninstall(connection: options.Connection, yes: bool, repo_password_file: str | None,
              discard_password: bool) -> int:
    """Remove kubectl-ark from the cluster, but nothing from the bucket

    Deletes the namespace of kubectl-ark with all that is in it (one that install did not make is left), its CRDs with
    all Backup, Restore and other objects, its cluster roles and admission policies. The backups stay in the bucket and
    can be used after a new install. The data of volumes needs its password then: it must have been written to a file.
    """
    if not yes and not sys.stdin.isatty():
        raise errors.UsageError("nobody is there to confirm", hint="use --yes")
    if repo_password_file and passwords.export(connection.kubectl, connection.namespace, repo_password_file):
        output.say(f"The password of the volumes' data is in {repo_password_file}")
    if not discard_password and passwords.is_unexported(connection.kubectl, connection.namespace):
        raise errors.KubectlFailed(
            f"nobody is known to have the password of the volumes' data, Secret {passwords.SECRET}, which goes with "
            "the namespace",
            hint="write it to a file with --repo-password-file FILE, or lose it with --discard-password")
    kept = installing.is_kept(connection.kubectl, connection.namespace)
    if not yes:
        whole = "all of kubectl-ark in " if kept else ""
        click.confirm(f"Delete {whole}namespace {connection.namespace}, the CRDs of ark.heptio.com with all their "
                      "objects, and the cluster roles of kubectl-ark? The bucket is left alone", abort=True, err=True)
    lines = installing.remove(connection.kubectl, connection.namespace)
    for line in lines:
        click.echo(line)
    if lines and kept:
        output.say(f"Namespace {connection.namespace} is left: kubectl ark install did not make it")
    if not lines:
        output.say(f"kubectl-ark is not installed in namespace {connection.namespace}")
    return errors.EXIT_OK
