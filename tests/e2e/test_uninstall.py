"""``uninstall`` at the end of all tests: nothing of kubectl-ark is left in the cluster, everything in the bucket."""

from __future__ import annotations

import pytest

from tests.e2e.ark import Ark
from tests.e2e.bucket import Bucket

pytestmark = [pytest.mark.node, pytest.mark.alone]


def test_it_leaves_nothing_in_the_cluster_and_the_bucket_as_it_was(ark: Ark, bucket: Bucket, name: str) -> None:
    ark("backup", name, "--include-namespaces", "kube-public", "--wait")
    stored = bucket.keys()
    for namespace in _arks(ark):
        ark("uninstall", "--yes", "-n", namespace, timeout=320)
    assert _traces(ark) == []
    assert bucket.keys() == stored and f"backups/{name}/velero-backup.json" in stored
    assert "is not installed" in ark("backup", "b", code=1).err or "install" in ark("backup", "b", code=1).err


def test_after_a_new_install_the_backups_in_the_bucket_can_be_restored(ark: Ark, bucket: Bucket) -> None:
    ark(*ark.install_arguments())
    backup = next(key.split("/")[1] for key in bucket.keys("backups/") if key.endswith("/velero-backup.json"))
    assert "Completed" in ark("restore", "again", "--from-backup", backup, "--include-resources", "configmaps",
                              "--wait").out


def _arks(ark: Ark) -> list[str]:
    """Namespaces that kubectl-ark is installed in, other tests' too."""
    return ark.cluster.run("get", "namespaces", "-l", "app.kubernetes.io/managed-by=kubectl-ark", "-o",
                           "jsonpath={.items[*].metadata.name}").stdout.split()


def _traces(ark: Ark) -> list[str]:
    """Cluster-scoped objects that are kubectl-ark's by name or label."""
    kinds = ark.cluster.run("api-resources", "--namespaced=false", "--verbs=list", "-o", "name").stdout.split()
    found = ark.cluster.get(",".join(kinds))["items"]
    return [f"{each['kind']} {each['metadata']['name']}" for each in found
            if "ark.heptio.com" in each["metadata"]["name"] or each["metadata"]["name"].startswith(ark.namespace)
            and not each["metadata"]["name"].startswith(f"{ark.namespace}-many")
            or (each["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") == "kubectl-ark"]
