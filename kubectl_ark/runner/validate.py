"""Whether a storage location can be used; the answer goes to its status."""

from __future__ import annotations

from kubectl_ark import errors
from kubectl_ark.model import layout, times
from kubectl_ark.runner import locations
from kubectl_ark.runner.work import Work
from kubectl_ark.store.bucket import Bucket

PROBE = "ark-write-probe"
"""A loose file at the root of the prefix, which Velero does not look at; deleted at once."""


def validate_location(work: Work) -> None:
    """Write Available or Unavailable, with the reason, to the BackupStorageLocation. Raises what is wrong with it."""
    location = locations.named(work.api, work.namespace, work.name)
    path = locations.LOCATIONS.path(work.namespace, work.name) + "/status"
    try:
        bucket = locations.opened(work.api, location)
        check(bucket)
    except errors.ArkError as failure:
        _write(work, path, "Unavailable", failure.sentence)
        raise
    _write(work, path, "Available", "")


def check(bucket: Bucket) -> None:
    """Raise StoreUnusable unless the location holds nothing foreign and takes what its access mode promises.

    A name at the root of the prefix that is not Velero's would make every Velero on the bucket refuse it.
    """
    bucket.check()
    foreign = sorted(set(bucket.directories()) - layout.ROOTS)
    if foreign:
        raise errors.StoreUnusable(
            f'storage location "{bucket.location.name}": {bucket.location.url} holds directories that are no '
            f"backups: {', '.join(foreign[:5])}", hint="give the location a prefix of its own")
    if bucket.location.read_only:
        return
    bucket.delete(PROBE)
    if not bucket.put(PROBE, b"", only_if_absent=True) or bucket.put(PROBE, b"", only_if_absent=True):
        raise errors.StoreUnusable(
            f'storage location "{bucket.location.name}": the store ignores If-None-Match, '
            "so two backups of one name could overwrite each other", hint="use a store that supports conditional puts")
    bucket.delete(PROBE)


def _write(work: Work, path: str, phase: str, message: str) -> None:
    work.api.patch_merge(path, {"status": {
        "phase": phase, "message": message or None, "lastValidationTime": times.format_time(times.now())}})
