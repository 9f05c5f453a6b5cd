"""Where a volume's Job must run, and as whom: what follows from the claim and the pod that uses it. Pure."""

from __future__ import annotations

import dataclasses
from typing import Any

from kubectl_ark.model import names, pod_directories
from kubectl_ark.model.settings import Settings
from kubectl_ark.render.volume_jobs import Place

SHARED = frozenset({"ReadWriteMany", "ReadOnlyMany"})
ONE_POD = "ReadWriteOncePod"

Object = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Subject:
    """One volume of a pod, or a claim that no pod uses.

    pod: {} fields where there is none. volume: its name there. claim_name: None for a volume of another kind. claim,
    persistent (its PersistentVolume): None where there is none, or where it is not there.
    """

    pod: Object
    volume: str
    claim_name: str | None
    claim: Object | None = None
    persistent: Object | None = None

    @property
    def shut(self) -> str:
        """Why no other pod can mount it, as half a sentence; "" if one can."""
        if self.claim_name is None:
            return "it is no claim: no pod but its own can mount it"
        modes = ((self.claim or {}).get("spec") or {}).get("accessModes") or ()
        in_use = (self.pod.get("spec") or {}).get("nodeName")
        return f"its access mode is {ONE_POD}: no pod but its own may mount it" if ONE_POD in modes and in_use else ""


def refusal(subject: Subject, settings: Settings) -> str:
    """Why no Job can get at the volume, as half a sentence; "" if one can."""
    if subject.claim_name is not None and subject.claim is None:
        return "its claim is gone"
    if not subject.shut:
        return ""
    if not settings.host_path_volumes:
        return (f'{subject.shut}; "kubectl ark install --host-path-volumes" lets it be saved from the directory that '
                "its node has for it")
    try:
        _directory(subject, settings)
    except pod_directories.NoDirectory as fault:
        return f"{subject.shut}, and {fault}"
    return ""


def place_of(subject: Subject, settings: Settings, *, ark: str) -> Place:
    """On the pod's node, if the volume can be had nowhere else meanwhile; with the pod's tolerations.

    settings, ark: of the installation and its namespace; they count where no second pod can mount the volume.
    Raises NoDirectory for what ``refusal`` refuses.
    """
    pod, spec = subject.pod, subject.pod.get("spec") or {}
    tolerations = tuple(spec.get("tolerations") or ())
    if subject.shut:
        return Place(names.host_path_namespace(ark), "", node=spec["nodeName"], tolerations=tolerations,
                     directory=_directory(subject, settings))
    claim = subject.claim or {}
    shared = SHARED & set((claim.get("spec") or {}).get("accessModes") or ())
    user, groups = user_of(pod, subject.volume)
    return Place(claim["metadata"]["namespace"], claim["metadata"]["name"],
                 node=None if shared else spec.get("nodeName"), tolerations=tolerations,
                 user=user, group=_security(pod, subject.volume, "runAsGroup"), groups=groups)


def _directory(subject: Subject, settings: Settings) -> str:
    if subject.claim_name is not None and subject.persistent is None:
        raise pod_directories.NoDirectory("its PersistentVolume is not there")
    return pod_directories.path(subject.pod, subject.volume, subject.persistent, root=settings.kubelet_root)


def place_to_fill(pod: Object, namespace: str, claim: str, volume: str, *, node: str | None) -> Place:
    """Where a pod that is yet to come back will find its claim filled. pod: as it was saved, {} if there is none.

    A claim that is provisioned where its first user is must be where the pod may be. node: one that is settled.
    """
    spec = pod.get("spec") or {}
    user, groups = user_of(pod, volume)
    affinity = dict((spec.get("affinity") or {}).get("nodeAffinity") or {})
    return Place(namespace, claim, node=node, selector=spec.get("nodeSelector") or {}, affinity=affinity,
                 tolerations=tuple(spec.get("tolerations") or ()), user=user,
                 group=_security(pod, volume, "runAsGroup"), groups=groups,
                 owner_group=(spec.get("securityContext") or {}).get("fsGroup"))


def user_of(pod: Object, volume: str) -> tuple[int | None, tuple[int, ...]]:
    """The user and the groups by which the workload itself reads a volume; None where its image says who it is."""
    own = (pod.get("spec") or {}).get("securityContext") or {}
    user = _security(pod, volume, "runAsUser")
    groups = [*(own.get("supplementalGroups") or ()), *([own["fsGroup"]] if own.get("fsGroup") else ())]
    return (user if user else None), tuple(dict.fromkeys(groups))


def _security(pod: Object, volume: str, field: str) -> int | None:
    """A number of the security context of the first container that mounts the volume, else of the pod's."""
    spec = pod.get("spec") or {}
    for container in spec.get("containers") or ():
        if any(each.get("name") == volume for each in container.get("volumeMounts") or ()):
            given: int | None = (container.get("securityContext") or {}).get(field)
            if given is not None:
                return given
            break
    general: int | None = (spec.get("securityContext") or {}).get(field)
    return general
