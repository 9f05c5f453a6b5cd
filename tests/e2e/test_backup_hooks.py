"""A pod's hooks in a real run: killed between the two, the Job's next pod runs the post hook first."""

from __future__ import annotations

import json

import pytest

from tests.e2e.ark import Ark, finish
from tests.e2e.bucket import Bucket
from tests.e2e.node import Stepped
from tests.environment import Environment

pytestmark = pytest.mark.node

SPACE, NAME = "e2e-hooks", "hooks-killed"
NOTES = "/tmp/notes"
PRE = f"echo pre >> {NOTES}; [ $(grep -c pre {NOTES}) -gt 1 ] || sleep 60"


@pytest.fixture(scope="module", autouse=True)
def scene(cluster: Environment) -> None:
    """A pod with annotated hooks that notes what runs in it, and hangs in its first pre hook; and one without."""
    command = ["sh", "-c", "trap exit TERM; sleep 100000 & wait"]
    cluster.run("delete", "namespace", SPACE, "--ignore-not-found")
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}}, *(
        {"apiVersion": "v1", "kind": "Pod",
         "metadata": {"name": name, "namespace": SPACE, "labels": {"app": name}, "annotations": annotations},
         "spec": {"terminationGracePeriodSeconds": 1, "containers": [
             {"name": "c", "image": "localhost/busybox:1", "imagePullPolicy": "Never", "command": command}]}}
        for name, annotations in (("web", {}), ("db", {
            "pre.hook.backup.velero.io/command": json.dumps(["sh", "-c", PRE]),
            "pre.hook.backup.velero.io/timeout": "2m",
            "post.hook.backup.ark.heptio.com/command": json.dumps(["sh", "-c", f"echo post >> {NOTES}"])}))))
    cluster.run("wait", "--for=condition=Ready", "pod", "--all", "-n", SPACE, "--timeout=60s")


def noted(ark: Ark) -> list[str]:
    """What has run in the pod."""
    return ark.cluster.run("exec", "db", "-n", SPACE, "--", "cat", NOTES, check=False).stdout.split()


def test_a_post_hook_runs_though_the_run_is_killed_before_it(ark: Ark, bucket: Bucket) -> None:
    waiting = ark.start("backup", NAME, "--include-namespaces", SPACE, "--include-namespace-scoped-resources",
                        "pods,configmaps", "--or-selector", "app=web or app=db", "--ordered-resources",
                        f"pods={SPACE}/web", "--qps", "200", "--parallel", "2", "--wait")
    with Stepped(ark, "backup", NAME) as runner:
        runner.until(lambda: noted(ark) == ["pre"], "the pre hook runs")
        (pending,) = ark.status("backup", NAME)["pendingHooks"]
        assert (pending["namespace"], pending["pod"]) == (SPACE, "db")
        runner.kill()
    answer = finish(waiting)
    assert answer.code == 0, answer.all
    assert noted(ark) == ["pre", "post", "pre", "post"]
    status = ark.status("backup", NAME)
    assert (status["phase"], status["claim"]["attempt"]) == ("Completed", 2)
    assert status["hookStatus"] == {"hooksAttempted": 3, "hooksFailed": 0} and "pendingHooks" not in status
    assert "3 attempted, 0 failed" in ark.details("backup", NAME)
    log = ark("logs", "backup", NAME).out
    assert 'post hook \\"annotation\\" in pod e2e-hooks/db, container c: done' in log
    assert "an earlier attempt left post hooks" in log
    stored = bucket.json(f"backups/{NAME}/velero-backup.json")["spec"]
    assert stored["orderedResources"] == {"pods": f"{SPACE}/web"} and len(stored["orLabelSelectors"]) == 2
