"""One volume of a pod, or one claim: what is behind it, and what keeps restic from saving its files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Object = Mapping[str, Any]

_NEVER = {
    **dict.fromkeys(("secret", "configMap", "projected", "downwardAPI"), "its files are made from objects"),
    "image": "its files are an image's", "hostPath": "it is a directory of the node",
}
"""Kind of a pod's volume → why its files are never saved."""

_TOKEN = "default-token"
"""What the names of volumes with the default account's token began with."""


@dataclasses.dataclass(frozen=True)
class Volume:
    """claim and persistent (its PersistentVolume) are {} where there is none."""

    name: str
    """In the pod; the claim's own where there is no pod."""
    claim_name: str | None = None
    claim: Object = dataclasses.field(default_factory=dict)
    persistent: Object = dataclasses.field(default_factory=dict)
    entry: Object = dataclasses.field(default_factory=dict)
    """What the pod's spec says of it."""

    @property
    def driver(self) -> str:
        """The CSI driver behind it; "" for another volume and for one that is not bound."""
        source = (self.persistent.get("spec") or {}).get("csi") or {}
        return "" if self.unbound else str(source.get("driver") or "")

    @property
    def unbound(self) -> str:
        """Why there is nothing behind the claim, as half a sentence; "" if there is, or if it is no claim."""
        if self.claim_name is None:
            return ""
        if not self.claim:
            return f"its claim {self.claim_name} is not there"
        return "" if self._phase == "Bound" else f"its claim is not bound ({self._phase})"

    @property
    def had_data(self) -> bool:
        """False for what is no claim, and for a claim that never had a volume."""
        return bool(self.claim) and (self._phase != "Pending" or bool((self.claim.get("spec") or {}).get("volumeName")))

    @property
    def is_block(self) -> bool:
        """True for a device without a file system."""
        return any((each.get("spec") or {}).get("volumeMode") == "Block" for each in (self.claim, self.persistent))

    @property
    def _phase(self) -> str:
        return str((self.claim.get("status") or {}).get("phase") or "Pending")


def of_entry(entry: Object, pod: Object, *, claims: Mapping[str, Object], volumes: Mapping[str, Object]) -> Volume:
    """The volume that an entry of the pod's ``spec.volumes`` means. claims, volumes: by name."""
    name = None
    if "persistentVolumeClaim" in entry:
        name = entry["persistentVolumeClaim"]["claimName"]
    elif "ephemeral" in entry:
        name = f"{pod['metadata']['name']}-{entry['name']}"
    claim = claims.get(name) or {} if name else {}
    persistent = volumes.get((claim.get("spec") or {}).get("volumeName") or "") or {}
    return Volume(entry["name"], name, claim, persistent, entry)


def never(entry: Object) -> str:
    """Why an entry of a pod's ``spec.volumes`` holds nothing to save, as half a sentence; "" if it may."""
    if entry["name"].startswith(_TOKEN):
        return "it holds the account's token"
    return next((reason for kind, reason in _NEVER.items() if kind in entry), "")


def obstacle(volume: Volume, pod: Object) -> str:
    """Why restic cannot save a volume of the pod, as half a sentence; "" if it can."""
    phase = (pod.get("status") or {}).get("phase") or "Pending"
    if volume.unbound:
        return volume.unbound
    if volume.is_block or _uses(pod, "volumeDevices", volume.name):
        return "it is a block device"
    if phase != "Running":
        return f"its pod is not running ({phase})"
    return "" if _uses(pod, "volumeMounts", volume.name) else "no container mounts it"


def _uses(pod: Object, field: str, name: str) -> bool:
    """True if a container that runs as long as the pod does names the volume in this field."""
    return any(each["name"] == name for container in _lasting(pod.get("spec") or {})
               for each in container.get(field) or ())


def _lasting(spec: Object) -> Iterator[Object]:
    yield from spec.get("containers") or ()
    yield from _sidecars(spec.get("initContainers") or ())


def _sidecars(containers: Iterable[Object]) -> Iterator[Object]:
    return (each for each in containers if each.get("restartPolicy") == "Always")
