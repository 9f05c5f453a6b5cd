"""``restore``: make a Restore and start its Job."""

from __future__ import annotations

from typing import Any

import click

from kubectl_ark import errors
from kubectl_ark.cli import options, running, words
from kubectl_ark.model import kinds, names, restore_spec, times


@click.command(cls=options.WaitingCommand, epilog="""
# Bring back all that backup "shop" holds, and wait for it
kubectl ark restore --from-backup shop --wait

# Bring back one namespace without its Jobs
kubectl ark restore again --from-backup nightly --include-namespaces shop --exclude-resources jobs.batch

# See the objects that would be created for it
kubectl ark restore --from-backup shop --dry-run=client --show-job
""")
@click.argument("name", nargs=-1)
@click.option("--from-backup", metavar="BACKUP", help="Backup to restore from")
@running.selection
@click.option("--existing-resource-policy", metavar="POLICY",
              help="What to do with objects that exist: none (leave them alone)")
@click.option("--preserve-nodeports", cls=options.TriState, help="Whether Services keep their node ports")
@running.run_options
@options.connection
@click.pass_obj
def restore(connection: options.Connection, /, name: tuple[str, ...], **flags: Any) -> int:
    """Bring saved objects back

    Makes a Restore called NAME (if not given, the backup's name and the time) and starts the Job that runs it.
    Objects that exist are left alone, and nothing is ever deleted.
    """
    words.refuse_velero_order("restore", name)
    if len(name) > 1:
        raise errors.UsageError(f'one NAME at a time, not "{" ".join(name)}"',
                                hint='see "kubectl ark restore --help"')
    request = running.Request.of(flags)
    if flags["filename"]:
        resource = running.from_file(kinds.RESTORE, flags, namespace=connection.namespace, name=name,
                                     further=("from_backup", "existing_resource_policy", "preserve_nodeports"))
    else:
        source = flags["from_backup"]
        if not source:
            raise errors.UsageError("name the backup with --from-backup", hint='"kubectl ark get backups" lists them')
        spec = {"backupName": source, **running.selection_spec(flags)}
        if flags["existing_resource_policy"]:
            spec["existingResourcePolicy"] = flags["existing_resource_policy"]
        if flags["preserve_nodeports"] is not None:
            spec["preserveNodePorts"] = flags["preserve_nodeports"]
        resource = running.new(kinds.RESTORE, name[0] if name else names.timestamped_name(source, times.now()),
                               connection.namespace, spec, labels=flags["labels"], annotations=flags["annotations"])
    problems = restore_spec.problems(resource["spec"])
    return running.execute(connection.kubectl, kinds.RESTORE, resource, problems, request)
