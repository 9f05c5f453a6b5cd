"""Whose a restore's directory in the bucket is: clusters that share a prefix may have Restores of one name.

``ark-claim.json`` in it names the Restore by uid, with its cluster and Ark namespace. What Velero and older runners
wrote has none, and counts as that of whoever has a Restore of the name.
"""

from __future__ import annotations

from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.backup import documents
from kubectl_ark.model import layout, times
from kubectl_ark.runner.removal import is_foreign, read_claim
from kubectl_ark.store.bucket import Bucket


def take(bucket: Bucket, restore: dict[str, Any], *, cluster_id: str) -> str | None:
    """Claim the directory for a Restore; None, or whose it is. Raises StoreError.

    One that a former Restore of this name, cluster and Ark namespace has left is taken over.
    """
    metadata = restore["metadata"]
    directory = layout.restore_directory(metadata["name"])
    claim = documents.claim(uid=metadata["uid"], cluster_id=cluster_id, namespace=metadata["namespace"],
                            moment=times.format_time(times.now()))
    if bucket.put(directory + layout.CLAIM, claim, only_if_absent=True):
        return None
    holder = read_claim(bucket, directory)
    if is_foreign(holder, cluster_id=cluster_id, namespace=metadata["namespace"]):
        return _told(bucket, directory, holder)
    if holder.get("uid") != metadata["uid"]:
        bucket.put(directory + layout.CLAIM, claim)
    return None


def refuse_another(bucket: Bucket, key: str, *, uid: str) -> None:
    """Raise InvalidInput where ``key``, a file of a restore, is not of the Restore with this uid. Raises StoreError."""
    directory = key.rpartition("/")[0] + "/"
    holder = read_claim(bucket, directory)
    if holder and holder.get("uid") != uid:
        raise errors.InvalidInput(f"{_told(bucket, directory, holder)}; this one has kept nothing there")


def _told(bucket: Bucket, directory: str, holder: dict[str, Any]) -> str:
    return (f"{bucket.location.url}{directory} belongs to another Restore of that name (namespace "
            f"{holder.get('namespace')} of cluster {holder.get('clusterID')}, since {holder.get('time')})")
