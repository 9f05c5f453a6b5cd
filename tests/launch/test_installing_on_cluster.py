"""Install and uninstall on a real API server: schemas, policies, idempotence, and what is left."""

from __future__ import annotations

import copy
import dataclasses
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from kubectl_ark import errors
from kubectl_ark.launch import installing, paths
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import kinds
from kubectl_ark.render import jobs
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


LOCATION = {"metadata": {"name": "default"}, "spec": {"provider": "aws"}}
PRIVATE = {"metadata": {"name": "private"}, "spec": {"provider": "aws", "objectStorage": {
    "bucket": "b", "caCertRef": {"name": "authority", "key": "ca"}}}}


@pytest.mark.parametrize("has_secret", [True, False])
def test_our_own_jobs_are_let_in(kubectl: Kubectl, installed: installing.Plan, has_secret: bool) -> None:
    resource = {"metadata": {"name": "policy", "namespace": NAMESPACE, "uid": "12345678"}}
    settings = installed.settings
    for made in (jobs.run_job(kinds.BACKUP, resource, settings), jobs.run_job(kinds.RESTORE, resource, settings),
                 jobs.validation_job(resource, settings),
                 {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "scheduled", "namespace": NAMESPACE},
                  "spec": jobs.schedule_cron_job({**resource, "spec": {"schedule": "@daily"}},
                                                 settings)["spec"]["jobTemplate"]["spec"]},
                 jobs.reconcile_job(NAMESPACE, settings, token="a"),
                 jobs.reconcile_job(NAMESPACE, settings, token="b", only=["deletions", "downloads"]),
                 jobs.fetch_job(resource, settings, location=LOCATION, key="k", has_secret=has_secret),
                 jobs.fetch_job(resource, settings, location=PRIVATE, key="k", has_secret=has_secret, owner="u")):
        kubectl.create(paths.jobs(NAMESPACE), made, dry_run=True)


