"""What of this cluster's storage can make volumes from a snapshot."""

from __future__ import annotations

import threading
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.kube.pages import items
from kubectl_ark.model.resources import CSI_DRIVERS, SNAPSHOT_CLASSES, STORAGE_CLASSES
from kubectl_ark.model.snapshots import Snapshot

DEFAULT = "storageclass.kubernetes.io/is-default-class"

Object = dict[str, Any]


class Places:
    """Thread-safe. Looked at once, when the first snapshot is to come back."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._known: tuple[dict[str, Object], frozenset[str], dict[str, Object]] | None = None

    def storage_class(self, name: str | None, snapshot: Snapshot) -> str | None:
        """The storage class for a claim that asks for ``name``; None if that one, or the default, will do.

        A claim of a static volume asks for none, or for one that never was: it gets the only one of the driver. Raises
        SnapshotFailed where there is none that fits, ApiError.
        """
        classes, drivers, _ = self._seen()
        driver = snapshot.driver
        own = sorted(each for each, found in classes.items() if found.get("provisioner") == driver)
        if not own and driver not in drivers:
            raise errors.SnapshotFailed(f"this cluster has no CSI driver {driver}, whose snapshot {snapshot.handle} "
                                        "has its data; install it and restore the claim again")
        present = classes.get(name) if name is not None else next(filter(_is_default, classes.values()), None)
        if present is not None:
            if present.get("provisioner") != driver:
                raise errors.SnapshotFailed(
                    f"its storage class {present['metadata']['name']} is of {present.get('provisioner')}, which cannot "
                    f"use snapshot {snapshot.handle} of driver {driver}; map it to one of that driver's")
            return None
        if len(own) != 1:
            raise errors.SnapshotFailed(
                f"storage class {name or '<none>'}, which it asks for, is not there, and driver {driver} has "
                + (f"several ({', '.join(own)})" if own else "none") + "; map it to one of that driver's")
        return own[0]

    def snapshot_class(self, snapshot: Snapshot) -> str:
        """The class that the snapshot was taken with, "" if it is not here: it is needed for the driver's secrets."""
        found = self._seen()[2].get(snapshot.snapshot_class)
        return snapshot.snapshot_class if found and found.get("driver") == snapshot.driver else ""

    def binds_late(self, name: str | None) -> bool:
        """Whether claims of a storage class are bound with their first pod."""
        found = self._seen()[0].get(name or "") or {}
        return found.get("volumeBindingMode") == "WaitForFirstConsumer"

    def _seen(self) -> tuple[dict[str, Object], frozenset[str], dict[str, Object]]:
        with self._lock:
            if self._known is None:
                try:
                    snapshot_classes = _named(items(self._api, SNAPSHOT_CLASSES))
                except errors.NotFound:
                    raise errors.SnapshotFailed("this cluster serves no snapshot.storage.k8s.io, by which its snapshot "
                                                "would come back; install the snapshot controller") from None
                self._known = (_named(items(self._api, STORAGE_CLASSES)), frozenset(_named(items(
                    self._api, CSI_DRIVERS))), snapshot_classes)
            return self._known


def _named(found: Any) -> dict[str, Object]:
    return {each["metadata"]["name"]: each for each in found}


def _is_default(storage_class: Object) -> bool:
    return bool((storage_class["metadata"].get("annotations") or {}).get(DEFAULT) == "true")
