"""``version``: of the plugin, and of what the Jobs run."""

from __future__ import annotations

import json

import click

from kubectl_ark import __version__, errors
from kubectl_ark.cli import options, output


@click.command(cls=options.Command, epilog="""
# Print both versions
kubectl ark version

# Print only the plugin's, without asking the cluster
kubectl ark version --client
""")
@click.option("--client", is_flag=True, help="Only the plugin's version")
@click.option("-o", "--output", "form", type=click.Choice(["yaml", "json"]), help="How to print them")
@options.connection
@click.pass_obj
def version(connection: options.Connection, client: bool, form: str | None) -> int:
    """Print the versions of the plugin and of the runner"""
    versions = {"clientVersion": f"v{__version__}"}
    complaint = ""
    if not client:
        from kubectl_ark.launch import runs

        try:
            versions["runnerImage"] = runs.read_settings(connection.kubectl, connection.namespace).image
        except errors.KubectlFailed as error:
            complaint = error.sentence
    if form == "json":
        click.echo(json.dumps(versions, indent=4))
    elif form == "yaml":
        click.echo("".join(f"{key}: {value}\n" for key, value in versions.items()), nl=False)
    else:
        click.echo(f"Client Version: {versions['clientVersion']}")
        if "runnerImage" in versions:
            click.echo(f"Runner Image: {versions['runnerImage']}")
    if complaint:
        output.say(f"Warning: the runner's image is not known: {complaint}")
    return errors.EXIT_OK
