"""Where a volume's Job must run, and as whom: what follows from the claim and the pod that uses it. Pure."""

from __future__ import annotations

from typing import Any

from kubectl_ark.render.volume_jobs import Place

SHARED = frozenset({"ReadWriteMany", "ReadOnlyMany"})
ONE_POD = "ReadWriteOncePod"

Object = dict[str, Any]


def refusal(claim: Object | None, name: str | None) -> str:
    """Why no Job can mount the volume; "" if one can. claim: None where it is not there. name: of the claim, None for
    a volume of another kind."""
    if name is None:
        return "only claims can be saved by restic in this version"
    if claim is None:
        return "its claim is gone"
    if ONE_POD in ((claim.get("spec") or {}).get("accessModes") or ()):
        return f"its access mode is {ONE_POD}: no pod but its own may mount it"
    return ""


def place_of(pod: Object, claim: Object, volume: str) -> Place:
    """On the pod's node, if no other node can mount the claim meanwhile; with the pod's tolerations. volume: its name
    in the pod."""
    spec = pod.get("spec") or {}
    shared = SHARED & set((claim.get("spec") or {}).get("accessModes") or ())
    user, groups = user_of(pod, volume)
    return Place(claim["metadata"]["namespace"], claim["metadata"]["name"],
                 node=None if shared else spec.get("nodeName"), tolerations=tuple(spec.get("tolerations") or ()),
                 user=user, group=_security(pod, volume, "runAsGroup"), groups=groups)


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
