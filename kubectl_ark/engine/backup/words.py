"""Words of a Backup's filters that nothing answers to: a slip of the pen may keep out what it meant."""

from __future__ import annotations

from kubectl_ark.engine.backup.kindfilters import KindFilter
from kubectl_ark.engine.results import CLUSTER
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.model import globs
from kubectl_ark.model.resources import Catalog

_SCOPES = {None: "", True: "namespaced ", False: "cluster-scoped "}


def tell(chosen: KindFilter, catalog: Catalog, log: RunLog) -> None:
    """An error for each unknown word that includes, a warning for each that excludes; patterns are let be."""
    for word, included, namespaced in chosen.words():
        if globs.is_pattern(word):
            continue
        resource = catalog.get(word)
        if resource is not None and namespaced in (None, resource.namespaced):
            continue
        told = f'but the cluster serves no such {_SCOPES[namespaced]}kind'
        if included:
            log.error(f'"{word}" is included, {told}', place=CLUSTER)
        else:
            log.warning(f'"{word}" is excluded, {told}', place=CLUSTER)