def container(job: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = job["spec"]["template"]["spec"]["containers"][0]
    return first


def pod(job: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = job["spec"]["template"]["spec"]
    return spec


def mounted(job: dict[str, Any], name: str, path: str, **source: Any) -> None:
    """Put a volume into the Job, in place of one of that name."""
    for where, entry in ((pod(job)["volumes"], {"name": name, **source}),
                         (container(job)["volumeMounts"], {"name": name, "mountPath": path})):
        where[:] = [*(each for each in where if each["name"] != name), entry]


@pytest.mark.parametrize("change", [
    lambda job: container(job).update(image="evil:1"),
    lambda job: container(job).update(command=["sh"]),
    lambda job: container(job).update(name="sidecar"),
    lambda job: container(job)["env"].append({"name": "PYTHONPATH", "value": "/tmp"}),
    lambda job: container(job)["volumeMounts"].append({"name": "scratch", "mountPath": "/opt/ark/app"}),
    lambda job: container(job).update(livenessProbe={"exec": {"command": ["sh"]}}),
    lambda job: container(job).update(readinessProbe={"exec": {"command": ["sh"]}}),
    lambda job: container(job).update(lifecycle={"postStart": {"exec": {"command": ["sh"]}}}),
    lambda job: container(job).update(workingDir="/tmp"),
    lambda job: container(job).pop("args"),
    lambda job: container(job).update(args=["restore", "policy", "--namespace", NAMESPACE]),
    lambda job: container(job).update(args=["backup", "policy", "--kubeconfig", "/tmp/x"]),
    lambda job: container(job)["args"].extend(["--kubeconfig", "/tmp/x"]),
    lambda job: container(job).update(args=["backup", "-v", "--namespace", NAMESPACE]),
    lambda job: container(job).update(args=["backup", "policy", "--namespace", "elsewhere"]),
    lambda job: container(job).update(args=["reconcile", "--namespace", NAMESPACE]),
    lambda job: container(job).update(terminationMessagePath="/opt/ark/app/kubectl_ark/__init__.py"),
    lambda job: container(job)["volumeMounts"][0].update(subPath="x"),
    lambda job: container(job)["env"].append(
        {"name": "ARK_NODE_NAME", "valueFrom": {"secretKeyRef": {"name": "cloud-credentials", "key": "cloud"}}}),
    lambda job: container(job)["env"].append({"name": "ARK_CREDENTIALS_FILE", "value": "/credentials/cloud"}),
    lambda job: container(job)["env"].append({"name": "TMPDIR", "value": "/credentials"}),
    lambda job: pod(job).update(serviceAccountName="default"),
    lambda job: pod(job).pop("serviceAccountName"),
    lambda job: pod(job).update(initContainers=[{**container(job), "name": "init"}]),
    lambda job: pod(job).update(hostAliases=[{"ip": "192.0.2.1", "hostnames": ["bucket"]}]),
    lambda job: pod(job).update(dnsPolicy="None", dnsConfig={"nameservers": ["192.0.2.1"]}),
    lambda job: job["spec"]["template"]["metadata"].update(annotations={"sidecar.istio.io/proxyImage": "evil:1"}),
    lambda job: mounted(job, "scratch", "/tmp", configMap={"name": "code"}),
    lambda job: mounted(job, "extra", "/var/run/secrets/x", configMap={"name": "code"}),
    lambda job: mounted(job, "extra", "/var/run/secrets/kubernetes.io/serviceaccount", emptyDir={}),
    lambda job: mounted(job, "extra", "/tmp/x", persistentVolumeClaim={"claimName": "code"}),
    lambda job: mounted(job, "kube-api-access", "/var/run/secrets/x", projected={"sources": [
        {"serviceAccountToken": {"path": "token"}}]}),
    lambda job: mounted(job, "credentials", "/credentials", secret={"secretName": "cloud-credentials"}),
    lambda job: job["metadata"].update(name="ark-fetch-in-disguise"),
])
def test_anything_else_is_kept_out(kubectl: Kubectl, job: dict[str, Any], change: Any) -> None:
    changed = copy.deepcopy(job)
    del changed["spec"]["podFailurePolicy"]
    change(changed)
    with pytest.raises(KubectlError, match="ValidatingAdmissionPolicy"):
        kubectl.create(paths.jobs(NAMESPACE), changed, dry_run=True)


@pytest.mark.parametrize("arguments", [
    ["--kubeconfig", "/tmp/x"], ["--only", "--kubeconfig"], ["--only", "starts", "-v"], ["--only"]])
def test_a_pass_takes_no_other_arguments(kubectl: Kubectl, installed: installing.Plan, arguments: list[str]) -> None:
    changed = jobs.reconcile_job(NAMESPACE, installed.settings, token="a")
    container(changed)["args"] += arguments
    with pytest.raises(KubectlError, match="ValidatingAdmissionPolicy"):
        kubectl.create(paths.jobs(NAMESPACE), changed, dry_run=True)


def test_the_cron_job_of_passes_is_made_changed_and_taken_away(
        cluster: Environment, kubectl: Kubectl, installed: installing.Plan) -> None:
    def plan(schedule: str) -> installing.Plan:
        return dataclasses.replace(installed, settings=dataclasses.replace(
            installed.settings, reconcile_schedule=schedule))

    for schedule in ("7 7 7 7 *", "8 8 8 8 *"):
        installing.repeat(kubectl, plan(schedule))
        made = cluster.get("cronjob", "ark-reconcile", "-n", NAMESPACE)
        assert made["spec"]["schedule"] == schedule
    text = json.dumps(installing.repetition(plan("8 8 8 8 *"))[0])
    done = cluster.run("diff", "--server-side", "--field-manager=kubectl-ark", "-f", "-", input=text, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    with pytest.raises(errors.InvalidInput, match="reconcileSchedule"):
        installing.repeat(kubectl, plan("every now and then"))
    installing.repeat(kubectl, plan("none"))
    assert cluster.get("cronjobs", "-n", NAMESPACE)["items"] == []


@pytest.mark.parametrize("change", [
    lambda job: container(job).update(args=["fetch", "--output", "/tmp/other"]),
    lambda job: container(job)["env"].append({"name": "ARK_CREDENTIALS_FILE", "value": "/proc/self/environ"}),
    lambda job: container(job)["readinessProbe"].update(exec={"command": ["sh"]}),
    lambda job: pod(job).update(automountServiceAccountToken=True),
    lambda job: mounted(job, "credentials", "/opt/ark/app", secret={"secretName": "code"}),
])
def test_a_fetch_is_only_what_we_make_of_it(kubectl: Kubectl, installed: installing.Plan, change: Any) -> None:
    resource = {"metadata": {"name": "policy", "namespace": NAMESPACE, "uid": "12345678"}}
    changed = jobs.fetch_job(resource, installed.settings, location=LOCATION, key="k", has_secret=True)
    change(changed)
    with pytest.raises(KubectlError, match="ValidatingAdmissionPolicy"):
        kubectl.create(paths.jobs(NAMESPACE), changed, dry_run=True)


def test_pods_are_made_by_jobs_alone(kubectl: Kubectl, job: dict[str, Any]) -> None:
    bare = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": NAMESPACE}, "spec": pod(job)}
    with pytest.raises(KubectlError, match="pods are made by Jobs alone"):
        kubectl.create(paths.core("pods", NAMESPACE), bare, dry_run=True)
    as_manager = Kubectl([*kubectl.command()[1:], "--as=system:kube-controller-manager", "--as-group=system:masters"])
    with pytest.raises(KubectlError, match="pods are made by Jobs alone"):
        as_manager.create(paths.core("pods", NAMESPACE), bare, dry_run=True)


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


@pytest.fixture
def foreign(cluster: Environment) -> Iterator[str]:
    """A namespace that others made, with something of theirs in it."""
    cluster.run("create", "namespace", "not-arks")
    cluster.run("create", "configmap", "theirs", "-n", "not-arks", "--from-literal=a=b")
    yield "not-arks"
    cluster.run("delete", "namespace", "not-arks", "--ignore-not-found", "--wait=true", "--timeout=60s")


def test_a_namespace_that_install_did_not_make_is_used_and_left_with_what_is_not_ours(
        cluster: Environment, kubectl: Kubectl, installed: installing.Plan, foreign: str) -> None:
    plan = dataclasses.replace(installed, namespace=foreign)
    for _ in range(2):
        installing.apply(kubectl, plan)
    assert cluster.get("namespace", foreign)["metadata"]["labels"] == {
        "kubernetes.io/metadata.name": foreign, "pod-security.kubernetes.io/enforce": "restricted"}
    cluster.apply({"apiVersion": kinds.API_VERSION, "kind": "Backup", "spec": {},
                   "metadata": {"name": "b", "namespace": foreign}})
    assert any("backup" in line for line in installing.remove(kubectl, foreign))
    assert cluster.get("namespace", foreign)["status"]["phase"] == "Active"
    left = cluster.get("configmaps,secrets,serviceaccounts,roles,rolebindings," + ",".join(
        kind.full_name for kind in kinds.ALL), "-n", foreign)["items"]
    assert {each["metadata"]["name"] for each in left} == {"theirs", "kube-root-ca.crt", "default"}
    assert cluster.run("get", "crd", kinds.BACKUP.full_name).returncode == 0


def test_a_namespace_with_pods_of_others_or_a_laxer_level_is_refused(
        cluster: Environment, kubectl: Kubectl, installed: installing.Plan, foreign: str) -> None:
    plan = dataclasses.replace(installed, namespace=foreign)
    cluster.run("label", "namespace", foreign, "pod-security.kubernetes.io/enforce=privileged")
    with pytest.raises(errors.KubectlFailed, match="level privileged"):
        installing.apply(kubectl, plan)
    cluster.run("label", "namespace", foreign, "pod-security.kubernetes.io/enforce-")
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "theirs", "namespace": foreign},
                   "spec": {"nodeName": "nowhere", "automountServiceAccountToken": False,
                            "containers": [{"name": "c", "image": "localhost/none:1"}]}})
    with pytest.raises(errors.KubectlFailed, match="pods of others, such as theirs"):
        installing.apply(kubectl, plan)
    assert "pod-security.kubernetes.io/enforce" not in cluster.get("namespace", foreign)["metadata"]["labels"]
    cluster.run("delete", "pod", "theirs", "-n", foreign, "--force", "--grace-period=0")
