"""The whole of a restore, from the stored backup to the last created object."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.progress import Progress
from kubectl_ark.engine.restore import crds, manifest, order, plan, selection, statuses, volumeinfo
from kubectl_ark.engine.restore.archive import WANTED, Archive, Group, read_items
from kubectl_ark.engine.restore.changes import Changes
from kubectl_ark.engine.restore.claimdata import ClaimData, Filling
from kubectl_ark.engine.restore.context import STRICT_PARAMS, Context, labels_of, since_of
from kubectl_ark.engine.restore.create import Wave
from kubectl_ark.engine.restore.exechooks import ExecHooks
from kubectl_ark.engine.restore.later import Later
from kubectl_ark.engine.restore.mapping import NamespaceMapping
from kubectl_ark.engine.restore.modifiers.schemas import Schemas
from kubectl_ark.engine.restore.namespaces import Namespaces
from kubectl_ark.engine.restore.order import BEFORE_PODS, CLAIMS, CRDS, NAMESPACES, PODS, STORAGE_CLASSES
from kubectl_ark.engine.restore.outcome import FAILED, Outcome
from kubectl_ark.engine.restore.paths import ItemPath
from kubectl_ark.engine.restore.prepare import Preparation
from kubectl_ark.engine.restore.volumeinfo import VolumeData
from kubectl_ark.engine.results import CLUSTER, RUN
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.engine.snapshots.sources import SnapshotSources
from kubectl_ark.kube.api import Api
from kubectl_ark.kube.throttle import DEFAULT_PARALLEL
from kubectl_ark.model import labels, layout
from kubectl_ark.model.resources import Catalog
from kubectl_ark.store.bucket import Bucket


def run(
    *, api: Api, catalog: Catalog, bucket: Bucket, restore: dict[str, Any], backup: dict[str, Any], workdir: Path,
    log: RunLog, progress: Progress, threads: int = DEFAULT_PARALLEL, changes: Changes = Changes(),
    outcome: Outcome | None = None, filling: Filling | None = None, sources: SnapshotSources | None = None,
) -> Outcome:
    """Restore what the Restore CR asks for; what was done to each item.

    restore: the CR, validated. changes: what the user's ConfigMaps want. backup: velero-backup.json. workdir: an empty
    directory for the spool and the outcome, which the caller removes when it has read ``Outcome.resource_list``.
    filling, sources: who brings back the data of volumes, from restic's and the storage's snapshots; None: nobody does,
    and each that has data is an error.
    outcome: to be filled, so that the caller has it also where this raises; a new one if None.
    Troubles with single items go to ``log`` as warnings and errors. Raises Damaged before anything is created where
    the backup is not what was written; StoreError, Unreachable, ArkError (work directory full); RunLost, Cancelled,
    Interrupted from the checkpoint.
    """
    archive, spec = Archive(workdir / "items"), restore.get("spec") or {}
    preparation = Preparation(NamespaceMapping(spec.get("namespaceMapping")), changes=changes, spec=spec,
                              keep_node_ports=spec.get("preserveNodePorts") is True, schema_of=Schemas(api))
    own = labels_of(restore, backup)
    hooks = ExecHooks(api, label_selector=f"{labels.RESTORE_NAME}={own[labels.RESTORE_NAME]}", log=log,
                      progress=progress, restore_uid=restore["metadata"].get("uid") or "")
    context = Context(
        api=api, catalog=catalog, archive=archive, selection=selection.of_spec(spec, catalog),
        outcome=outcome or Outcome(workdir), log=log, progress=progress, pool=ThreadPoolExecutor(threads),
        threads=threads, labels=own, since=since_of(restore), preparation=preparation,
        update=spec.get("existingResourcePolicy") == "update", statuses=statuses.of_spec(spec, catalog), later=Later(),
        hooks=hooks, data=ClaimData(filling, threads=filling.at_once if filling else 1, log=log, progress=progress),
        sources=sources)
    try:
        progress.step("verifying the backup")
        data = _read(context, bucket, backup, workdir)
        context.preparation = dataclasses.replace(preparation, absent=_absent_classes(context, changes))
        _create(context, data, order.priorities(spec.get("resourcePriorities") or (), catalog.resolve))
    finally:
        hooks.close()
        context.data.close()
        context.outcome.hooks = hooks.counts
        context.pool.shutdown(cancel_futures=True)
        archive.close()
    return context.outcome


def _read(context: Context, bucket: Bucket, backup: dict[str, Any], workdir: Path) -> VolumeData:
    name = backup["metadata"]["name"]
    checksums = manifest.fetch(bucket, backup, workdir)
    if checksums is None:
        context.log.info("this backup carries no checksums (Velero writes none): checked are gzip's own and the JSON")
    data = volumeinfo.fetch(bucket, backup, checksums)
    key = layout.contents(name)
    try:
        with bucket.open(key) as stream:
            context.archive.fill(
                read_items(stream, subject=f'the archive of backup "{name}"', key=key, manifest=checksums,
                           checkpoint=context.progress.checkpoint),
                context.selection.take, target=context.preparation.mapping.path)
    except errors.KeyMissing as fault:
        raise errors.Damaged(f'backup "{name}" has no archive: {key} is gone',
                             hint="use another backup; this one cannot be restored") from fault
    return data


def _create(context: Context, data: VolumeData, priorities: tuple[list[str], list[str]]) -> None:
    archive, namespaces, empty = context.archive, Namespaces(context), plan.Plan()
    crds.take_needed(context)
    wanted = _wanted_namespaces(archive)
    own = sum(group.states.count(WANTED) for group in archive.of_kind(NAMESPACES))
    context.progress.total(archive.count() - own + len(wanted))
    _missing(context)
    if not archive.count():
        context.log.warning("nothing to restore: no item of the backup passes the filters; see spec of the Restore",
                            place=RUN)
    created = [name for group in archive.of_kind(CRDS) for name in _wave(context, group, empty, namespaces)]
    if created:
        crds.wait(context, created)
    context.progress.step("restoring namespaces")
    namespaces.ensure(wanted)
    _tell_of_pods_own(context, data)
    volumes = plan.make(context, data)
    context.progress.total(archive.count() - own + len(wanted) + len(volumes.left_behind))
    plan.release(context, volumes)
    high, low = priorities
    for kind in order.ordered((type.group_resource for type in archive.groups), high=high, low=low):
        if kind not in BEFORE_PODS:
            context.data.finish()  # no pod, and no pod of a controller, must see its volume half filled
        if kind not in (CRDS, NAMESPACES):
            for group in archive.of_kind(kind):
                _wave(context, group, volumes, namespaces)
        if kind == CLAIMS:
            context.data.begin(archive)
    context.later.run(context.log, context.progress)
    context.data.begin(archive)
    context.data.finish()
    if context.sources is not None:
        context.sources.finish()
    context.hooks.wait()


def _absent_classes(context: Context, changes: Changes) -> frozenset[str]:
    """Of the storage classes that claims are mapped to, those that are not there and do not come back either."""
    resource = context.catalog.get(STORAGE_CLASSES)
    absent = set()
    for name in set(changes.classes.values()):
        found = context.archive.find(STORAGE_CLASSES, "", name)
        if resource is None or (found is not None and found[0].states[found[1]] == WANTED):
            continue
        try:
            context.api.get(resource.path(name=name))
        except errors.NotFound:
            absent.add(name)
        except errors.Forbidden:
            context.log.info(f"whether storage class {name} exists may not be seen")
    return frozenset(absent)


def _missing(context: Context) -> None:
    """Single objects that were asked for by name and are not in the backup: an error each."""
    for path in sorted(context.selection.paths):
        target = context.preparation.mapping.path(path)
        if context.archive.find(*target) is None:
            title = "/".join(filter(None, (path.group_resource, path.namespace, path.name)))
            context.log.error(f"{title} is not in the backup; see what is: kubectl ark describe backup NAME --details",
                              place=path.namespace or CLUSTER, resource=path.group_resource, name=path.name)


def _tell_of_pods_own(context: Context, data: VolumeData) -> None:
    """A warning for each volume that is no claim, such as an emptyDir, whose data was saved: it does not come back."""
    for saved in data.in_pods if context.preparation.spec.get("restorePVs") is not False else ():
        path = context.preparation.mapping.path(ItemPath(PODS, saved.namespace, saved.pod))
        found = context.archive.find(*path)
        if found is not None and found[0].states[found[1]] == WANTED:
            context.log.warning(f"the saved data of volume {saved.volume} of pod {saved.pod} does not come back: this "
                                "version brings back the data of claims only", place=path.namespace, resource=PODS,
                                name=saved.pod)


def _wanted_namespaces(archive: Archive) -> set[str]:
    """Those that are wanted themselves, and those that wanted items live in."""
    names: set[str] = set()
    for group in archive.groups.values():
        column = group.names if group.type.group_resource == NAMESPACES else group.namespaces
        names.update(column[position] for position in group.wanted())
    return names - {""}


def _wave(context: Context, group: Group, volumes: plan.Plan, namespaces: Namespaces) -> list[str]:
    """Restore one group; the names that were created."""
    kind = group.type.group_resource
    positions = group.wanted()
    if not positions:
        return []
    context.progress.step(f"restoring {kind}")
    resource, params = context.catalog.get_version(kind, group.type.version), None
    if resource is None:
        resource, params = context.catalog.get(kind), STRICT_PARAMS
        if resource is None:
            context.log.error(f"{_not_served(context, group)}; {len(positions)} objects were not restored",
                              place=CLUSTER, resource=kind)
            for position in positions:
                context.settled(group.type, group.title(position), FAILED, "the API server does not serve the kind")
            return []
        context.log.warning(f"{kind}: the API server no longer serves {group.type.api_version}, in which "
                            f"{len(positions)} objects were saved; they are sent as {resource.api_version}",
                            place=CLUSTER, resource=kind)
    before = dict(context.outcome.counts)
    wave = Wave(context, group, resource, plan=volumes, namespaces=namespaces, params=params)
    wave.run()
    done = ", ".join(f"{count - before[action]} {action}" for action, count in context.outcome.counts.items()
                     if count > before[action])
    context.log.info(f"{kind}: {done or 'put off'}", resource=kind)
    return wave.created


def _not_served(context: Context, group: Group) -> str:
    kind, version = group.type.group_resource, group.type.api_version
    if version in context.catalog.broken:
        return f"{kind} cannot be created: {context.catalog.broken[version]}; repair its APIService, then restore again"
    return (f"the API server does not know {kind} ({version}); install what serves it (its CRD or operator), then "
            f"restore again with --include-resources {kind}")
