"""One backup, from discovery to the last item in the bucket's tar."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.backup import kinds, namespaces, selection, words
from kubectl_ark.engine.backup.ahead import Ahead
from kubectl_ark.engine.backup.archive import Archive
from kubectl_ark.engine.backup.collector import Collector
from kubectl_ark.engine.backup.hooks import PodStage
from kubectl_ark.engine.backup.ordered import Ordered
from kubectl_ark.engine.backup.horizon import Horizon, Reach
from kubectl_ark.engine.backup.pipeline import Upload, Uploaded
from kubectl_ark.engine.backup.related import Related
from kubectl_ark.engine.backup.volumes import ClaimData, VolumeRecords
from kubectl_ark.engine.progress import Progress
from kubectl_ark.engine.results import CLUSTER
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.kube import discovery
from kubectl_ark.kube.api import Api
from kubectl_ark.model.resources import Catalog, Resource
from kubectl_ark.store.bucket import Bucket


@dataclasses.dataclass
class Collected:
    """What a backup brought together: the tar is stored, its lists wait to be."""

    archive: Archive
    volumes: VolumeRecords
    uploaded: Uploaded
    hidden: list[str]
    """Namespaces that a label of theirs kept out."""


def run(
    api: Api, bucket: Bucket, spec: dict[str, Any], *, key: str, directory: Path, log: RunLog, progress: Progress,
    stage: PodStage, reach: Reach = tuple, data: ClaimData | None = None,
) -> Collected:
    """Store every object that ``spec`` (a Backup's, defaulted and valid) selects in the tar under ``key``.

    directory: scratch space. stage: what is done around each pod. reach: the namespaces that this installation reaches.
    data: of claims, which ``stage`` saves; None: nobody does.

    What cannot be read is an error in the log and does not stop the run. Raises StoreError where the upload fails,
    ApiError where not even discovery answers, and what ``progress.checkpoint`` raises; the upload is then aborted.
    """
    progress.step("discovering kinds")
    catalog = discovery.discover(api)
    for group, reason in catalog.broken.items():
        log.warning(f"the kinds of {group} are left out: {reason}", place=CLUSTER)
    archive_volumes = VolumeRecords(directory)
    with Upload(bucket, key, checkpoint=progress.checkpoint) as upload:
        archive = Archive(upload, directory=directory, mtime=int(time.time()))
        hidden = _collect(api, catalog, spec, archive=archive, volumes=archive_volumes, log=log, progress=progress,
                          stage=stage, reach=reach, data=data)
        stage.finish()
        archive.finish()
        progress.step("uploading")
    return Collected(archive, archive_volumes, upload.result, hidden)


def _collect(
    api: Api, catalog: Catalog, spec: dict[str, Any], *, archive: Archive, volumes: VolumeRecords, log: RunLog,
    progress: Progress, stage: PodStage, reach: Reach, data: ClaimData | None,
) -> list[str]:
    """Everything into the archive; the namespaces that hid themselves."""
    chosen = selection.of_spec(spec, catalog)
    namespace_kind = catalog.get(selection.NAMESPACES)
    assert namespace_kind is not None, "every API server serves namespaces"
    horizon = Horizon(api, namespace_kind, reach)
    limited = horizon.limited_to is not None
    survey = namespaces.survey(horizon.objects(), chosen, limited=limited)
    words.tell(chosen.kinds, catalog, log)
    for name in survey.missing:
        log.error(f'namespace "{name}" is included by name, but it does not exist', place=name)
    for name in survey.terminating:
        log.warning(f'namespace "{name}" is being deleted: what is left of it is taken', place=name)
    collector = Collector(archive, log, volumes, partial=bool(chosen.label_selectors), stage=stage.take,
                          data=data, claims=stage.take_claim)
    listed = kinds.listed(catalog, chosen)
    if limited:
        listed = horizon.within(listed, spec, log)
    ordered = Ordered(api, spec, catalog, selection=chosen, log=log)
    for unused in ordered.unused(listed):
        log.warning(f"spec.orderedResources: {unused} is not in this backup", place=CLUSTER)
    ahead = Ahead(api, listed, survey.wanted, label_selectors=chosen.queries, checkpoint=progress.checkpoint,
                  at_once=spec.get("parallel") or 1)
    collected = _lists(ahead, collector, ordered, wanted=None if survey.wanted is None else frozenset(survey.wanted),
                       several=len(chosen.queries) > 1, archive=archive, log=log, progress=progress)
    progress.step("collecting what items refer to")
    related = Related(api, catalog, chosen, collector=collector, log=log, checkpoint=progress.checkpoint,
                      limited=limited)
    related.collect(listed, collected)
    if chosen.takes_namespace_objects:
        collector.begin(namespace_kind)
        holding = collector.references.namespaces
        collector.page(namespace_kind, [
            item for item in horizon.objects() if namespaces.keeps(item, chosen, holding=holding)], None)
    if not archive.items:
        log.warning("nothing was selected: no object passes the filters; see the Backup's spec")
    progress.done(archive.items - progress.snapshot()[0])
    progress.total(archive.items)
    return survey.hidden


def _lists(
    ahead: Ahead, collector: Collector, ordered: Ordered, *, wanted: frozenset[str] | None, several: bool,
    archive: Archive, log: RunLog, progress: Progress,
) -> list[Resource]:
    """Kind after kind, the named objects of each first; the kinds of which there was something.

    wanted: namespaces, None for all. several: an object may come in several lists.
    """
    collected: list[Resource] = []
    for resource, pages in ahead.kinds():
        progress.step(f"listing {resource.group_resource}")
        collector.begin(resource, once=several or ordered.names(resource))
        before = archive.items
        try:
            for item in ordered.items(resource):
                progress.checkpoint()
                progress.done(collector.page(resource, [item], wanted))
            for page in pages:
                progress.checkpoint()
                remaining = (page.get("metadata") or {}).get("remainingItemCount") or 0
                progress.done(collector.page(resource, page.get("items") or [], wanted))
                progress.total(archive.items + remaining)
        except errors.Unreachable:
            raise
        except errors.NotFound:
            # Discovery named the kind a moment ago: its definition was deleted since, and its objects with it.
            log.warning(f"{resource.group_resource} is not served any more: it went away during the backup",
                        place=CLUSTER, resource=resource.group_resource)
        except errors.ApiError as failure:
            log.error(f"listing {resource.group_resource}: {failure}", place=CLUSTER, resource=resource.group_resource)
        if archive.items > before:
            collected.append(resource)
            log.info(f"{archive.items - before} {resource.group_resource}", resource=resource.group_resource)
    return collected
