"""``get snapshots``: what restic holds of Restiks; every other ``get`` is kubectl's own, see ``get``."""

from __future__ import annotations

import json

import click

from kubectl_ark import errors
from kubectl_ark.cli import options, output
from kubectl_ark.launch import restik_snapshots, workloads


@click.command("get", cls=options.Command, epilog="""
# List the snapshots that the Restiks of the context's namespace have taken
kubectl ark get snapshots

# List those of one Restik
kubectl ark get snapshots -n shop --restik nightly
""")
@click.argument("type", metavar="snapshots")
@click.option("--restik", metavar="NAME", help="Those of this Restik alone")
@click.option("-o", "--output", "form", type=click.Choice(["json", "name"]), help="How to print them")
@options.connection
@click.pass_obj
def get(connection: options.Connection, type: str, restik: str | None, form: str | None) -> int:
    """List the snapshots of Restiks

    -n is the namespace of the Restiks here, the context's if not given. A Job asks restic.
    """
    kubectl = connection.kubectl
    namespace = workloads.namespace(kubectl, connection.namespace_flag)
    found, problems = restik_snapshots.listed(kubectl, connection.home, namespace=namespace, name=restik or "")
    if form == "json":
        click.echo(json.dumps(found, indent=4, ensure_ascii=False))
    elif form == "name":
        for each in found:
            click.echo(each["id"])
    elif found:
        click.echo(output.table(("RESTIK", "SNAPSHOT", "TIME", "POD", "CLAIM", "MIB"), [
            (each["restik"], each["id"][:8], each["time"], each["pod"], each["claim"], f"{each['bytes'] / 2**20:.1f}")
            for each in found]))
    elif not problems:
        output.say(f"No snapshots found in {namespace} namespace")
    for problem in problems:
        output.say(f"Error: {problem}")
    return errors.EXIT_ERROR if problems else errors.EXIT_OK
