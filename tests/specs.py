"""Backup specs in which every field of the CRD says something, for whoever must show what becomes of each field.

There are two, since the two families of filters exclude each other. ``accepted`` leaves out what this version refuses.
"""

from __future__ import annotations

from typing import Any

from kubectl_ark.model import backup_spec

_COMMON: dict[str, Any] = {
    "metadata": {"labels": {"team": "shop"}},
    "excludedNamespaces": ["kube-*", "no-such-namespace"],
    "ttl": "25h30m0s",
    "storageLocation": "default",
    "snapshotVolumes": True,
    "volumeSnapshotLocations": ["aws-default"],
    "volumeGroupSnapshotLabelKey": "velero.io/volume-group",
    "defaultVolumesToFsBackup": False,
    "defaultVolumesToRestic": False,
    "snapshotMoveData": False,
    "datamover": "velero",
    "uploaderConfig": {"parallelFilesUpload": 4},
    "includeUnmountedClaims": True,
    "csiSnapshotTimeout": "10m0s",
    "itemOperationTimeout": "4h0m0s",
    "orderedResources": {"configmaps": "default/b,default/a"},
    "qps": 250,
    "parallel": 4,
    "hooks": {"resources": [{
        "name": "freeze", "includedNamespaces": ["*"], "excludedNamespaces": ["kube-system"],
        "includedResources": ["pods"], "excludedResources": ["secrets"],
        "labelSelector": {"matchLabels": {"app": "db"}, "matchExpressions": [{"key": "tier", "operator": "Exists"}]},
        "pre": [{"exec": {"container": "db", "command": ["/bin/freeze"], "onError": "Fail", "timeout": "20s"}}],
        "post": [{"exec": {"command": ["/bin/thaw"], "onError": "Continue"}}],
    }]},
}

WITH_OLD_FILTERS: dict[str, Any] = {
    **_COMMON,
    "includedResources": ["configmaps", "deployments.apps", "sa"],
    "excludedResources": ["events", "endpointslices.discovery.k8s.io"],
    "includeClusterResources": True,
    "labelSelector": {"matchLabels": {"app": "web"}, "matchExpressions": [
        {"key": "tier", "operator": "NotIn", "values": ["test", "scratch"]}]},
}

WITH_SCOPED_FILTERS: dict[str, Any] = {
    **_COMMON,
    "includedClusterScopedResources": ["clusterroles", "persistentvolumes"],
    "excludedClusterScopedResources": ["volumesnapshotcontents.snapshot.storage.k8s.io"],
    "includedNamespaceScopedResources": ["configmaps", "deployments.apps"],
    "excludedNamespaceScopedResources": ["secrets"],
    "orLabelSelectors": [{"matchLabels": {"app": "web"}}, {"matchExpressions": [
        {"key": "app", "operator": "In", "values": ["db", "web"]}]}],
    "resourcePolicy": {"kind": "configmap", "name": "policies"},
}


def accepted(spec: dict[str, Any], *, namespace: str) -> dict[str, Any]:
    """What of the spec this version acts on, for one namespace."""
    refused = {field for field, value in spec.items()
               if any("does not support it yet" in each for each in backup_spec.problems({field: value}))}
    return {"includedNamespaces": [namespace], **{key: value for key, value in spec.items() if key not in refused}}
