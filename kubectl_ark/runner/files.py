"""Where a file that a DownloadRequest names is: the location, its bucket and the key."""

from __future__ import annotations

import dataclasses
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.model import downloads, kinds
from kubectl_ark.model.resources import custom
from kubectl_ark.runner import locations, restored, stored
from kubectl_ark.store.bucket import Bucket


@dataclasses.dataclass(frozen=True)
class Found:
    """A file that is there. place: the BackupStorageLocation."""

    place: dict[str, Any]
    bucket: Bucket
    key: str

    @property
    def has_secret(self) -> bool:
        """Whether there are credentials to mount; without, the pod's surroundings give them."""
        return self.bucket.location.credentials is not None


def find(api: Api, namespace: str, target: str, name: str) -> Found:
    """The file that ``target`` (model.downloads) means for the run called ``name``.

    Looked for where the run's CR says that it is, else in every location, the default one first: restores are not
    synced, so their files may be all that is left of them. Raises InvalidInput, StoreUnusable, StoreError.
    """
    kind = downloads.subject(target)
    if kind is None:
        raise errors.InvalidInput(f'there is no target "{target}"', hint="use BackupContents, BackupLog or another one "
                                  "that the schema of DownloadRequests lists")
    run: dict[str, Any] | None = None
    places = []
    try:
        run = api.get(custom(kind).path(namespace, name))
    except errors.NotFound:
        pass
    else:
        if refusal := downloads.refusal(target, run):
            raise errors.InvalidInput(refusal)
        named = (run.get("status") or {}).get("storageLocation") or (run.get("spec") or {}).get("storageLocation")
        places = [locations.named(api, namespace, named)] if named else []
    key, looked = downloads.key(target, name), []
    for place in places or locations.everyone(api, namespace):
        bucket = locations.opened(api, place)
        looked.append(bucket.location.url)
        if holder := stored.holder(bucket, key):
            if run is not None and kind == kinds.RESTORE:
                restored.refuse_another(bucket, key, uid=run["metadata"]["uid"])
            return Found(place, holder, key)
    where = f"{key} is not in {', '.join(looked) or 'any location'}"
    if run is None:
        raise errors.InvalidInput(f'{kind.singular} "{name}" does not exist: {where}',
                                  hint=f"kubectl ark get {kind.plural} lists what there is")
    raise errors.InvalidInput(f'{kind.singular} "{name}" has no {target}: {where}')
