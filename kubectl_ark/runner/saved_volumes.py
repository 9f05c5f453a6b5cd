"""The snapshots of volumes that a backup has made, and forgetting them when the backup is deleted."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.restore.unpack import Gunzip
from kubectl_ark.engine.volumes import snapshots
from kubectl_ark.kube.api import Api
from kubectl_ark.kube.pages import items
from kubectl_ark.model import kinds, labels, layout
from kubectl_ark.model.resources import custom
from kubectl_ark.store.bucket import Bucket

VOLUMES = custom(kinds.POD_VOLUME_BACKUP)

MAX_STORED = 8 * 1024 * 1024
MAX_PLAIN = 32 * 1024 * 1024
"""Bytes of the file that lists a backup's volumes; one volume takes about 2 KiB of it, unpacked."""

RESTIC = ("restic", "")
"""Values of uploaderType that mean restic; Heptio Ark and the older Velero knew of nothing else."""

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def forget(api: Api, bucket: Bucket, directory: str, backup: dict[str, Any], *,
           still: Callable[[], bool]) -> tuple[list[str], list[str]]:
    """Forget the snapshots of a backup: sentences about what could not be done now, and about what never can.

    directory: where the backup's files are. still: whether they are its own, which is asked once they are read; if not,
    nothing is forgotten. Snapshots that are gone already are fine. Raises ApiError.
    """
    failures: list[str] = []
    try:
        volumes, notes = _listed(bucket, directory, backup["metadata"]["name"])
        if not still():
            return [], []
    except errors.StoreError as failure:
        return [failure.sentence], []
    ids, lost = _by_repository([*volumes, *_recorded(api, backup)])
    for namespace, wanted in sorted(ids.items()):
        failures += snapshots.forget(bucket, namespace, wanted)
    return failures, [*notes, *lost]


def _listed(bucket: Bucket, directory: str, name: str) -> tuple[list[Any], list[str]]:
    """The PodVolumeBackups that the backup's own file lists; and why that cannot be read, if so."""
    key = directory + layout.pod_volume_backups(name).rpartition("/")[2]
    try:
        plain = Gunzip(io.BytesIO(bucket.get(key, limit=MAX_STORED)), subject=f"{bucket.location.url}{key}",
                       limit=MAX_PLAIN)
        found = json.loads(plain.read(MAX_PLAIN))
        plain.finish()
        if not isinstance(found, list):
            raise ValueError
    except errors.KeyMissing:
        return [], []
    except (errors.Damaged, ValueError):
        return [], [f"{bucket.location.url}{key} is damaged: the snapshots of volumes that it lists stay"]
    return found, []


def _recorded(api: Api, backup: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Those in the cluster: a backup that has failed has no file, but may have snapshots."""
    uid = backup["metadata"]["uid"]
    return items(api, VOLUMES, backup["metadata"]["namespace"], label_selector=f"{labels.BACKUP_UID}={uid}")


def _by_repository(volumes: Iterable[Any]) -> tuple[dict[str, set[str]], list[str]]:
    """Ids of snapshots by the namespace whose repository has them; sentences about those that are not restic's."""
    found: dict[str, set[str]] = defaultdict(set)
    foreign: dict[str, set[str]] = defaultdict(set)
    nowhere: set[str] = set()
    for volume in volumes:
        with contextlib.suppress(AttributeError, TypeError):  # it was written by others
            spec, status = volume.get("spec") or {}, volume.get("status") or {}
            snapshot, uploader = status.get("snapshotID") or "", spec.get("uploaderType") or ""
            if not snapshot:
                continue
            if uploader not in RESTIC:
                foreign[str(uploader)].add(str(snapshot))
                continue
            named = str(spec.get("repoIdentifier") or "").rstrip("/").rpartition("/")[2]
            namespace = named or str((spec.get("pod") or {}).get("namespace") or "")
            if _NAMESPACE.fullmatch(namespace):
                found[namespace].add(str(snapshot))
            else:
                nowhere.add(str(snapshot))
    notes = [f"{len(theirs)} of its volumes were saved by {uploader}, not by restic: these snapshots stay in the bucket"
             for uploader, theirs in sorted(foreign.items())]
    if nowhere:
        notes.append(f"{len(nowhere)} of its volumes name no repository: their snapshots, if there are any, stay")
    return found, notes
