"""In which order kinds come back (Velero's pkg/cmd/server/config, restore priorities of 1.18)."""

from __future__ import annotations

from collections.abc import Iterable

CRDS = "customresourcedefinitions.apiextensions.k8s.io"
NAMESPACES = "namespaces"
VOLUMES = "persistentvolumes"
CLAIMS = "persistentvolumeclaims"

FIRST = (
    CRDS, NAMESPACES, "storageclasses.storage.k8s.io", "volumesnapshotclasses.snapshot.storage.k8s.io",
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

LAST = (
    "clusterbootstraps.run.tanzu.vmware.com", "clusters.cluster.x-k8s.io",
    "clusterresourcesets.addons.cluster.x-k8s.io", "apps.kappctrl.k14s.io",
    "packageinstalls.packaging.carvel.dev",
)

_RANKS = {**{name: index - len(FIRST) for index, name in enumerate(FIRST)},
          **{name: index + 1 for index, name in enumerate(LAST)}}


def ordered(group_resources: Iterable[str]) -> list[str]:
    """The kinds in restore order: FIRST, then by name, then LAST."""
    return sorted(set(group_resources), key=lambda name: (_RANKS.get(name, 0), name))
