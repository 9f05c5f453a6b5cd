"""Which volumes have their data saved, and how: policies, annotations of pods and defaults (ark-format.md §7).

The table is in the README, "Which volumes are saved". A pod's volumes are asked about with ``of_pod``, a claim that no
running pod uses with ``of_claim``; ``best`` tells what counts where several answers are about one claim.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from kubectl_ark.model import pod_volumes, volume_policies
from kubectl_ark.model.pod_volumes import Object, Volume
from kubectl_ark.model.volume_policies import Action

OPT_IN = ("backup.ark.heptio.com/backup-volumes", "backup.velero.io/backup-volumes")
"""Annotations of a pod: names of its volumes to save, with commas. Both count."""

OPT_OUT = ("backup.ark.heptio.com/backup-volumes-excludes", "backup.velero.io/backup-volumes-excludes")
"""Annotations of a pod: names of its volumes not to save."""


class Method(enum.Enum):
    """How the data of a volume is saved; the better one first."""

    RESTIC = "restic"
    SNAPSHOT = "snapshot"
    SKIP = "skip"
    """Not at all."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """What becomes of one volume's data."""

    volume: str
    """Its name in the pod; the claim's own where no pod was asked."""
    claim: str | None
    """Name of its claim; None for a volume that has none, such as an emptyDir."""
    method: Method
    reason: str = ""
    """Why the data is not saved, as half a sentence ("its pod opts it out"); "" if it is."""
    warn: bool = False
    """True if somebody might count on this data, and it is not saved."""


@dataclasses.dataclass(frozen=True)
class _Case:
    """One volume with all that was said of it."""

    volume: Volume
    policy: Action | None
    obstacle: str
    """Why restic cannot save it, "" if it can."""
    not_chosen: str = ""
    """Why it is not to be saved where no policy speaks, "" if it is."""
    on_purpose: bool = False
    """True if somebody did not choose it, rather than nobody chose it."""
    by_name: bool = False
    """True if its pod opts it in."""


def of_pod(
    pod: Object, *, claims: Mapping[str, Object], volumes: Mapping[str, Object], by_default: bool,
    policies: Sequence[Mapping[str, Any]], snapshots: bool = False, drivers: Container[str] = frozenset(),
) -> list[Choice]:
    """One Choice for each volume of the pod that may hold data of its own, in the pod's order.

    A volume that never does (a ConfigMap's, say) is there only if the pod opts it in, and so is a name that is none of
    its volumes. claims: of the pod's namespace, by name. volumes: PersistentVolumes by name. by_default: what
    ``backup_spec.saves_by_default`` says. policies: what ``resource_policy.volumes`` says. snapshots: whether to take
    one of what restic does not save. drivers: CSI drivers that have a snapshot class.
    """
    asked, refused = _named(pod, OPT_IN), _named(pod, OPT_OUT)
    entries = (pod.get("spec") or {}).get("volumes") or ()
    found = []
    for entry in entries:
        name = entry["name"]
        if never := pod_volumes.never(entry):
            if name in asked:
                found.append(Choice(name, None, Method.SKIP, never, warn="hostPath" in entry))
            continue
        volume = pod_volumes.of_entry(entry, pod, claims=claims, volumes=volumes)
        by_name = name in asked
        opted_out = name in refused and (by_default or not by_name)
        case = _Case(volume, _policy(volume, policies), pod_volumes.obstacle(volume, pod), by_name=by_name,
                     on_purpose=opted_out, not_chosen="its pod opts it out" if opted_out else
                     "" if by_default or by_name else "not opted in")
        found.append(_decided(case, snapshots=snapshots, drivers=drivers))
    present = {entry["name"] for entry in entries}
    return found + [Choice(name, None, Method.SKIP, "the pod has no volume of this name", warn=True)
                    for name in asked if name not in present]


def of_claim(
    claim: Object, volume: Object | None, *, policies: Sequence[Mapping[str, Any]], include_unmounted: bool,
    snapshots: bool = False, drivers: Container[str] = frozenset(),
) -> Choice:
    """What becomes of a claim that no running pod uses. volume: its PersistentVolume, None if that is not known.

    include_unmounted: the Backup's ``includeUnmountedClaims``. The rest is as for ``of_pod``.
    """
    name = claim["metadata"]["name"]
    found = Volume(name, name, claim, volume or {})
    block = "it is a block device" if found.is_block else ""
    obstacle = found.unbound or block or ("" if include_unmounted else "no running pod uses it")
    return _decided(_Case(found, _policy(found, policies), obstacle), snapshots=snapshots, drivers=drivers)


def best(choices: Iterable[Choice]) -> Choice:
    """What counts of several answers about one claim: better saved than not, better on purpose than by oversight."""
    order = list(Method)
    return min(choices, key=lambda each: (order.index(each.method), each.warn))


def _decided(case: _Case, *, snapshots: bool, drivers: Container[str]) -> Choice:
    can_snapshot = bool(case.volume.driver) and case.volume.driver in drivers
    if case.policy is Action.SKIP:
        return _choice(case, Method.SKIP, "its policy says skip")
    if case.policy is Action.SNAPSHOT:
        return _choice(case, Method.SNAPSHOT) if can_snapshot else _lost(
            case, f"its policy says snapshot, but {_no_snapshot(case.volume)}")
    if case.policy is Action.RESTIC:
        return _lost(case, f"its policy says fs-backup, but {case.obstacle}") if case.obstacle else _choice(
            case, Method.RESTIC)
    if not case.not_chosen and not case.obstacle:
        return _choice(case, Method.RESTIC)
    if snapshots and can_snapshot:
        return _choice(case, Method.SNAPSHOT)
    if case.on_purpose:
        return _choice(case, Method.SKIP, case.not_chosen)
    return _lost(case, case.not_chosen or case.obstacle)


def _choice(case: _Case, method: Method, reason: str = "", *, warn: bool = False) -> Choice:
    return Choice(case.volume.name, case.volume.claim_name, method, reason, warn)


def _lost(case: _Case, reason: str) -> Choice:
    """Left out though nobody meant to: worth a warning for a claim with data, and for what the pod opts in."""
    asked_for = case.by_name and case.volume.claim_name is None
    return _choice(case, Method.SKIP, reason, warn=case.volume.had_data or asked_for)


def _no_snapshot(volume: Volume) -> str:
    if volume.unbound:
        return volume.unbound
    return f"its driver {volume.driver} has no snapshot class" if volume.driver else "it is no CSI volume"


def _policy(volume: Volume, policies: Sequence[Mapping[str, Any]]) -> Action | None:
    if not policies:
        return None
    return volume_policies.action(policies, volume_policies.traits(
        pod_volume=volume.entry, claim=volume.claim, volume=volume.persistent))


def _named(pod: Object, annotations: Sequence[str]) -> dict[str, None]:
    """The names in these annotations, each once, in their order."""
    given = pod["metadata"].get("annotations") or {}
    return dict.fromkeys(name for key in annotations for name in map(str.strip, (given.get(key) or "").split(","))
                         if name)
