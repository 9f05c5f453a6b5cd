"""``backup``: make a Backup and start its Job."""

from __future__ import annotations

from typing import Any

import click

from kubectl_ark import errors
from kubectl_ark.cli import backup_flags, options, running, words
from kubectl_ark.model import backup_spec, globs, kinds, names, times


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

# Print the object, for Git
kubectl ark backup nightly --include-namespaces 'prod-*' --dry-run=client -o yaml
""")
@click.argument("name", nargs=-1)
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
                                     further=backup_flags.FLAGS)
    else:
        spec = backup_flags.spec(flags)
        resource = running.new(kinds.BACKUP, name[0] if name else _generated_name(spec), connection.namespace, spec,
                               labels=flags["labels"], annotations=flags["annotations"])
    problems = backup_spec.problems(resource["spec"])
    return running.execute(connection.kubectl, kinds.BACKUP, resource, problems, request)


def _generated_name(spec: dict[str, Any]) -> str:
    """Named after the first namespace that is saved, if it has a plain name."""
    first = (spec.get("includedNamespaces") or [""])[0]
    return names.timestamped_name(first if first and not globs.is_pattern(first) else "backup", times.now())
