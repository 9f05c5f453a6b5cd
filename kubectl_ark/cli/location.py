"""``location create|set|get``: places in buckets where backups are kept."""

from __future__ import annotations

import base64
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from kubectl_ark import errors
from kubectl_ark.cli import options, output
from kubectl_ark.model import kinds, labels, location_config, names

Function = TypeVar("Function", bound=Callable[..., Any])
KIND = kinds.STORAGE_LOCATION


@click.group(cls=options.Group, no_args_is_help=True, epilog="""
# Keep backups in another bucket too
kubectl ark location create archive --bucket archive --credential archive-credentials=cloud

# Let this cluster write where another one's backups are
kubectl ark location set default --access-mode ReadWrite

# List all locations
kubectl ark location get
""")
@options.connection
def location() -> None:
    """Create and change storage locations

    A Job tries each; one that does not work is left as it was.
    """


def _settings(function: Function) -> Function:
    """Add the flags that create and set share; Velero's names."""
    click.option("--validation-frequency", metavar="DURATION", callback=_duration_text,
                 help="How often to validate it, such as 10m; 0 for once, if not given at every pass")(function)
    click.option("--backup-sync-period", metavar="DURATION", callback=_duration_text,
                 help="How often to look for backups of others, such as 10m; 0 for never, if not given at every pass"
                 )(function)
    click.option("--cacert", metavar="FILE", type=click.Path(exists=True, dir_okay=False, readable=True),
                 help="Certificates (PEM) to trust when talking to the bucket")(function)
    click.option("--labels", multiple=True, metavar="KEY=VALUE", callback=options.pairs,
                 help="Labels of the location")(function)
    click.option("--access-mode", type=click.Choice(["ReadWrite", "ReadOnly"]),
                 help="Whether backups may be added and deleted")(function)
    click.option("--default", cls=options.TriState, help="Whether backups that name no location go here")(function)
    click.option("--credential", metavar="SECRET=KEY", multiple=True, callback=options.pairs,
                 help="Secret in kubectl-ark's namespace, and the key in it, with the credentials file")(function)
    click.option("--config", multiple=True, metavar="KEY=VALUE", callback=options.pairs,
                 help="Settings: region, s3Url, s3ForcePathStyle, serverSideEncryption …")(function)
    return function


