"""The namespace whose Jobs read directories of nodes: what its policies let in, whom install leaves it to."""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kubectl_ark import errors
from kubectl_ark.launch import installing, paths
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model.volume_work import VolumeWork
from kubectl_ark.render.volume_jobs import Place, volume_job
from tests.environment import Environment, own

pytestmark = pytest.mark.api

ARK = own("ark-hosts")
PLACE = f"{ARK}-volumes"
POD = "/var/lib/kubelet/pods/0b2fd1dc-2c1b-4ab3-9e4d-111122223333"
DIRECTORY = f"{POD}/volumes/kubernetes.io~empty-dir/data"
REFUSAL = "only kubectl-ark's own Jobs of volumes may run in this namespace"

Pod = dict[str, Any]


@pytest.fixture(scope="module")
def hosts(installed: installing.Plan) -> installing.Plan:
    return dataclasses.replace(
        installed, namespace=ARK, settings=dataclasses.replace(installed.settings, host_path_volumes=True))


@pytest.fixture(scope="module")
def job(kubectl: Kubectl, hosts: installing.Plan) -> Iterator[dict[str, Any]]:
    """A Job as a backup makes it, in the namespace that install made; the policies hold."""
    installing.apply(kubectl, hosts)
    made = volume_job(
        {"metadata": {"name": "nightly-1", "uid": "12345678-1234-1234-1234-123456789012"}}, hosts.settings,
        VolumeWork("t", "http://10.0.0.1:8473", "restic/shop/", "u", "/data/data"), cluster_id="c" * 36, deadline=60,
        place=Place(PLACE, "", node="n", directory=DIRECTORY))
    bad = _changed(made, lambda pod: pod.update(hostNetwork=True))
    for _ in range(100):
        if _refusal(kubectl, bad):
            break
        time.sleep(0.2)
    yield made
    installing.remove(kubectl, ARK)


def _refusal(kubectl: Kubectl, job: dict[str, Any]) -> str:
    try:
        kubectl.create(paths.jobs(PLACE), job, dry_run=True)
    except KubectlError as error:
        return error.message
    return ""


def _changed(job: dict[str, Any], change: Callable[[Pod], Any]) -> dict[str, Any]:
    job = copy.deepcopy(job)
    change(job["spec"]["template"]["spec"])
    return job


def _path(path: str) -> Callable[[Pod], Any]:
    return lambda pod: _data(pod)["hostPath"].update(path=path)


def _data(pod: Pod) -> dict[str, Any]:
    return dict(next(each for each in pod["volumes"] if each["name"] == "data"))


def _rights(**changed: Any) -> Callable[[Pod], Any]:
    return lambda pod: pod["containers"][0]["securityContext"].update(changed)


def _container(**changed: Any) -> Callable[[Pod], Any]:
    return lambda pod: pod["containers"][0].update(changed)


CHANGES: dict[str, Callable[[Pod], Any]] = {
    "the whole node": _path("/"), "the kubelet's root": _path("/var/lib/kubelet"), "a whole pod": _path(POD),
    "a pod's token": _path(f"{POD}/volumes/kubernetes.io~projected/kube-api-access"),
    "a pod's Secret": _path(f"{POD}/volumes/kubernetes.io~secret/s"),
    "what is in a volume": _path(f"{DIRECTORY}/sub"), "a directory above": _path(f"{POD}/volumes"),
    "a second directory": lambda pod: pod["volumes"].append({"name": "more", "hostPath": {"path": DIRECTORY}}),
    "any kind of file": lambda pod: _data(pod)["hostPath"].pop("type"),
    "a writable directory": lambda pod: pod["containers"][0]["volumeMounts"][-1].update(readOnly=False),
    "another mount": lambda pod: pod["containers"][0]["volumeMounts"][-1].update(mountPath="/opt/ark/app"),
    "a mount that passes on": lambda pod: pod["containers"][0]["volumeMounts"][-1].update(
        mountPropagation="HostToContainer"),
    "another image": _container(image="localhost/busybox:1"), "a command": _container(command=["sh"]),
    "other arguments": _container(args=["fetch"]),
    "a variable": _container(env=[{"name": "PYTHONPATH", "value": "/data"}]),
    "a second container": lambda pod: pod["containers"].append({**pod["containers"][0], "name": "more"}),
    "an init container": lambda pod: pod.update(initContainers=[{**pod["containers"][0], "name": "more"}]),
    "privileges": _rights(privileged=True, allowPrivilegeEscalation=True),
    "another capability": _rights(capabilities={"drop": ["ALL"], "add": ["DAC_READ_SEARCH"]}),
    "all capabilities": _rights(capabilities={}), "a writable root": _rights(readOnlyRootFilesystem=False),
    "no seccomp": lambda pod: pod["securityContext"].update(seccompProfile={"type": "Unconfined"}),
    "the node's processes": lambda pod: pod.update(hostPID=True),
    "an account": lambda pod: pod.update(serviceAccountName="other"),
    "a token": lambda pod: pod.update(automountServiceAccountToken=True),
}


