"""Volume policies of a Backup's resource policy (ark-format.md §7): which of them is about a volume, and what it asks.

Conditions mean what they mean to Velero. A policy is about a volume that meets all its conditions, the first such
policy counts, and one without conditions is about every volume.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from kubectl_ark.model import quantities, shapes


class Action(str, enum.Enum):
    """What a policy asks for."""

    SKIP = "skip"
    RESTIC = "fs-backup"
    SNAPSHOT = "snapshot"

    def __str__(self) -> str:
        return self.value


_ACTIONS = {**{action.value: action for action in Action}, "restic": Action.RESTIC}
_NOT_OURS = "custom"
"""Leaves a volume to a plugin of Velero's."""

CLAIM = "persistentVolumeClaim"

_TYPES = frozenset("""
    awsElasticBlockStore azureDisk azureFile cephfs cinder configMap csi downwardAPI emptyDir ephemeral fc flexVolume
    flocker gcePersistentDisk gitRepo glusterfs hostPath image iscsi local nfs persistentVolumeClaim
    photonPersistentDisk portworxVolume projected quobyte rbd scaleIO secret storageos vsphereVolume
""".split())
"""What a volume can be, as the fields of a pod's and a PersistentVolume's spec are called."""

_TYPES_OF_VELERO = {"storageOS": "storageos"}
"""What it spells in another way."""

_CONDITIONS: dict[str, Any] = {
    "capacity": str, "storageClass": [str], "nfs": {"server": str, "path": str},
    "csi": {"driver": str, "volumeAttributes": {"*": str}}, "volumeTypes": [str], "pvcLabels": {"*": str},
    "pvcPhase": [str],
}


@dataclasses.dataclass(frozen=True)
class Traits:
    """What conditions ask about a volume. What it has not is 0, "", empty, or None for nfs and csi."""

    capacity: Decimal = Decimal(0)
    storage_class: str = ""
    nfs: Mapping[str, Any] | None = None
    csi: Mapping[str, Any] | None = None
    types: frozenset[str] = frozenset()
    claim_labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    claim_phase: str = ""


def traits(*, pod_volume: Mapping[str, Any] | None = None, claim: Mapping[str, Any] | None = None,
           volume: Mapping[str, Any] | None = None) -> Traits:
    """The traits of one volume. pod_volume: its entry in a pod. volume: its PersistentVolume.

    Each may be missing. What the PersistentVolume tells counts first; the claim stands in for one that cannot be read.
    """
    bound, asked, inline = (volume or {}).get("spec") or {}, (claim or {}).get("spec") or {}, pod_volume or {}
    source, status = bound or inline, (claim or {}).get("status") or {}
    size = bound.get("capacity") or status.get("capacity") or {}
    types = (set(bound) | set(inline)) & _TYPES
    return Traits(
        capacity=quantities.parse(str(size.get("storage") or 0)),
        storage_class=(bound if bound else asked).get("storageClassName") or "",
        nfs=source.get("nfs"), csi=source.get("csi"), types=frozenset(types | ({CLAIM} if claim else set())),
        claim_labels=((claim or {}).get("metadata") or {}).get("labels") or {}, claim_phase=status.get("phase") or "")


def action(policies: Sequence[Mapping[str, Any]], of: Traits) -> Action | None:
    """What the first policy that is about the volume asks for; None if none is. policies: without ``problems``."""
    for policy in policies:
        conditions = policy.get("conditions") or {}
        if all(_HOLDS[name](wanted, of) for name, wanted in conditions.items() if wanted is not None):
            return _ACTIONS[policy["action"]["type"]]
    return None


