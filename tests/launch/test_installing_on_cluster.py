"""Install and uninstall on a real API server: schemas, policies, idempotence, and what is left."""

from __future__ import annotations

import copy
import dataclasses
import json
import time
from typing import Any

import pytest

from kubectl_ark.launch import installing, jobs, paths
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import kinds
from tests.environment import Environment
from tests.launch.conftest import NAMESPACE

pytestmark = pytest.mark.api


def test_installing_again_changes_nothing_and_diff_shows_nothing(
        cluster: Environment, kubectl: Kubectl, installed: installing.Plan) -> None:
    objects = installing.basis(installed) + installing.storage(installed)
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    for flags in ((), ("--server-side", "--field-manager=kubectl-ark")):
        done = cluster.run("diff", *flags, "-f", "-", input=text, check=False)
        assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    installing.apply(kubectl, installed)
    before = cluster.get("configmap", "ark-settings", "-n", NAMESPACE)["metadata"]["resourceVersion"]
    installing.apply(kubectl, installed)
    assert cluster.get("configmap", "ark-settings", "-n", NAMESPACE)["metadata"]["resourceVersion"] == before


def test_every_crd_is_structural_and_established(cluster: Environment, installed: installing.Plan) -> None:
    for kind in kinds.ALL:
        crd = cluster.get("crd", kind.full_name)
        conditions = {each["type"]: each["status"] for each in crd["status"]["conditions"]}
        assert conditions["Established"] == "True" and "NonStructuralSchema" not in conditions


def test_every_policy_passes_the_servers_type_check(cluster: Environment, installed: installing.Plan) -> None:
    for name in ("jobs", "cronjobs", "pods", "exec"):
        for _ in range(50):
            checked = cluster.get("validatingadmissionpolicy", f"{NAMESPACE}-{name}").get("status") or {}
            if "typeChecking" in checked:
                break
            time.sleep(0.2)
        assert checked["typeChecking"] == {}


@pytest.fixture
def job(installed: installing.Plan) -> dict[str, Any]:
    """A Job as we make it, without an owner."""
    resource = {"kind": "Backup", "metadata": {"name": "policy", "namespace": NAMESPACE, "uid": "12345678"}}
    made = jobs.run_job(kinds.BACKUP, resource, installed.settings)
    del made["metadata"]["ownerReferences"]
    return made


def test_our_own_job_is_let_in(kubectl: Kubectl, job: dict[str, Any]) -> None:
    kubectl.create(paths.jobs(NAMESPACE), job, dry_run=True)


def container(job: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = job["spec"]["template"]["spec"]["containers"][0]
    return first


@pytest.mark.parametrize("change", [
    lambda job: container(job).update(image="evil:1"),
    lambda job: container(job).update(command=["sh"]),
    lambda job: container(job).update(name="sidecar"),
    lambda job: container(job)["env"].append({"name": "PYTHONPATH", "value": "/tmp"}),
    lambda job: container(job)["volumeMounts"].append({"name": "scratch", "mountPath": "/opt/ark/app"}),
    lambda job: container(job).update(livenessProbe={"exec": {"command": ["sh"]}}),
    lambda job: container(job).update(readinessProbe={"exec": {"command": ["sh"]}}),
    lambda job: container(job).update(lifecycle={"postStart": {"exec": {"command": ["sh"]}}}),
    lambda job: job["spec"]["template"]["spec"].update(serviceAccountName="default"),
    lambda job: job["spec"]["template"]["spec"].pop("serviceAccountName"),
    lambda job: job["spec"]["template"]["spec"].update(initContainers=[{**container(job), "name": "init"}]),
    lambda job: job["metadata"].update(name="ark-fetch-in-disguise"),
])
def test_anything_else_is_kept_out(kubectl: Kubectl, job: dict[str, Any], change: Any) -> None:
    changed = copy.deepcopy(job)
    del changed["spec"]["podFailurePolicy"]
    change(changed)
    with pytest.raises(KubectlError, match="ValidatingAdmissionPolicy"):
        kubectl.create(paths.jobs(NAMESPACE), changed, dry_run=True)


def test_a_bare_pod_is_held_to_the_same_rules(kubectl: Kubectl, job: dict[str, Any]) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": NAMESPACE},
           "spec": copy.deepcopy(job["spec"]["template"]["spec"])}
    kubectl.create(paths.core("pods", NAMESPACE), pod, dry_run=True)
    pod["spec"]["containers"][0]["command"] = ["sh"]
    with pytest.raises(KubectlError, match="ValidatingAdmissionPolicy"):
        kubectl.create(paths.core("pods", NAMESPACE), pod, dry_run=True)


def test_a_typo_in_a_jobspec_or_spec_is_an_error(kubectl: Kubectl, job: dict[str, Any]) -> None:
    with pytest.raises(KubectlError, match="backofLimit"):
        kubectl.create(paths.jobs(NAMESPACE), {**job, "spec": {**job["spec"], "backofLimit": 1}}, dry_run=True)
    backup = {"apiVersion": kinds.API_VERSION, "kind": "Backup", "metadata": {"name": "b", "namespace": NAMESPACE},
              "spec": {"includedNamespace": ["a"]}}
    with pytest.raises(KubectlError, match="includedNamespace"):
        kubectl.create(paths.custom(kinds.BACKUP, NAMESPACE), backup, dry_run=True)


def test_uninstall_leaves_nothing_of_that_namespace(
        cluster: Environment, kubectl: Kubectl, installed: installing.Plan) -> None:
    other = dataclasses.replace(installed, namespace="ark-launch-2")
    installing.apply(kubectl, other)
    lines = installing.remove(kubectl, "ark-launch-2")
    assert any("namespace" in line for line in lines)
    kinds_made = ("clusterroles,clusterrolebindings,validatingadmissionpolicies,"
                  "validatingadmissionpolicybindings,namespaces")
    left = [each["metadata"]["name"] for each in cluster.get(kinds_made)["items"]]
    assert not [name for name in left if name.startswith("ark-launch-2")]
    # The first installation still needs the CRDs.
    assert cluster.run("get", "crd", kinds.BACKUP.full_name).returncode == 0
    assert installing.remove(kubectl, "ark-launch-2") == []


def test_a_namespace_that_install_did_not_make_is_left_alone(cluster: Environment, kubectl: Kubectl) -> None:
    cluster.run("create", "namespace", "not-arks")
    installing.remove(kubectl, "not-arks")
    assert cluster.get("namespace", "not-arks")["status"]["phase"] == "Active"
    cluster.run("delete", "namespace", "not-arks", "--wait=false")