def test_our_own_job_is_let_in(kubectl: Kubectl, job: dict[str, Any]) -> None:
    assert _refusal(kubectl, job) == ""


@pytest.mark.parametrize("change", CHANGES)
def test_a_job_is_refused_that_has(kubectl: Kubectl, job: dict[str, Any], change: str) -> None:
    assert REFUSAL in _refusal(kubectl, _changed(job, CHANGES[change]))


def test_no_bare_pod_and_no_cron_job_is_let_in(kubectl: Kubectl, job: dict[str, Any]) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": PLACE},
           "spec": job["spec"]["template"]["spec"]}
    cron = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c", "namespace": PLACE},
            "spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": job["spec"]["template"]}}}}
    for path, item in ((paths.core("pods", PLACE), pod), (f"/apis/batch/v1/namespaces/{PLACE}/cronjobs", cron)):
        with pytest.raises(KubectlError, match="only kubectl-ark's own Jobs"):
            kubectl.create(path, item, dry_run=True)


def test_every_policy_passes_the_servers_type_check(cluster: Environment, job: dict[str, Any]) -> None:
    for name in ("jobs", "cronjobs", "pods", "exec"):
        for _ in range(50):
            checked = cluster.get("validatingadmissionpolicy", f"{PLACE}-{name}").get("status") or {}
            if "typeChecking" in checked:
                break
            time.sleep(0.2)
        assert checked["typeChecking"] == {}


def test_switched_off_it_is_gone_and_uninstall_leaves_nothing_of_it(
        cluster: Environment, kubectl: Kubectl, hosts: installing.Plan) -> None:
    there = dataclasses.replace(hosts, namespace=own("ark-hosts-2"))
    installing.apply(kubectl, there)
    installing.apply(kubectl, dataclasses.replace(there, settings=dataclasses.replace(
        there.settings, host_path_volumes=False)))
    assert _left(cluster, f"{there.namespace}-volumes") == []
    installing.apply(kubectl, there)
    installing.remove(kubectl, there.namespace)
    assert _left(cluster, there.namespace) == []


def _left(cluster: Environment, name: str) -> list[str]:
    found = cluster.get("namespaces,validatingadmissionpolicies,validatingadmissionpolicybindings")["items"]
    return [each["metadata"]["name"] for each in found if each["metadata"]["name"].startswith(name)]


def test_a_namespace_of_that_name_that_others_made_is_refused_and_left(
        cluster: Environment, kubectl: Kubectl, hosts: installing.Plan) -> None:
    there = dataclasses.replace(hosts, namespace=own("ark-hosts-3"))
    place = f"{there.namespace}-volumes"
    cluster.run("create", "namespace", place)
    try:
        with pytest.raises(errors.KubectlFailed, match="made by others"):
            installing.apply(kubectl, there)
        installing.remove(kubectl, there.namespace)
        assert "pod-security.kubernetes.io/enforce" not in cluster.get("namespace", place)["metadata"]["labels"]
    finally:
        cluster.run("delete", "namespace", place, "--wait=false")
