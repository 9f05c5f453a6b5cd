"""PersistentVolumes and claims: what ties them to objects that are gone is taken off (Velero, restore.go)."""

from __future__ import annotations

from kubectl_ark.engine.restore.transforms.generic import Object, drop_annotations

BOUND = frozenset({"pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller"})

SNAPSHOT_NAME = "velero.io/volume-snapshot-name"
"""Label and annotation of a claim of which Velero took a snapshot."""

CLAIM_ANNOTATIONS = BOUND | {
    "volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node", SNAPSHOT_NAME, "velero.io/data-upload-name",
}


def volume(item: Object) -> None:
    """Reserve the volume for the claim of that name again: claimRef without uid means "reserved", not "bound"."""
    drop_annotations(item, BOUND)
    claim = item["spec"].get("claimRef")
    if claim:
        claim.pop("uid", None)
        claim.pop("resourceVersion", None)


def claim(item: Object) -> None:
    """Make the claim unbound. Whether it keeps ``volumeName`` is decided by ``volumes``.

    What the volume of a bound one was made from counts no more.
    """
    drop_annotations(item, CLAIM_ANNOTATIONS)
    (item["metadata"].get("labels") or {}).pop(SNAPSHOT_NAME, None)
    if item["spec"].get("volumeName"):
        for field in ("dataSource", "dataSourceRef"):
            item["spec"].pop(field, None)
