"""``schedule create|pause|unpause``: backups again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from kubectl_ark import errors
from kubectl_ark.cli import backup_flags, options, output, running
from kubectl_ark.launch import deleting, scheduling
from kubectl_ark.model import kinds, schedules

Function = TypeVar("Function", bound=Callable[..., Any])

_KEEP = (("last", "Keep so many of its newest backups; with any --keep flag, ttl alone decides no more"),
         ("daily", "Keep the newest of each of so many days"), ("weekly", "Keep the newest of each of so many weeks"),
         ("monthly", "Keep the newest of each of so many months"))


def _keep(function: Function) -> Function:
    """Add the flags of retention."""
    for word, text in reversed(_KEEP):
        click.option(f"--keep-{word}", metavar="N", type=click.IntRange(0), help=text)(function)
    return function


@click.group(cls=options.Group, epilog="""
# Save a namespace every night
kubectl ark schedule create nightly --schedule '0 3 * * *' --include-namespaces shop

# Stop that for a while
kubectl ark schedule pause nightly
""")
@options.connection
def schedule() -> None:
    """Make backups again and again

    A Schedule becomes a CronJob of Kubernetes, whose pods make the backups. A backup now, of the same things, is made
    by `kubectl ark backup --from-schedule`.
    """


@schedule.command(cls=options.Command, epilog="""
# Save everything every day at three, UTC, and keep each backup for a week
kubectl ark schedule create nightly --schedule '0 3 * * *' --ttl 168h

# Save a namespace every six hours by the clocks of Berlin; keep the newest of each of seven days and four weeks
kubectl ark schedule create shop --schedule '@every 6h' --time-zone Europe/Berlin --include-namespaces shop \\
  --keep-daily 7 --keep-weekly 4

# Print the object, for Git
kubectl ark schedule create nightly --schedule @daily --dry-run=client -o yaml
""")
@click.argument("name")
@click.option("--schedule", "timing", metavar="CRON", required=True,
              help="When: minute, hour, day of the month, month, day of the week; or @daily, @every 6h and the like")
@click.option("--time-zone", metavar="ZONE", help="Time zone of these, such as Europe/Berlin; Etc/UTC if not given")
@click.option("--paused", is_flag=True, help="Make no backups until it is unpaused")
@click.option("--skip-immediately", cls=options.TriState,
              help="When it is unpaused, wait for the next time instead of making up for a missed one")
@click.option("--use-owner-references-in-backup", cls=options.TriState,
              help="Let the Backup objects be deleted with the schedule; sync brings them back from the bucket")
@_keep
@backup_flags.fields
@click.option("--labels", multiple=True, metavar="KEY=VALUE", callback=options.pairs,
              help="Labels of the schedule and its backups")
@click.option("--annotations", multiple=True, metavar="KEY=VALUE", callback=options.pairs,
              help="Annotations of the schedule and its backups")
@click.option("--dry-run", type=click.Choice(["none", "client", "server"]), default="none",
              help="client: print what would be sent; server: let the server check it and keep nothing")
@click.option("-o", "--output", "form", type=click.Choice(output.FORMATS), help="How to print the object")
@options.connection
@click.pass_obj
def create(connection: options.Connection, /, name: str, **flags: Any) -> int:
    """Make backups from now on

    Takes every flag of `kubectl ark backup` that says what is saved. The first backup is made when CRON next comes.
    """
    resource = running.new(kinds.SCHEDULE, name, connection.namespace, _spec(flags), labels=flags["labels"],
                           annotations=flags["annotations"])
    running.refuse(resource, schedules.problems(resource["spec"]), typed=True)
    if flags["dry_run"] != "client":
        resource = scheduling.create(connection.kubectl, resource, dry_run=flags["dry_run"] == "server")
    if flags["form"] in ("yaml", "json"):
        click.echo(output.printed([resource], flags["form"]), nl=False)
    else:
        done = {"none": " created", "client": " created (dry run)", "server": " created (server dry run)"}
        qualified = output.qualified(kinds.SCHEDULE, name)
        click.echo(qualified if flags["form"] == "name" else qualified + done[flags["dry_run"]])
    if flags["dry_run"] == "none":
        _in_step(connection)
    return errors.EXIT_OK


def _spec(flags: dict[str, Any]) -> dict[str, Any]:
    """The Schedule's spec that the flags mean."""
    given = {"timeZone": flags["time_zone"], "paused": flags["paused"] or None,
             "skipImmediately": flags["skip_immediately"],
             "useOwnerReferencesInBackup": flags["use_owner_references_in_backup"],
             "retention": {f"keep{word.capitalize()}": flags[f"keep_{word}"] for word, _ in _KEEP
                           if flags[f"keep_{word}"] is not None} or None}
    return {"schedule": flags["timing"], "template": backup_flags.spec(flags),
            **{field: value for field, value in given.items() if value is not None}}


def _chosen(function: Function) -> Function:
    """Add what says which schedules are meant."""
    click.option("--all", "everything", is_flag=True, help="All schedules, instead of names")(function)
    click.option("-l", "--selector", metavar="SELECTOR", help="Those with these labels, instead of names")(function)
    return click.argument("given", nargs=-1, metavar="NAME...")(function)


@schedule.command(cls=options.Command, epilog="""
# Pause one schedule
kubectl ark schedule pause nightly

# Pause them all
kubectl ark schedule pause --all
""")
@_chosen
@options.connection
@click.pass_obj
def pause(connection: options.Connection, given: tuple[str, ...], selector: str | None, everything: bool) -> int:
    """Make no backups for now

    A backup that runs goes on.
    """
    return _set_paused(connection, given, selector, everything, {"paused": True}, "paused")


@schedule.command(cls=options.Command, epilog="""
# Go on with one schedule
kubectl ark schedule unpause nightly

# Go on with those that have a label, and make up for nothing
kubectl ark schedule unpause -l app=shop --skip-immediately
""")
@_chosen
@click.option("--skip-immediately", cls=options.TriState,
              help="Wait for the next time instead of making up for a backup that was missed within a day")
@options.connection
@click.pass_obj
def unpause(connection: options.Connection, given: tuple[str, ...], selector: str | None, everything: bool,
            skip_immediately: bool | None) -> int:
    """Make backups again"""
    change = {"paused": False} if skip_immediately is None else {"paused": False, "skipImmediately": skip_immediately}
    return _set_paused(connection, given, selector, everything, change, "unpaused")


def _set_paused(connection: options.Connection, given: tuple[str, ...], selector: str | None, everything: bool,
                change: dict[str, bool], done: str) -> int:
    if selector == "":
        raise errors.UsageError("--selector is empty", hint="use --all for all")
    if [bool(given), selector is not None, everything].count(True) != 1:
        raise errors.UsageError("give names, --selector or --all", hint="just one of them")
    found = deleting.chosen(connection.kubectl, kinds.SCHEDULE, connection.namespace, names=given,
                            selector="" if everything else selector)
    if not found:
        output.say(f"No schedules found in {connection.namespace} namespace")
        return errors.EXIT_OK
    for each in found:
        changed = scheduling.change(connection.kubectl, each, change)
        click.echo(f"{output.qualified(kinds.SCHEDULE, each['metadata']['name'])} {done if changed else 'unchanged'}")
    _in_step(connection)
    return errors.EXIT_OK


def _in_step(connection: options.Connection) -> None:
    """Have the CronJobs follow at once."""
    if refusal := scheduling.follow_up(connection.kubectl, connection.namespace):
        output.say(f"Warning: it takes effect with the next pass: {refusal}")
