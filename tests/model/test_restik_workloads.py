"""Which workloads a Restik saves, and which of their pods."""

from __future__ import annotations

from typing import Any

from kubectl_ark.model import restik_plans, restik_workloads, times
from kubectl_ark.model.restik_workloads import covered, sources
from kubectl_ark.model.restiks import CONFIG
from tests.model.test_restiks import SPEC

Object = dict[str, Any]


def workload(kind: str, name: str, *, config: str = "r", owner: Object | None = None, namespace: str = "n",
             **spec: Any) -> Object:
    return {"kind": kind, "metadata": {
        "namespace": namespace, "name": name, "uid": f"{kind}-{name}", "labels": {CONFIG: config},
        "ownerReferences": [owned(owner)] if owner else []}, "spec": spec}


def owned(owner: Object) -> Object:
    return {"kind": owner["kind"], "uid": owner["metadata"]["uid"], "controller": True}


def pod(name: str, owner: Object, *, phase: str = "Running", ready: bool = True, volume: str = "data",
        going: bool = False) -> Object:
    return {"metadata": {"name": name, "namespace": "n", "ownerReferences": [owned(owner)],
                         **({"deletionTimestamp": "x"} if going else {})},
            "spec": {"volumes": [{"name": volume}]},
            "status": {"phase": phase, "conditions": [{"type": "Ready", "status": str(ready)}]}}


def titles(items: list[Any]) -> list[str]:
    return [restik_workloads.title(each) for each in items]


def taken(item: Object, pods: list[Object], *replica_sets: Object) -> list[tuple[str, str]]:
    return [(source.pod["metadata"]["name"] if source.pod else "", source.problem)
            for source in sources(item, pods, replica_sets, volume="data")]


def test_all_five_kinds_with_the_label_are_saved_and_no_others() -> None:
    kinds = ["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "DaemonSet"]
    all_of_them = [workload(kind, "w") for kind in reversed(kinds)]
    others = [workload("Deployment", "x", config="s"), workload("Deployment", "y", namespace="m")]
    assert titles(covered([*others, *all_of_them], "n", "r")) == [f"{kind}/w" for kind in kinds]


def test_a_replica_set_counts_once_when_its_deployment_has_the_label_too() -> None:
    deployment = workload("Deployment", "w")
    replica_set = workload("ReplicaSet", "w-1", owner=deployment, replicas=1)
    assert titles(covered([deployment, replica_set], "n", "r")) == ["Deployment/w"]
    assert titles(covered([replica_set], "n", "r")) == ["ReplicaSet/w-1"]
    assert covered([workload("ReplicaSet", "w-0", owner=deployment, replicas=0)], "n", "r") == []


def test_of_a_deployment_one_pod_is_saved_and_best_one_that_is_ready() -> None:
    deployment = workload("Deployment", "w", config="r")
    old, new = (workload("ReplicaSet", name, owner=deployment, config="") for name in ("w-0", "w-1"))
    pods = [pod("a", old, phase="Pending"), pod("b", new, ready=False), pod("c", new), pod("d", new), pod("e", old),
            pod("f", workload("ReplicaSet", "stranger"))]
    assert taken(deployment, pods, old, new) == [("c", "")]
    assert taken(deployment, pods[:1], old, new) == [("a", "the pod is not running (Pending)")]
    assert taken(deployment, [], old, new) == [("", "Deployment/w has no pod")]
    assert taken(workload("Deployment", "w", replicas=0), [], old, new) == []


def test_of_a_stateful_set_and_a_daemon_set_each_pod_is_saved() -> None:
    for kind in ("StatefulSet", "DaemonSet"):
        item = workload(kind, "db")
        pods = [pod("db-1", item, going=True), pod("db-0", item), pod("db-2", item, volume="other"),
                pod("db-3", item, phase="Succeeded")]
        assert taken(item, pods) == [("db-0", ""), ("db-1", "the pod is being deleted"),
                                     ("db-2", 'the pod has no volume "data"')]
    assert taken(workload("DaemonSet", "nowhere"), []) == []


def test_a_plan_says_whether_there_is_a_cron_job_and_why_not() -> None:
    web = workload("Deployment", "web")
    restik: Object = {"metadata": {"namespace": "n", "name": "r", "generation": 3}, "spec": SPEC}
    now = times.parse_time("2026-01-01T00:00:00Z")

    def planned(restik: Object, *workloads: Object) -> tuple[str, bool, bool, Object]:
        plan = restik_plans.plan(restik, workloads)
        status = restik_plans.status(restik, plan, cron_job="c", now=now)
        assert status["conditions"][0]["reason"] == plan.reason and status["observedGeneration"] == 3
        return plan.reason, plan.has_cron_job, plan.suspended, status

    *plan, status = planned(restik, web)
    assert plan == ["Scheduled", True, False] and status["workloads"] == ["Deployment/web"]
    assert (status["cronJob"], status["nextBackupTime"]) == ("c", "2026-01-01T03:00:00Z")
    assert planned({**restik, "spec": {**SPEC, "paused": True}}, web)[:3] == ("Paused", True, True)
    *plan, status = planned(restik)
    assert plan == ["NotUsed", False, True] and status["cronJob"] is None and status["nextBackupTime"] is None
    *plan, status = planned({**restik, "spec": {**SPEC, "schedule": "@every 1s"}}, web)
    assert plan == ["Invalid", False, True] and "less than a minute" in status["validationErrors"][0]
    assert restik_plans.changed({"status": status}, status) == {}
