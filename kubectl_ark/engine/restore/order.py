"""In which order kinds come back (Velero's pkg/cmd/server/config, restore priorities of 1.18)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

CRDS = "customresourcedefinitions.apiextensions.k8s.io"
NAMESPACES = "namespaces"
VOLUMES = "persistentvolumes"
CLAIMS = "persistentvolumeclaims"
PODS = "pods"
STORAGE_CLASSES = "storageclasses.storage.k8s.io"

FIRST = (
    CRDS, NAMESPACES, STORAGE_CLASSES, "volumesnapshotclasses.snapshot.storage.k8s.io",
    "volumesnapshotcontents.snapshot.storage.k8s.io", "volumesnapshots.snapshot.storage.k8s.io",
    "datauploads.velero.io", VOLUMES, CLAIMS, "clusterroles.rbac.authorization.k8s.io",
    "roles.rbac.authorization.k8s.io", "serviceaccounts", "clusterrolebindings.rbac.authorization.k8s.io",
    "rolebindings.rbac.authorization.k8s.io", "secrets", "configmaps", "priorityclasses.scheduling.k8s.io", "pods",
    "limitranges", "replicasets.apps", "clusterclasses.cluster.x-k8s.io", "endpoints",
    "services",
)
"""Pods before ReplicaSets before Deployments: each controller then adopts by its selector what stands there already
instead of making its own, since ownerReferences are dropped. One place differs from Velero: LimitRanges come after the
pods that are restored as they were, or admission would add limits to a pod that is older than its LimitRange (tried)
and its spec would not come back equal; pods that controllers make later do get them."""

BEFORE_PODS = frozenset(FIRST[:FIRST.index(PODS)])
"""Kinds that no pod comes from: while they come back, claims may still be filled."""

LAST = (
    "clusterbootstraps.run.tanzu.vmware.com", "clusters.cluster.x-k8s.io",
    "clusterresourcesets.addons.cluster.x-k8s.io", "apps.kappctrl.k14s.io",
    "packageinstalls.packaging.carvel.dev",
)


def ordered(group_resources: Iterable[str], *, high: Sequence[str] = (), low: Sequence[str] = ()) -> list[str]:
    """The kinds in restore order: FIRST, then by name, then LAST.

    high: what one run wants before all others, in this order; low: after them. The others keep their places between:
    who wants Secrets first does not lose "volumes before claims" by it.
    """
    first = [*high, *(name for name in FIRST if name not in high and name not in low)]
    last = [*(name for name in LAST if name not in high and name not in low), *low]
    ranks = {**{name: index - len(first) for index, name in enumerate(first)},
             **{name: index + 1 for index, name in enumerate(last)}}
    return sorted(set(group_resources), key=lambda name: (ranks.get(name, 0), name))


def priorities(words: Sequence[str], resolve: Callable[[str], str]) -> tuple[list[str], list[str]]:
    """(high, low) of spec.resourcePriorities: "a,b,-,z", as Velero's --restore-resource-priorities."""
    end = words.index("-") if "-" in words else len(words)
    return [resolve(word) for word in words[:end]], [resolve(word) for word in words[end + 1:]]
