"""Who may create Jobs or exec in Ark's namespace could be ark-restore: the admission policy lets only our own in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.ark import NAMESPACE, TINY, Ark
from tests.e2e.node import Stepped

pytestmark = pytest.mark.node

OURS = "only kubectl-ark's own Jobs may run in this namespace"

CHANGES: dict[str, dict[str, Any]] = {
    "another image": {"image": "localhost/busybox:1"},
    "a command": {"command": ["sh", "-c", "id"]},
    "a variable that changes what runs": {"env": [{"name": "PYTHONPATH", "value": "/tmp"}]},
    "a hook": {"lifecycle": {"preStop": {"exec": {"command": ["id"]}}}},
    "another working directory": {"workingDir": "/tmp"},
    "a kubeconfig of its own": {"args": ["backup", "admitted", "--kubeconfig", "/tmp/kubeconfig"]},
    "another command of the runner": {"args": ["restore", "admitted", "--namespace", NAMESPACE]},
    "a mount over the runner's code": {"volumeMounts": [{"name": "scratch", "mountPath": "/opt/ark/app"}]},
}


@pytest.fixture(scope="module")
def job(ark: Ark) -> dict[str, Any]:
    """A Job of ours as it may be created."""
    ark("backup", "admitted", *TINY, "--wait")
    made = ark.of_run("jobs", "backup", "admitted")[0]
    pod = made["spec"]["template"]["spec"]
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "copy", "namespace": ark.namespace},
            "spec": {"template": {"spec": pod}}}


def _create(ark: Ark, item: dict[str, Any]) -> str:
    """What the API server has against it; "" if it would take it."""
    done = ark.cluster.run("create", "--dry-run=server", "-f", "-", input=json.dumps(item), check=False)
    return done.stderr if done.returncode else ""


def _changed(job: dict[str, Any], *, pod: dict[str, Any] | None = None, **container: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(job))
    spec = copy["spec"]["template"]["spec"]
    spec.update(pod or {})
    spec["containers"][0].update(container)
    return copy


def test_our_own_job_is_let_in(ark: Ark, job: dict[str, Any]) -> None:
    assert _create(ark, job) == ""


@pytest.mark.parametrize("change", CHANGES)
def test_a_job_is_refused_that_has(ark: Ark, job: dict[str, Any], change: str) -> None:
    assert OURS in _create(ark, _changed(job, **CHANGES[change]))


def test_a_job_as_another_account_or_with_a_second_container_is_refused(ark: Ark, job: dict[str, Any]) -> None:
    assert OURS in _create(ark, _changed(job, pod={"serviceAccountName": "default", "serviceAccount": "default"}))
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert OURS in _create(ark, _changed(job, pod={"containers": [container, {**container, "name": "second"}]}))


def test_a_job_with_code_from_a_config_map_is_refused(ark: Ark, job: dict[str, Any]) -> None:
    scratch = {"name": "scratch", "configMap": {"name": "code", "items": [
        {"key": "main", "path": "kubectl_ark/runner/__main__.py"}]}}
    assert OURS in _create(ark, _changed(job, pod={"volumes": [scratch]}))


def test_a_bare_pod_and_a_cron_job_are_judged_like_a_job(ark: Ark, job: dict[str, Any]) -> None:
    template = _changed(job, image="localhost/busybox:1")["spec"]["template"]
    metadata = job["metadata"]
    assert OURS in _create(ark, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
    assert OURS in _create(ark, {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": {
        "schedule": "@daily", "jobTemplate": {"spec": {"template": template}}}})


def test_nobody_may_exec_into_the_pod_of_a_run(ark: Ark, name: str) -> None:
    ark("backup", name, *TINY)
    with Stepped(ark, "backup", name) as runner:
        for words in (("exec", runner.pod, "--", "cat", "/etc/hostname"), ("attach", runner.pod)):
            done = ark.cluster.run(*words[:2], "-n", ark.namespace, *words[2:], check=False)
            assert done.returncode != 0 and "in this namespace exec may only read" in done.stderr, done.stderr
        debug = ark.cluster.run("debug", runner.pod, "-n", ark.namespace, "--profile=restricted",
                                "--image", ark.cluster.image, "--", "id", check=False)
        assert debug.returncode != 0 and "debug containers are not let into" in debug.stderr, debug.stderr
    ark.await_end("backup", name)


def test_who_may_only_create_backups_makes_one_and_learns_that_others_start_it(ark: Ark, name: str) -> None:
    ark.cluster.apply(
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
         "metadata": {"name": "only-backups", "namespace": ark.namespace},
         "rules": [{"apiGroups": ["ark.heptio.com"], "resources": ["backups"],
                    "verbs": ["create", "get", "list", "watch"]}]},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
         "metadata": {"name": "only-backups", "namespace": ark.namespace},
         "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "only-backups"},
         "subjects": [{"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}]})
    answer = ark("backup", name, *TINY, "--as", "jane")
    assert f"backup.ark.heptio.com/{name} created" in answer.out
    assert "no Job was started" in answer.err and "start" in answer.err.rpartition(";")[2]
    assert ark.get("backup", name)["spec"]["includedNamespaces"] == ["kube-public"]
    assert ark.of_run("jobs", "backup", name) == []