def problems(policy: Any, at: str) -> list[str]:
    """Every mistake in one entry of volumePolicies, as sentences. at: where it stands, "volumePolicies[0]"."""
    if not isinstance(policy, dict):
        return [f"{at} is no mapping"]
    found = shapes.unknown(policy, {"conditions", "action"}, at)
    conditions, wanted = policy.get("conditions") or {}, policy.get("action") or {}
    if not isinstance(conditions, dict) or not isinstance(wanted, dict):
        return [*found, f"{at}: conditions and action are mappings"]
    found += shapes.unknown(conditions, set(_CONDITIONS), f"{at}.conditions")
    misshapen = shapes.problems(conditions, _CONDITIONS, f"{at}.conditions")
    found += misshapen or _condition_problems(conditions, f"{at}.conditions")
    return (found + shapes.unknown(wanted, {"type", "parameters"}, f"{at}.action")
            + _action_problems(wanted.get("type"), f"{at}.action.type"))


def _condition_problems(conditions: Mapping[str, Any], at: str) -> list[str]:
    found = []
    for name in ("nfs", "csi"):
        found += shapes.unknown(conditions.get(name) or {}, set(_CONDITIONS[name]), f"{at}.{name}")
    csi = conditions.get("csi") or {}
    if csi.get("volumeAttributes") and not csi.get("driver"):
        found.append(f"{at}.csi: volumeAttributes stand beside a driver only")
    for name in conditions.get("volumeTypes") or []:
        if name not in _TYPES and name not in _TYPES_OF_VELERO:
            found.append(f'{at}.volumeTypes: "{name}" is no type of volume; types are named as in the spec of a pod '
                         "or PersistentVolume, such as emptyDir, nfs or csi")
    try:
        lower, upper = _range(conditions.get("capacity") or "")
        if upper and upper < lower:
            found.append(f'{at}.capacity: "{conditions["capacity"]}" ends below where it begins')
    except ValueError as error:
        found.append(f"{at}.capacity: {error}")
    return found


def _action_problems(name: Any, at: str) -> list[str]:
    if name == _NOT_OURS:
        return [f"{at}: {_NOT_OURS} leaves the volume to a plugin, and there are none here; use "
                f"{', '.join(map(str, Action))}"]
    if not isinstance(name, str) or name not in _ACTIONS:
        return [f'{at}: "{name}" is none of {", ".join(map(str, Action))}']
    return []


def _range(text: str) -> tuple[Decimal, Decimal]:
    """ "1Gi,10Gi": least and most; most 0 is no bound. Raises ValueError."""
    ends = text.split(",") if text else ["", ""]
    if len(ends) != 2:
        raise ValueError(f'"{text}" is not FROM,TO, such as "0,100Gi" or "10Gi,"')
    lower, upper = (quantities.parse(end) if end.strip() else Decimal(0) for end in ends)
    return lower, upper


def _capacity(wanted: str, of: Traits) -> bool:
    lower, upper = _range(wanted)
    return lower <= of.capacity and (not upper or of.capacity <= upper)


def _nfs(wanted: Mapping[str, str], of: Traits) -> bool:
    found = of.nfs
    return found is not None and all(not wanted.get(field) or wanted[field] == found.get(field)
                                     for field in ("server", "path"))


def _csi(wanted: Mapping[str, Any], of: Traits) -> bool:
    if of.csi is None or not wanted.get("driver"):
        return of.csi is not None
    attributes = of.csi.get("volumeAttributes") or {}
    return wanted["driver"] == of.csi.get("driver") and all(
        attributes.get(key) == value for key, value in (wanted.get("volumeAttributes") or {}).items())


_HOLDS: dict[str, Callable[[Any, Traits], bool]] = {
    "capacity": _capacity,
    "storageClass": lambda wanted, of: not wanted or of.storage_class in filter(None, wanted),
    "nfs": _nfs,
    "csi": _csi,
    "volumeTypes": lambda wanted, of: not wanted or any(_TYPES_OF_VELERO.get(name, name) in of.types
                                                        for name in wanted),
    "pvcLabels": lambda wanted, of: all(of.claim_labels.get(key) == value for key, value in wanted.items()),
    "pvcPhase": lambda wanted, of: not wanted or of.claim_phase in filter(None, wanted),
}
"""Condition → whether a volume meets it; takes what the policy says and the traits."""
