"""``backup``: make a Backup and start its Job."""

from __future__ import annotations

from typing import Any

import click

from kubectl_ark import errors
from kubectl_ark.cli import backup_flags, options, running, words
from kubectl_ark.model import backup_spec, globs, kinds, names, schedules, times


@click.command(cls=options.WaitingCommand, epilog="""
# Save everything, under a name made from the time
kubectl ark backup

# Save two namespaces and wait for it
kubectl ark backup shop --include-namespaces shop,shop-db --wait

# Save what has a label, but no Secrets
kubectl ark backup web -l app=web --exclude-resources secrets

# Save the Deployments and the cluster's storage classes, the database's pod first of all pods, gently
kubectl ark backup shop --include-namespace-scoped-resources deployments.apps,pods \\
  --include-cluster-scoped-resources storageclasses --ordered-resources pods=shop/db --qps 20

# Save the data in all volumes too, except in those that a pod opts out by its annotation
kubectl ark backup shop --include-namespaces shop --default-volumes-to-fs-backup

# Save now what a schedule saves, under a name like those that it makes
kubectl ark backup --from-schedule nightly

# Print the object, for Git
kubectl ark backup nightly --include-namespaces 'prod-*' --dry-run=client -o yaml
""")
@click.argument("name", nargs=-1)
@click.option("--from-schedule", metavar="SCHEDULE", help="Save what this schedule saves, now")
@backup_flags.fields
@running.run_options
@options.connection
@click.pass_obj
def backup(connection: options.Connection, /, name: tuple[str, ...], **flags: Any) -> int:
    """Save objects of the cluster into the bucket

    Makes a Backup called NAME and starts the Job that runs it. Without --wait it returns at once.
    """
    words.refuse_velero_order("backup", name)
    if len(name) > 1:
        raise errors.UsageError(f'one NAME at a time, not "{" ".join(name)}"',
                                hint='see "kubectl ark backup --help"')
    request = running.Request.of(flags)
    if flags["filename"]:
        resource = running.from_file(kinds.BACKUP, flags, namespace=connection.namespace, name=name,
                                     further=(*backup_flags.FLAGS, "from_schedule"))
    elif flags["from_schedule"]:
        resource = _of_schedule(connection, name[0] if name else None, flags)
    else:
        spec = backup_flags.spec(flags)
        resource = running.new(kinds.BACKUP, name[0] if name else _generated_name(spec), connection.namespace, spec,
                               labels=flags["labels"], annotations=flags["annotations"])
    running.refuse(resource, backup_spec.problems(resource["spec"]),
                   typed=not flags["filename"] and not flags["from_schedule"])
    return running.execute(connection.kubectl, kinds.BACKUP, resource, request)


def _of_schedule(connection: options.Connection, name: str | None, flags: dict[str, Any]) -> dict[str, Any]:
    """The Backup that the schedule would make now, with the user's labels and annotations. Raises UsageError,
    KubectlFailed."""
    from kubectl_ark.launch import runs

    running.refuse_beside("--from-schedule", flags, backup_flags.FLAGS, hint="the schedule says what is saved")
    if name and (problem := names.dns_name_problem(name)):
        raise errors.UsageError(problem)
    source = flags["from_schedule"]
    schedule = runs.read(connection.kubectl, kinds.SCHEDULE, source, connection.namespace)
    resource = schedules.backup(schedule, name=name or schedules.backup_name(source, times.now()))
    for field in ("labels", "annotations"):
        if merged := {**(resource["metadata"].get(field) or {}), **flags[field]}:
            resource["metadata"][field] = merged
    return resource


def _generated_name(spec: dict[str, Any]) -> str:
    """Named after the first namespace that is saved, if it has a plain name."""
    first = (spec.get("includedNamespaces") or [""])[0]
    return names.timestamped_name(first if first and not globs.is_pattern(first) else "backup", times.now())
