"""Whether a storage location can be used, and whether it may be written to; the answers go to its CR."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.model import labels, layout, stored_backup, times
from kubectl_ark.runner import found_repositories, locations, statuses, stored
from kubectl_ark.runner.cluster import cluster_id
from kubectl_ark.runner.work import Work
from kubectl_ark.store.bucket import Bucket

PROBE = "ark-write-probe-"
"""Begins the name of a loose file at the root of the prefix, which Velero does not look at; deleted at once. The rest
of it is random: two passes, or two clusters, that try one location at once must not meet."""

AVAILABLE, UNAVAILABLE = "Available", "Unavailable"


def validate_location(work: Work) -> None:
    """Try one BackupStorageLocation and write down what came of it. Raises what is wrong with it."""
    location = locations.named(work.api, work.namespace, work.name)
    attempt(work.api, location, look=lambda bucket: found_repositories.look(work, bucket))


def attempt(api: Api, location: dict[str, Any], *,
            look: Callable[[Bucket], dict[str, Any] | None] | None = None) -> None:
    """Write Available or Unavailable, with the reason, to the location's status. Raises what is wrong with it.

    look: tells what data of volumes is there, for the status; None leaves that as it stands there.

    One whose access mode nobody has chosen becomes ReadWrite or, where another cluster's backups are found, ReadOnly;
    that is looked at anew when it leads elsewhere.
    """
    path = locations.LOCATIONS.path(location["metadata"]["namespace"], location["metadata"]["name"])
    try:
        bucket = locations.opened(api, location)
        bucket.check()
        if _is_open(location, bucket.location.url):
            location = _choose_access(api, location, path, bucket)
        check(bucket, read_only=location["spec"]["accessMode"] == "ReadOnly")
        further = {"repositories": look(bucket)} if look is not None else {}
    except errors.ArkError as failure:
        _write(api, location, path, UNAVAILABLE, failure.sentence)
        raise
    annotations = location["metadata"].get("annotations") or {}
    reason = annotations.get(labels.ACCESS_MODE_REASON) if location["spec"]["accessMode"] == "ReadOnly" else None
    _write(api, location, path, AVAILABLE, reason or "", **further)


def check(bucket: Bucket, *, read_only: bool) -> None:
    """Raise StoreUnusable unless the location holds nothing foreign and takes what its access mode promises.

    A name at the root of the prefix that is not Velero's would make every Velero on the bucket refuse it; where Ark
    0.9 put its backups, no Velero ever could use it.
    """
    foreign = [name for name in sorted(set(bucket.directories()) - layout.ROOTS) if not stored.exists(bucket, name)]
    if foreign:
        raise errors.StoreUnusable(
            f'storage location "{bucket.location.name}": {bucket.location.url} holds directories that are no '
            f"backups: {', '.join(foreign[:5])}", hint="give the location a prefix of its own")
    if read_only:
        return
    probe = PROBE + uuid.uuid4().hex
    try:
        is_conditional = bucket.put(probe, b"", only_if_absent=True) and not bucket.put(
            probe, b"", only_if_absent=True)
    finally:
        bucket.delete(probe)
    if not is_conditional:
        raise errors.StoreUnusable(
            f'storage location "{bucket.location.name}": the store ignores If-None-Match, '
            "so two backups of one name could overwrite each other", hint="use a store that supports conditional puts")


def _is_open(location: dict[str, Any], url: str) -> bool:
    """Whether the access mode is to be chosen: there is none, or the one that was chosen was for another address."""
    mode = (location.get("spec") or {}).get("accessMode")
    chosen, _, place = str((location["metadata"].get("annotations") or {}).get(labels.ACCESS_MODE_CHOSEN) or ""
                           ).partition(" ")
    return not mode or mode == chosen and place != url


def _choose_access(api: Api, location: dict[str, Any], path: str, bucket: Bucket) -> dict[str, Any]:
    """Look once at whose backups are there. The CR as patched; what somebody chose meanwhile stands."""
    foreign = _of_others(bucket, cluster_id(api))
    mode, reason = ("ReadOnly", f"it starts ReadOnly, as it holds backups that this cluster did not make ({foreign}); "
                    f'"kubectl ark location set {location["metadata"]["name"]} --access-mode ReadWrite" lets this '
                    "cluster write to it too") if foreign else ("ReadWrite", None)
    annotations = {**(location["metadata"].get("annotations") or {}), labels.ACCESS_MODE_REASON: reason,
                   labels.ACCESS_MODE_CHOSEN: f"{mode} {bucket.location.url}"}
    try:
        return api.patch_json(path, [
            {"op": "test", "path": "/metadata/resourceVersion", "value": location["metadata"]["resourceVersion"]},
            {"op": "add", "path": "/metadata/annotations", "value": {
                key: value for key, value in annotations.items() if value is not None}},
            {"op": "add", "path": "/spec/accessMode", "value": mode}])
    except (errors.Rejected, errors.Conflict):
        now = api.get(path)
        if _is_open(now, bucket.location.url):
            now["spec"]["accessMode"] = mode
        return now


def _of_others(bucket: Bucket, cluster: str) -> str | None:
    """The name of a backup in the bucket that this cluster did not make; None if there is none."""
    for name in sorted(stored.names(bucket)):
        try:
            found = stored.find(bucket, name)
        except errors.Damaged:
            return name
        if found is None:
            continue
        made_by = ((found.backup.get("metadata") or {}).get("annotations") or {}).get(labels.CLUSTER_ID) \
            if stored_backup.problem(found.backup, name) is None else None
        if made_by != cluster:
            return name
    return None


def _write(api: Api, location: dict[str, Any], path: str, phase: str, message: str, **further: Any) -> None:
    with contextlib.suppress(errors.Conflict):  # it is another location now
        statuses.write(api, path + "/status", location, phase=phase, message=message or None,
                       lastValidationTime=times.format_time(times.now()), **further)
