"""The flags that say what a backup saves; ``backup`` has them, and whatever makes a template of backups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from kubectl_ark.cli import options, running
from kubectl_ark.model import backup_spec, spec_rules

_SCOPED = (
    ("--include-cluster-scoped-resources", "includedClusterScopedResources",
     "Cluster-scoped kinds to save, * for all; not with the flags above"),
    ("--exclude-cluster-scoped-resources", "excludedClusterScopedResources", "Cluster-scoped kinds to leave out"),
    ("--include-namespace-scoped-resources", "includedNamespaceScopedResources", "Namespaced kinds to save"),
    ("--exclude-namespace-scoped-resources", "excludedNamespaceScopedResources", "Namespaced kinds to leave out"),
)

FLAGS = (*(name[2:].replace("-", "_") for name, _, _ in _SCOPED), "ttl", "storage_location", "ordered_resources",
         "resource_policies_configmap", "default_volumes_to_fs_backup", "include_unmounted_claims",
         "parallel_files_upload", "snapshot_volumes", "volume_snapshot_locations", "csi_snapshot_timeout",
         "snapshot_move_data")
"""Names of the parameters, beside those of ``running.selection`` and ``running.pace``."""


def fields(function: running.Function) -> running.Function:
    """Add the flags."""
    running.pace(function)
    click.option("--snapshot-move-data", cls=options.TriState, hidden=True)(function)
    click.option("--csi-snapshot-timeout", metavar="DURATION",
                 help="How long one snapshot may take; 10m if not given")(function)
    click.option("--volume-snapshot-locations", multiple=True, metavar="LIST", callback=options.names,
                 help="VolumeSnapshotLocations that say which snapshot class to use")(function)
    click.option("--snapshot-volumes", cls=options.TriState,
                 help="Whether to take snapshots of CSI volumes whose files are not saved; yes if not given")(function)
    click.option("--parallel-files-upload", metavar="N", type=click.IntRange(1, spec_rules.MAX_PARALLEL),
                 help="Files of a volume read at once; restic chooses if not given")(function)
    click.option("--resource-policies-configmap", metavar="NAME",
                 help="ConfigMap in Ark's namespace with volume policies and filters to add")(function)
    click.option("--include-unmounted-claims", cls=options.TriState,
                 help="Whether to save the data in claims that no running pod uses")(function)
    click.option("--default-volumes-to-fs-backup", "--default-volumes-to-restic", cls=options.TriState,
                 help="Whether to save the data in all volumes of pods, not only in those that a pod opts in")(function)
    click.option("--ordered-resources", metavar="KIND=LIST", callback=_ordered,
                 help='Objects to save first of their kind, in this order: "pods=shop/db,shop/web;persistentvolumes=a"',
                 )(function)
    click.option("--storage-location", metavar="NAME",
                 help="Location to save to; the default one if not given")(function)
    click.option("--ttl", metavar="DURATION",
                 help="How long to keep the backup, such as 168h; 720h if not given")(function)
    for name, _, text in reversed(_SCOPED):
        click.option(name, multiple=True, metavar="LIST", callback=options.names, help=text)(function)
    return running.selection(function)


def spec(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The Backup's spec that the flags mean. Raises UsageError."""
    result = running.selection_spec(flags)
    given = {field: flags[name[2:].replace("-", "_")] for name, field, _ in _SCOPED}
    given |= {"ttl": flags["ttl"], "csiSnapshotTimeout": flags["csi_snapshot_timeout"],
              "volumeSnapshotLocations": flags["volume_snapshot_locations"],
              "storageLocation": flags["storage_location"],
              "orderedResources": flags["ordered_resources"]}
    result |= {field: value for field, value in given.items() if value}
    if flags["resource_policies_configmap"]:
        result["resourcePolicy"] = {"kind": "ConfigMap", "name": flags["resource_policies_configmap"]}
    for flag, field in (("default_volumes_to_fs_backup", backup_spec.BY_DEFAULT[0]),
                        ("include_unmounted_claims", "includeUnmountedClaims"),
                        ("snapshot_volumes", "snapshotVolumes"), ("snapshot_move_data", "snapshotMoveData")):
        if flags[flag] is not None:
            result[field] = flags[flag]
    if flags["parallel_files_upload"]:
        result["uploaderConfig"] = {"parallelFilesUpload": flags["parallel_files_upload"]}
    return {**result, **running.pace_spec(flags)}


def _ordered(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, str]:
    """Callback: "pods=a/b,a/c;persistentvolumes=x" as a mapping."""
    found: dict[str, str] = {}
    for part in filter(None, (value or "").split(";")):
        kind, equals, rest = (text.strip() for text in part.partition("="))
        if not (kind and equals and rest):
            raise click.BadParameter(f'"{part}" is not KIND=NAMESPACE/NAME,…')
        found[kind] = rest
    return found
