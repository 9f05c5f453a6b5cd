"""Volumes that no second pod can mount: saved from their node's directory where that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.ark import Answer, Ark
from tests.e2e.stateful import CLASS, Stateful
from tests.e2e.volumejobs import jobs_in, scene
from tests.environment import own

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("host-paths")]

OPT_IN = {"backup.ark.heptio.com/backup-volumes": "data"}
RUN = "directories"
WRITES = "echo kept > /data/file; chown 1234:4321 /data/file; chmod 600 /data/file; while true; do sleep 0.2; done"

Object = dict[str, Any]


@pytest.fixture(scope="module")
def hosts(ark: Ark) -> Iterator[Ark]:
    """An Ark that may read directories of nodes."""
    hosts = ark.in_namespace(own("ark-hosts"))
    hosts(*hosts.install_arguments(kubelet_root=ark.cluster.kubelet_root), "--host-path-volumes")
    yield hosts
    hosts("uninstall", "--yes", timeout=320)


@pytest.fixture(scope="module")
def shop(hosts: Ark) -> Iterator[Stateful]:
    """A pod with an emptyDir, one with one in memory, and one with a claim that is for it alone."""
    with scene(hosts, "directories") as shop:
        disk = shop.root / "disk"
        disk.mkdir(parents=True)
        node = hosts.cluster.get("nodes")["items"][0]["metadata"]["name"]
        hosts.cluster.apply(
            {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": shop.volume_name("disk")}, "spec": {
                "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOncePod"], "storageClassName": CLASS,
                "persistentVolumeReclaimPolicy": "Delete", "local": {"path": str(disk)},
                "claimRef": {"namespace": shop.namespace, "name": "disk"},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchFields": [
                    {"key": "metadata.name", "operator": "In", "values": [node]}]}]}}}},
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim",
             "metadata": {"name": "disk", "namespace": shop.namespace},
             "spec": {"accessModes": ["ReadWriteOncePod"], "storageClassName": CLASS, "volumeName": shop.volume_name(
                 "disk"), "resources": {"requests": {"storage": "1Gi"}}}},
            pod(shop, "plain", {"emptyDir": {}}), pod(shop, "memory", {"emptyDir": {"medium": "Memory"}}),
            pod(shop, "single", {"persistentVolumeClaim": {"claimName": "disk"}}))
        hosts.cluster.run("wait", "--for=condition=Ready", "pod", "--all", "-n", shop.namespace, "--timeout=90s")
        yield shop


def pod(shop: Stateful, name: str, volume: Object, **spec: Any) -> Object:
    """A pod that writes a file for another user into its volume, and is ready then."""
    container = {"name": "main", "image": "localhost/busybox:1", "imagePullPolicy": "IfNotPresent",
                 "command": ["sh", "-c", WRITES], "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                 "readinessProbe": {"exec": {"command": ["test", "-f", "/data/file"]}, "periodSeconds": 1}}
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": shop.namespace, "annotations": OPT_IN},
            "spec": {"terminationGracePeriodSeconds": 0, **spec, "volumes": [{"name": "data", **volume}],
                     "containers": [container]}}


def volumes_of(hosts: Ark, run: str) -> dict[str, Object]:
    """The PodVolumeBackups of a backup by their pods."""
    uid = hosts.get("backup", run)["metadata"]["uid"]
    found = hosts.api.get(f"/apis/ark.heptio.com/v1/namespaces/{hosts.namespace}/podvolumebackups")["items"]
    return {each["spec"]["pod"]["name"]: each for each in found if each["metadata"]["ownerReferences"][0]["uid"] == uid}


@pytest.fixture(scope="module")
def run(hosts: Ark, shop: Stateful) -> Answer:
    """One backup of all of them."""
    return hosts("backup", RUN, "--include-namespaces", shop.namespace, "--wait")


@pytest.mark.parametrize("name", ["plain", "memory", "single"])
def test_what_no_second_pod_can_mount_is_saved_from_the_directory_that_its_node_has(
        hosts: Ark, shop: Stateful, run: Answer, name: str) -> None:
    volume = volumes_of(hosts, RUN)[name]
    assert volume["status"]["phase"] == "Completed" and volume["status"]["filesTotal"] == 1, volume["status"]
    assert volume["status"]["job"]["namespace"] == f"{hosts.namespace}-volumes"
    assert ("ark.heptio.com/pvc-name" in (volume["metadata"].get("annotations") or {})) is (name == "single")
    assert hosts.status("backup", RUN)["phase"] == "Completed" and not hosts.status("backup", RUN).get("warnings")
    assert jobs_in(hosts, shop.namespace) == []


def test_its_jobs_mount_that_directory_alone_and_read_only(hosts: Ark, shop: Stateful, run: Answer) -> None:
    jobs = jobs_in(hosts, f"{hosts.namespace}-volumes")
    assert len(jobs) == 3
    for job in jobs:
        spec = job["spec"]["template"]["spec"]
        [path] = [each["hostPath"]["path"] for each in spec["volumes"] if "hostPath" in each]
        assert path.startswith(f"{hosts.cluster.kubelet_root}/pods/") and "/volumes/kubernetes.io~" in path
        assert spec["automountServiceAccountToken"] is False
        assert spec["containers"][0]["securityContext"]["capabilities"]["add"] == ["DAC_OVERRIDE"]


def test_without_the_flag_they_are_left_out_with_a_warning_that_names_it(
        ark: Ark, shop: Stateful, name: str) -> None:
    ark("backup", name, "--include-namespaces", shop.namespace, "--wait")
    told = ark.details("backup", name)
    for line in (f"pod {shop.namespace}/plain: the data of volume data is not saved: it is no claim",
                 f"{shop.namespace}/disk: object only, data not saved: its access mode is ReadWriteOncePod"):
        [found] = [each for each in told.splitlines() if line in each]
        assert "kubectl ark install --host-path-volumes" in found, found


def test_a_kubelets_root_that_is_none_ends_in_a_sentence_and_no_hang(hosts: Ark, shop: Stateful, name: str) -> None:
    hosts(*hosts.install_arguments(kubelet_root="/nowhere/kubelet"))
    try:
        hosts("backup", name, "--include-namespaces", shop.namespace, "--include-resources", "pods", "--wait", code=3)
        told = hosts.details("backup", name)
        assert "hostPath type check failed" in told and "install --kubelet-root" in told, told
    finally:
        hosts(*hosts.install_arguments(kubelet_root=hosts.cluster.kubelet_root))
