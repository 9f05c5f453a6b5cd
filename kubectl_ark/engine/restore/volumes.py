"""Which PersistentVolume each restored claim gets (ark-format.md §9.1, §9.2)."""

from __future__ import annotations

import dataclasses
from typing import Any

from kubectl_ark.engine.restore.archive import Object
from kubectl_ark.engine.restore.volumeinfo import CSI, POD_VOLUME, VolumeData
from kubectl_ark.model.snapshots import Snapshot
from kubectl_ark.model.volume_restores import Saved

Claim = tuple[str, str]
"""(namespace, name)."""


@dataclasses.dataclass(frozen=True)
class Fate:
    """What becomes of one claim. At most one of the texts is set.

    keep_volume: spec.volumeName stays. refused: why the claim is not created. warning, error: what to say once it is.
    data: what its new volume is to be filled with once it is created. snapshot: what its new volume is made from.
    """

    keep_volume: bool = True
    refused: str = ""
    warning: str = ""
    error: str = ""
    data: Saved | None = None
    snapshot: Snapshot | None = None


def claim_of(volume: Object) -> Claim | None:
    """The claim that a PersistentVolume is bound to or reserved for."""
    reference = (volume.get("spec") or {}).get("claimRef")
    return (reference.get("namespace", ""), reference.get("name", "")) if reference else None


def comes_back(volume: Object, data: VolumeData) -> bool:
    """True for a backed-up volume that is created as it was: Retain, its data still on its disk.

    One whose data is in the backup, or whose disk went with its claim (Delete), is provisioned anew for the claim.
    """
    method = data.method(volume["metadata"]["name"], claim_of(volume) or ("", ""))
    return method is None and volume["spec"].get("persistentVolumeReclaimPolicy") == "Retain"


def is_left_behind(live: Object, claim: Claim, *, claim_uid: str | None) -> bool:
    """True for a volume of the cluster that was bound to the claim of that name, which was deleted since.

    claim_uid: of the claim that the cluster has now, None if it has none. Such a volume is Released, or about to be
    (its controller takes a moment). One with policy Delete is about to go with its disk and is not taken back.
    """
    bound_to = (live["spec"].get("claimRef") or {}).get("uid")
    return (claim_of(live) == claim and bool(bound_to) and bound_to != claim_uid
            and (live.get("status") or {}).get("phase") in ("Released", "Bound")
            and live["spec"].get("persistentVolumeReclaimPolicy") == "Retain"
            and not live["metadata"].get("deletionTimestamp"))


def release_patch(live: Object) -> list[dict[str, Any]]:
    """JSON patch that makes such a volume free for the claim: claimRef loses uid and resourceVersion.

    It tests both, so that a volume which somebody bound meanwhile is not touched.
    """
    operations: list[dict[str, Any]] = []
    for field in ("uid", "resourceVersion"):
        if field in live["spec"]["claimRef"]:
            path = f"/spec/claimRef/{field}"
            operations += [{"op": "test", "path": path, "value": live["spec"]["claimRef"][field]},
                           {"op": "remove", "path": path}]
    return operations


def fate(
    claim: Claim, volume_name: str, *, stored: Object | None, live: Object | None, left_behind: bool,
    data: VolumeData, origin: Claim | None = None, wanted: bool = True,
) -> Fate:
    """What becomes of a claim that was bound to ``volume_name``.

    stored: that volume in the backup, None if it is not restored from there. live: in the cluster, None if it is not
    there. left_behind: it is, and waits for this claim; what it holds is worth more than a fresh, empty volume.
    origin: the claim's name in the backup, where a namespace mapping gives it another. wanted: whether volumes' data
    is to come back.
    """
    holder = claim_of(live) if live is not None else None
    is_anothers = holder is not None and holder != claim
    method = data.method(volume_name, origin or claim)
    if live is not None:
        if is_anothers and holder and method is None and (stored is None or comes_back(stored, data)):
            return Fate(refused=f'its volume "{volume_name}" is bound to the claim "{"/".join(holder)}"')
        if left_behind:
            return Fate(warning=_PASSED_OVER if method == CSI and wanted else "")
    if stored is not None and comes_back(stored, data):
        return Fate()
    if method is not None and (stored is not None or live is None or is_anothers):
        return _with_data(method, data, volume_name, origin or claim, wanted=wanted)
    if stored is not None:
        if is_anothers and holder:
            return Fate(keep_volume=False, warning=(
                f'its volume is new and empty: "{volume_name}" belongs to the claim "{"/".join(holder)}", and the '
                "backup holds no data of it"))
        return Fate(keep_volume=False, warning=(
            f'its volume is new and empty: the disk of "{volume_name}" was deleted with the claim (reclaim policy '
            "Delete) and the backup holds no data of it"))
    if live is None:
        return Fate(warning=f'it waits for its volume "{volume_name}", which is neither in what is restored nor in '
                            "the cluster")
    return Fate()


_PASSED_OVER = ("it was given its retained volume, which was still there, as that was left: the snapshot in the backup "
                "was passed over; to have its state instead, delete claim and volume and restore again")


def _with_data(method: str, data: VolumeData, volume_name: str, claim: Claim, *, wanted: bool) -> Fate:
    """Of a claim whose data the backup has somehow. claim: as it was saved."""
    saved = data.saved.get(claim)
    if method == POD_VOLUME and saved is not None:
        return _filled(saved, wanted=wanted)
    if method == CSI:
        return _from_snapshot(data.snapshot(volume_name, claim), wanted=wanted)
    return Fate(keep_volume=False, error=(
        f"its data was saved as {method}, which this version cannot bring back yet, so its volume is new and "
        "empty; restore the data with the tool that saved it"))


def _from_snapshot(snapshot: Snapshot | None, *, wanted: bool) -> Fate:
    if not wanted:
        return Fate(keep_volume=False, warning=_UNWANTED)
    if snapshot is None or not snapshot.handle or not snapshot.driver:
        said = snapshot.message if snapshot is not None else ""
        return Fate(keep_volume=False, error="its volume is new and empty: the backup does not say what its snapshot "
                    f"is called at the storage{': ' if said else ''}{said}")
    return Fate(keep_volume=False, snapshot=snapshot)


_UNWANTED = "its volume is new and empty, as spec.restorePVs is false"


def _filled(saved: Saved, *, wanted: bool) -> Fate:
    """Of a claim whose data restic, or another, has saved."""
    if not wanted:
        return Fate(keep_volume=False, warning=_UNWANTED)
    if problem := saved.problem:
        return Fate(keep_volume=False, error=f"its volume is new and empty: {problem}")
    if not saved.snapshot:
        return Fate(keep_volume=False)
    return Fate(keep_volume=False, data=saved, warning=saved.remark)
