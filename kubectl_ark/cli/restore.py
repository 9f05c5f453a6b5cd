"""``restore``: make a Restore and start its Job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from kubectl_ark import errors
from kubectl_ark.cli import options, running, words
from kubectl_ark.launch import workloads
from kubectl_ark.model import kinds, names, restore_spec, spec_rules, times


def _mappings(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> dict[str, str]:
    """Callback: "old:new,a:b", repeated or not, as a mapping."""
    found: dict[str, str] = {}
    for part in options.names(ctx, param, value):
        old, colon, new = part.partition(":")
        if not (old and colon and new):
            raise click.BadParameter(f'"{part}" is not OLD:NEW')
        found[old] = new
    return found


def _lists(*flags: tuple[str, str]) -> Callable[[running.Function], running.Function]:
    """Add flags that take a list of kinds."""
    def add(function: running.Function) -> running.Function:
        for name, text in reversed(flags):
            click.option(name, multiple=True, metavar="LIST", callback=options.names, help=text)(function)
        return function
    return add


@click.command(cls=options.WaitingCommand, epilog="""
# Bring back all that backup "shop" holds, and wait for it
kubectl ark restore --from-backup shop --wait

# Bring back one namespace without its Jobs
kubectl ark restore again --from-backup nightly --include-namespaces shop --exclude-resources jobs.batch

# Bring back single objects, and make what exists of them as it was saved
kubectl ark restore --from-backup shop deployment/shop/web secret/shop/db --existing-resource-policy update

# Bring a copy back into another namespace, from the newest backup of a schedule
kubectl ark restore --from-schedule nightly --include-namespaces shop --namespace-mappings shop:shop-copy

# Bring the data in a claim that exists back as it was saved, and stop what uses it meanwhile
kubectl ark restore --from-backup shop persistentvolumeclaim/shop/data --existing-volumes restore --stop-workloads

# Bring back what a Restik has saved of a pod, as it was at a time, into a new claim
kubectl ark restore --from-restik shop/nightly --at 2026-01-31T03:00:00Z --pod db-0 --to-claim db-again --wait