def _duration_text(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    options.duration(ctx, param, value)
    return value


@location.command(cls=options.Command, epilog="""
# Keep backups in another bucket too
kubectl ark location create archive --bucket archive --config region=eu-central-1 --credential archive-credentials=cloud

# Only read what another cluster has stored
kubectl ark location create theirs --bucket backups --prefix cluster-2 --access-mode ReadOnly
""")
@click.argument("name")
@click.option("--provider", metavar="NAME", default="aws", help="Kind of store: aws, for every S3-compatible one")
@click.option("--bucket", metavar="BUCKET", required=True, help="Bucket to keep backups in")
@click.option("--prefix", metavar="PREFIX", help="What all keys in the bucket begin with")
@_settings
@click.option("--dry-run", type=click.Choice(["none", "client"]), default="none",
              help="client: print what would be created")
@click.option("-o", "--output", "form", type=click.Choice(["yaml", "json"]), help="How to print it")
@options.connection
@click.pass_obj
def create(connection: options.Connection, /, name: str, **flags: Any) -> int:
    """Create a storage location and try it

    It is created only if it works. Where no --access-mode is given and another cluster's backups are found in it, it
    starts ReadOnly.
    """
    if problem := names.dns_name_problem(name) or location_config.provider_problem(flags["provider"]):
        raise errors.UsageError(problem)
    change = _change(flags)
    change["spec"] = {"provider": flags["provider"], **change["spec"]}
    change["spec"]["objectStorage"] = {
        "bucket": flags["bucket"], **({"prefix": flags["prefix"]} if flags["prefix"] else {}),
        **change["spec"].get("objectStorage", {})}
    resource = {"apiVersion": kinds.API_VERSION, "kind": KIND.kind, "spec": change["spec"],
                "metadata": {"name": name, "namespace": connection.namespace, **change["metadata"]}}
    if flags["dry_run"] == "client":
        click.echo(output.printed([resource], flags["form"] or "yaml"), nl=False)
        return errors.EXIT_OK
    from kubectl_ark.launch import places

    output.say("Trying the storage location ...")
    said = places.create(connection.kubectl, resource)
    click.echo(f"{output.qualified(KIND, name)} created")
    if said:
        output.say(f"location {name}: {said}")
    return errors.EXIT_OK


@location.command("set", cls=options.Command, epilog="""
# Let this cluster write where another one's backups are
kubectl ark location set default --access-mode ReadWrite

# Make it the default location, with other credentials
kubectl ark location set archive --default --credential archive-credentials=cloud

# Encrypt what is stored from now on, and take the public address away ("KEY=" removes a setting)
kubectl ark location set default --config serverSideEncryption=AES256,publicUrl=
""")
@click.argument("name")
@_settings
@options.connection
@click.pass_obj
def set_(connection: options.Connection, /, name: str, **flags: Any) -> int:
    """Change a storage location and try it

    What is not given stays as it is. A change that does not work is taken back.
    """
    if problem := names.dns_name_problem(name):
        raise errors.UsageError(problem)
    change = _change(flags)
    if change == {"metadata": {}, "spec": {}}:
        raise errors.UsageError("nothing to change", hint='see "kubectl ark location set --help"')
    if flags["config"]:
        change["spec"]["config"] = {key: value or None for key, value in flags["config"].items()}
    if flags["access_mode"]:  # what somebody has given is not chosen anew when the location leads elsewhere
        change["metadata"]["annotations"] = {labels.ACCESS_MODE_CHOSEN: None, labels.ACCESS_MODE_REASON: None}
    from kubectl_ark.launch import places

    output.say("Trying the storage location ...")
    said = places.change(connection.kubectl, name, connection.namespace, change)
    click.echo(f"{output.qualified(KIND, name)} configured")
    if said:
        output.say(f"location {name}: {said}")
    return errors.EXIT_OK


_GET_HELP = """Usage: kubectl ark location get [NAME...] [FLAGS]

  List storage locations

  The same as `kubectl ark get locations`: takes every flag of `kubectl get`.

Examples:
  # List all locations
  kubectl ark location get

  # Show one as YAML
  kubectl ark location get default -o yaml

Exit codes:
  0  done
  1  error
  2  the command line is wrong
"""


@location.command("get", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def get(connection: options.Connection, arguments: tuple[str, ...]) -> int:
    """List storage locations; the same as `kubectl ark get locations`"""
    from kubectl_ark.cli import get as listing

    if any(argument in ("-h", "--help") for argument in arguments):
        click.echo(_GET_HELP, nl=False)
        return errors.EXIT_OK
    flags = [argument for values in connection.flags.values() for argument in values]
    return listing.run(["get", "locations", "-n", connection.namespace, *flags, *arguments])


def _change(flags: Mapping[str, Any]) -> dict[str, Any]:
    """What the shared flags mean, as metadata and spec to merge. Raises UsageError."""
    spec: dict[str, Any] = {}
    config = {key: value for key, value in flags["config"].items() if value}
    location_config.parse(config, refuse=errors.UsageError)
    if config:
        spec["config"] = config
    if flags["credential"]:
        if len(flags["credential"]) > 1:
            raise errors.UsageError("--credential takes one SECRET=KEY")
        [(secret, key)] = flags["credential"].items()
        spec["credential"] = {"name": secret, "key": key}
    if flags["cacert"]:
        text = pathlib.Path(flags["cacert"]).read_bytes()
        spec["objectStorage"] = {"caCert": base64.b64encode(text).decode()}
    for flag, field in (("default", "default"), ("access_mode", "accessMode"),
                        ("backup_sync_period", "backupSyncPeriod"), ("validation_frequency", "validationFrequency")):
        if flags[flag] is not None:
            spec[field] = flags[flag]
    return {"metadata": {"labels": flags["labels"]} if flags["labels"] else {}, "spec": spec}
