"""What runs that are over have left in the bucket: unfinished uploads, files of a backup that never got whole, claims.

Only what this Ark namespace of this cluster has claimed is touched; what Velero or another cluster is writing looks
just the same.
"""

from __future__ import annotations

from kubectl_ark import errors
from kubectl_ark.kube.pages import items
from kubectl_ark.model import kinds, layout, phases
from kubectl_ark.model.phases import Phase
from kubectl_ark.model.resources import custom
from kubectl_ark.runner import locations, removal, stored
from kubectl_ark.runner.cluster import cluster_id
from kubectl_ark.runner.upkeep.upkeep import Upkeep
from kubectl_ark.runner.validate import UNAVAILABLE
from kubectl_ark.store.bucket import Bucket

BACKUPS = custom(kinds.BACKUP)

_SETTLED = {*(phase.value for phase in phases.USABLE), Phase.DELETING.value}


def attend(upkeep: Upkeep) -> None:
    """Tidy every location that may be written to. Raises ApiError."""
    places = [each for each in locations.everyone(upkeep.api, upkeep.namespace)
              if not locations.against_writing(each)
              and (each.get("status") or {}).get("phase") != UNAVAILABLE]
    if not places:
        return
    cluster = cluster_id(upkeep.api)
    settled = {each["metadata"]["name"] for each in items(upkeep.api, BACKUPS, upkeep.namespace)
               if phases.phase_of(each) in _SETTLED}
    for place in places:
        try:
            _tidy(upkeep, locations.opened(upkeep.api, place), settled, cluster)
        except errors.StoreError as failure:
            upkeep.trouble(f"{place['metadata']['name']} was not tidied: {failure.sentence}")


def _tidy(upkeep: Upkeep, bucket: Bucket, settled: set[str], cluster: str) -> None:
    uploading = {each.key.split("/")[1] for each in bucket.uploads(layout.BACKUPS)}
    for name in sorted(uploading | set(bucket.directories(layout.BACKUPS)) - settled):
        claim = removal.read_claim(bucket, layout.backup_directory(name))
        if claim.get("clusterID") != cluster or claim.get("namespace") != upkeep.namespace:
            continue
        phase = _phase(upkeep, name, str(claim.get("uid")))
        if phase is not None and phase not in {each.value for each in phases.FINISHED}:
            continue
        if removed := _remove(bucket, name, holder=claim.get("uid"), with_claim=phase is None):
            upkeep.say(f"backup/{name} is over; {removed} files and uploads that it left in {bucket.location.name} "
                       "are removed")


def _phase(upkeep: Upkeep, name: str, uid: str) -> str | None:
    """The phase of the Backup that may still write there; None if there is none any more.

    One that was made anew under the name takes the former claim over, so it counts until it has ended too.
    """
    try:
        backup = upkeep.api.get(BACKUPS.path(upkeep.namespace, name))
    except errors.NotFound:
        return None
    ended = phases.is_finished(backup)
    return None if ended and backup["metadata"]["uid"] != uid else phases.phase_of(backup)


def _remove(bucket: Bucket, name: str, *, holder: str | None, with_claim: bool) -> int:
    """Remove what a run left behind; how many things that were. holder: uid in the claim; stops once it is another's.

    A whole backup loses its uploads alone. A failed one keeps its log and, while its CR is there, its name.
    """
    directory = layout.backup_directory(name)
    removed = bucket.abort_uploads(directory)
    if stored.exists(bucket, name):
        return removed
    kept = () if with_claim else (layout.claim(name), layout.backup_log(name))
    keys = [key for key in bucket.keys(directory) if key not in (*kept, layout.claim(name))]
    for key in [*keys, *([layout.claim(name)] if with_claim else [])]:
        if not removal.holds(bucket, directory, holder):
            break
        bucket.delete(key)
        removed += 1
    return removed