# See the objects that would be created for it
kubectl ark restore --from-backup shop --dry-run=client --show-job
""")
@click.argument("name", nargs=-1, metavar="[NAME] [KIND/NAMESPACE/OBJECT]...")
@click.option("--from-backup", metavar="BACKUP", help="Backup to restore from")
@click.option("--from-schedule", metavar="SCHEDULE", help="Schedule whose newest Completed backup to restore from")
@click.option("--from-restik", metavar="RESTIK",
              help="Restik one of whose snapshots to bring back, by its name, or NAMESPACE/NAME if it is not in the "
                   "context's namespace")
@click.option("--at", metavar="TIME", help="With --from-restik: the newest snapshot of that time or before, such as "
                                           "2026-01-31T03:00:00Z; the newest of all if not given")
@click.option("--pod", metavar="POD", help="With --from-restik: the pod whose volume it is, where it saves several")
@click.option("--to-claim", metavar="CLAIM", help="With --from-restik: the claim to bring the data into, a new one or "
                                                  "one that no pod uses")
@click.option("--allow-partially-failed", is_flag=True,
              help="With --from-schedule: a PartiallyFailed backup will do as well")
@click.option("--any-cluster", is_flag=True, help="With --from-schedule: backups of other clusters count too")
@running.selection
@click.option("--namespace-mappings", multiple=True, metavar="OLD:NEW", callback=_mappings,
              help="New names for namespaces")
@click.option("--existing-resource-policy", metavar="POLICY",
              help="What to do with objects that exist: none (leave them alone) or update (make them as saved)")
@_lists(("--status-include-resources", "Kinds whose status comes back too, * for all; none if not given"),
        ("--status-exclude-resources", "Kinds whose status does not come back"),
        ("--resource-priorities", "Kinds to restore first, then - and kinds to restore last"))
@click.option("--preserve-nodeports", cls=options.TriState, help="Whether Services keep their node ports")
@click.option("--resource-modifier-configmap", metavar="NAME", help="ConfigMap with changes to make to objects")
@click.option("--restore-volumes", cls=options.TriState,
              help="Whether the data of volumes comes back; if false, they come back empty")
@click.option("--existing-volumes", metavar="POLICY",
              help="What to do with the data in claims that exist: none (leave it alone) or restore (bring it back)")
@click.option("--stop-workloads", is_flag=True,
              help="With --existing-volumes restore: scale what uses such a claim to 0 meanwhile")
@click.option("--write-sparse-files", cls=options.TriState, help="Whether to write files with holes")
@click.option("--parallel-files-download", metavar="N", type=click.IntRange(1, spec_rules.MAX_PARALLEL),
              help="Files fetched at once; restic chooses if not given")
@running.pace
@running.run_options
@options.connection
@click.pass_obj
def restore(connection: options.Connection, /, name: tuple[str, ...], **flags: Any) -> int:
    """Bring saved objects back

    Makes a Restore called NAME (if not given, the backup's or schedule's name and the time) and starts the Job that
    runs it. With KIND/NAMESPACE/OBJECT (KIND/OBJECT if it has no namespace) only those objects come back. Objects that
    exist are left alone unless --existing-resource-policy says otherwise, data in claims that exist unless
    --existing-volumes does, and nothing is ever deleted.
    """
    words.refuse_velero_order("restore", name)
    given, items = [word for word in name if "/" not in word], [word for word in name if "/" in word]
    if len(given) > 1:
        raise errors.UsageError(f'one NAME at a time, not "{" ".join(given)}"',
                                hint='see "kubectl ark restore --help"; objects are KIND/NAMESPACE/OBJECT')
    request = running.Request.of(flags)
    if flags["filename"]:
        resource = running.from_file(kinds.RESTORE, flags, namespace=connection.namespace, name=name, further=_FURTHER)
    else:
        source = _source(flags)
        if source == flags["from_restik"]:
            flags["restik"] = _restik(connection, flags)
            source = flags["restik"]["name"]
        resource = running.new(kinds.RESTORE, given[0] if given else names.timestamped_name(source, times.now()),
                               connection.namespace, _spec(flags, items), labels=flags["labels"],
                               annotations=flags["annotations"])
    running.refuse(resource, restore_spec.problems(resource["spec"]), typed=not flags["filename"])
    return running.execute(connection.kubectl, kinds.RESTORE, resource, request)


_FIELDS = {
    "from_backup": "backupName", "from_schedule": "scheduleName", "allow_partially_failed": "allowPartiallyFailed",
    "any_cluster": "anyCluster", "namespace_mappings": "namespaceMapping",
    "existing_resource_policy": "existingResourcePolicy", "preserve_nodeports": "preserveNodePorts",
    "resource_priorities": "resourcePriorities", "restore_volumes": "restorePVs",
    "existing_volumes": "existingVolumes", "stop_workloads": "stopWorkloads",
}
"""Flags that are a field of the spec as they stand."""

_UPLOADER = {"write_sparse_files": "writeSparseFiles", "parallel_files_download": "parallelFilesDownload"}
"""Flags that are a field of its uploaderConfig."""

_FURTHER = (*_FIELDS, *_UPLOADER, "status_include_resources", "status_exclude_resources", "resource_modifier_configmap",
            "from_restik", "at", "pod", "to_claim")


def _source(flags: dict[str, Any]) -> str:
    """The backup or schedule that is named; what the Restore is called after. Raises UsageError."""
    given = [flag for flag in ("from_backup", "from_schedule", "from_restik") if flags[flag]]
    if len(given) > 1:
        names_of = [f"--{flag.replace('_', '-')}" for flag in given]
        raise errors.UsageError(f"{' and '.join(names_of)} exclude each other", hint="name one of them")
    if not given:
        raise errors.UsageError("name the backup with --from-backup, or its schedule with --from-schedule",
                                hint='"kubectl ark get backups" lists them')
    if given != ["from_restik"]:
        for flag in ("at", "pod", "to_claim"):
            if flags[flag]:
                raise errors.UsageError(f"--{flag.replace('_', '-')} goes with --from-restik only")
    return str(flags[given[0]])


def _restik(connection: options.Connection, flags: dict[str, Any]) -> dict[str, str]:
    """spec.restik. Raises UsageError."""
    if not flags["to_claim"]:
        raise errors.UsageError("name the claim to bring the data into with --to-claim",
                                hint="a new one is made like the one that the data came from")
    place, slash, name = flags["from_restik"].rpartition("/")
    found = {"namespace": place if slash else workloads.namespace(connection.kubectl), "name": name,
             "toClaim": flags["to_claim"], "at": flags["at"], "pod": flags["pod"]}
    return {field: value for field, value in found.items() if value}


def _spec(flags: dict[str, Any], items: list[str]) -> dict[str, Any]:
    spec = {field: flags[flag] for flag, field in _FIELDS.items() if flags[flag] not in (None, False, [], {}, "")}
    spec |= {_FIELDS[flag]: False for flag in ("preserve_nodeports", "restore_volumes") if flags[flag] is False}
    if flags.get("restik"):
        spec["restik"] = flags["restik"]
    spec.update(running.selection_spec(flags))
    if items:
        spec["items"] = items
    status = {field: flags[flag] for flag, field in (("status_include_resources", "includedResources"),
                                                     ("status_exclude_resources", "excludedResources")) if flags[flag]}
    if status:
        spec["restoreStatus"] = status
    if uploader := {field: flags[flag] for flag, field in _UPLOADER.items() if flags[flag] is not None}:
        spec["uploaderConfig"] = uploader
    if flags["resource_modifier_configmap"]:
        spec["resourceModifier"] = {"kind": "ConfigMap", "name": flags["resource_modifier_configmap"]}
    return {**spec, **running.pace_spec(flags)}
