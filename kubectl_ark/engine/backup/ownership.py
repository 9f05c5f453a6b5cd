"""Whose a backup's name is in the bucket.

``ark-claim.json`` is put only if absent; ``velero-backup.json`` comes last, put only if absent too. Between the two
the name belongs to the Backup whose uid stands in the claim, for all of its attempts.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.backup import documents
from kubectl_ark.model import layout
from kubectl_ark.store.bucket import Bucket

MAX_METADATA = 4 * 1024 * 1024
"""Bytes of a velero-backup.json: the CR is at most 1.5 MiB in etcd, and indented here."""


class Ownership:
    """The claim of one Backup to its name. name, uid, namespace: the CR's. cluster_id: uid of kube-system."""

    def __init__(self, bucket: Bucket, *, name: str, uid: str, namespace: str, cluster_id: str) -> None:
        self._bucket, self._namespace = bucket, namespace
        self._name, self._uid, self._cluster_id = name, uid, cluster_id

    def take(self, *, moment: str, is_gone: Callable[[str], bool]) -> dict[str, Any] | None:
        """Claim the name. Returns what an earlier attempt finished (velero-backup.json), or None to begin.

        is_gone: tells of a Backup's uid whether this cluster no longer has it; a claim that such a one left behind
        is taken over. Raises NameTaken, naming whose it is.
        """
        stored = self._stored()
        if stored is not None:
            if self._is_mine(stored):
                return stored
            raise errors.NameTaken(
                f'backup "{self._name}" already exists in {self._bucket.location.url} '
                f"(made {stored.get('status', {}).get('startTimestamp', 'earlier')})",
                hint="choose another name, or delete that backup first")
        if self._bucket.exists(layout.ark_metadata(self._name)):
            raise errors.NameTaken(
                f'backup "{self._name}" already exists in {self._bucket.location.url} (made by Heptio Ark)',
                hint="choose another name, or delete that backup first")
        claim = documents.claim(uid=self._uid, cluster_id=self._cluster_id, namespace=self._namespace, moment=moment)
        if self._bucket.put(layout.claim(self._name), claim, only_if_absent=True):
            return None
        holder = self._holder()
        if holder.get("uid") == self._uid:
            return None
        if holder.get("clusterID") != self._cluster_id:
            raise errors.NameTaken(
                f'the name "{self._name}" in {self._bucket.location.url} is claimed by another cluster '
                f"({holder.get('clusterID') or 'unknown'}) since {holder.get('time') or 'an unknown time'}",
                hint=f"choose another name; if that run is dead, delete {layout.claim(self._name)} from the bucket")
        if not is_gone(str(holder.get("uid"))):
            raise errors.NameTaken(
                f'the name "{self._name}" in {self._bucket.location.url} is claimed by another Backup '
                f"of this cluster (uid {holder.get('uid')})", hint="choose another name")
        self._bucket.put(layout.claim(self._name), claim)
        return None

    def finish(self, metadata: bytes) -> None:
        """Make the backup exist. Raises NameTaken if the name went to somebody else meanwhile."""
        holder = self._holder()
        if holder.get("uid") != self._uid:
            raise errors.NameTaken(
                f'the claim of backup "{self._name}" in {self._bucket.location.url} was taken away meanwhile'
                + (f" by Backup {holder.get('uid')} of cluster {holder.get('clusterID')}" if holder else ""),
                hint="choose another name")
        if not self._bucket.put(layout.metadata(self._name), metadata, only_if_absent=True):
            stored = self._stored()
            if stored is None or not self._is_mine(stored):
                raise errors.NameTaken(
                    f'backup "{self._name}" in {self._bucket.location.url} was finished by somebody else meanwhile',
                    hint="choose another name")

    def withdraw(self, *, keep_claim: bool) -> bool:
        """Remove what this Backup wrote, unless it is whole or somebody else's; True if the name is still its own.

        keep_claim: the name stays with this Backup, which goes on to exist as a failed one.
        """
        if self._stored() is not None or self._holder().get("uid") != self._uid:
            return False
        directory = layout.backup_directory(self._name)
        self._bucket.abort_uploads(directory)
        for key in list(self._bucket.keys(directory)):
            if key != layout.claim(self._name):
                self._bucket.delete(key)
        if not keep_claim:
            self._bucket.delete(layout.claim(self._name))
        return True

    def _is_mine(self, stored: dict[str, Any]) -> bool:
        return bool((stored.get("metadata") or {}).get("uid") == self._uid)

    def _stored(self) -> dict[str, Any] | None:
        return _document(self._bucket, layout.metadata(self._name))

    def _holder(self) -> dict[str, Any]:
        return _document(self._bucket, layout.claim(self._name)) or {}


def _document(bucket: Bucket, key: str) -> dict[str, Any] | None:
    try:
        parsed = json.loads(bucket.get(key, limit=MAX_METADATA))
    except errors.KeyMissing:
        return None
    except ValueError as error:
        raise errors.Damaged(f"{bucket.location.url}{key} is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise errors.Damaged(f"{bucket.location.url}{key} is not a JSON object")
    return parsed
