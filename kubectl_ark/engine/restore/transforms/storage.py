"""PersistentVolumes and claims: what ties them to objects that are gone is taken off (Velero, restore.go)."""

from __future__ import annotations

from kubectl_ark.engine.restore.transforms.generic import Object, drop_annotations

BOUND = frozenset({"pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller"})

CLAIM_ANNOTATIONS = BOUND | {
    "volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node", "velero.io/volume-snapshot-name", "velero.io/data-upload-name",
}


def volume(item: Object) -> None:
    """Reserve the volume for the claim of that name again: claimRef without uid means "reserved", not "bound"."""
    drop_annotations(item, BOUND)
    claim = item["spec"].get("claimRef")
    if claim:
        claim.pop("uid", None)
        claim.pop("resourceVersion", None)


def claim(item: Object) -> None:
    """Make the claim unbound. Whether it keeps ``volumeName`` is decided by ``volumes``."""
    drop_annotations(item, CLAIM_ANNOTATIONS)
