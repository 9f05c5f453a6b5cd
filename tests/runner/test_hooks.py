"""Hooks in real containers: what runs, in which order, and that a post hook always does.

Each container of these pods notes what was run in it in a file.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from kubectl_ark import errors
from kubectl_ark.model import layout
from tests.environment import Environment
from tests.harness import Ark, Object, eventually, is_clear

pytestmark = pytest.mark.node

SPACE = "ark-t-hooks-data"
NOTES = "/tmp/notes"
VELERO, OURS = "hook.backup.velero.io", "hook.backup.ark.heptio.com"


def note(word: str, then: str = "") -> list[str]:
    """A command that writes a word down."""
    return ["sh", "-c", f"echo {word} >> {NOTES}; {then}"]


def annotated(prefix: str, **pre_or_post: Any) -> dict[str, str]:
    """Annotations of a pod: ``annotated(VELERO, pre={"command": […]}, post={…})``."""
    found = {}
    for phase, values in pre_or_post.items():
        for key, value in values.items():
            text = json.dumps(value) if isinstance(value, list) else value
            found[f"{phase}.{prefix}/{key.replace('_', '-')}"] = text
    return found


def pod(name: str, *, command: list[str] | None = None, **metadata: Any) -> Object:
    """A pod of two containers that wait."""
    container = {"image": "localhost/busybox:1", "imagePullPolicy": "Never",
                 "command": command or ["sh", "-c", "trap exit TERM; sleep 100000 & wait"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": SPACE, **metadata}, "spec": {
        "terminationGracePeriodSeconds": 1, "restartPolicy": "Never",
        "containers": [{**container, "name": "main"}, {**container, "name": "side"}]}}


ONCE_SLOW = f"[ $(grep -c pre {NOTES}) -gt 1 ] || sleep 60"
"""A pre hook that hangs only when it runs for the first time."""

PRE_AND_POST = annotated(OURS, pre={"command": note("pre")}, post={"command": note("post")})

PODS = [
    pod("a-ours", annotations=PRE_AND_POST),
    pod("b-velero", annotations=annotated(VELERO, pre={"command": note("pre"), "container": "side"},
                                          post={"command": note("post"), "timeout": "20s"})),
    pod("c-spec", labels={"app": "spec"}),
    pod("d-ended", command=["true"], annotations=annotated(OURS, pre={"command": ["false"], "on-error": "Fail"})),
    pod("e-plain"),
    pod("f-unset", annotations={
        **PRE_AND_POST, **annotated(OURS, pre={"command": note("pre", "echo no >&2; exit 3")})}),
    pod("g-fail", labels={"app": "fail"}),
    pod("h-slow", annotations={
        **PRE_AND_POST, **annotated(OURS, pre={"command": note("pre", "sleep 30"), "timeout": "1s"})}),
    *(pod(name, annotations={
        **PRE_AND_POST, **annotated(OURS, pre={"command": note("pre", ONCE_SLOW), "timeout": "2m"})})
      for name in ("killed", "stopped", "cancelled", "orphaned")),
]

HOOKS = {"resources": [
    {"name": "two", "includedNamespaces": [SPACE], "labelSelector": {"matchLabels": {"app": "spec"}},
     "pre": [{"exec": {"command": note("one")}}, {"exec": {"command": note("two"), "onError": "Fail"}}],
     "post": [{"exec": {"command": note("three")}}, {"exec": {"command": note("four")}}]},
    {"name": "fails", "labelSelector": {"matchLabels": {"app": "fail"}},
     "pre": [{"exec": {"command": note("pre", "exit 1"), "onError": "Fail"}}, {"exec": {"command": note("never")}}],
     "post": [{"exec": {"command": note("post")}}]},
]}


@pytest.fixture(scope="module")
def noted(cluster: Environment, ark: Ark) -> Iterator[Any]:
    """The pods; what was noted in a container of one, by name."""
    ark.accounts()
    ark.make_namespace(SPACE)
    cluster.apply(*PODS)
    for item in PODS:
        condition = "jsonpath={.status.phase}=Succeeded" if item["metadata"]["name"] == "d-ended" else "condition=Ready"
        cluster.run("wait", f"--for={condition}", f"pod/{item['metadata']['name']}", "-n", SPACE, "--timeout=90s")
    yield lambda name, container="main": cluster.run(
        "exec", name, "-n", SPACE, "-c", container, "--", "sh", "-c", f"cat {NOTES} 2>/dev/null || true").stdout.split()


def spec_for(*names: str, **more: Any) -> dict[str, Any]:
    """A Backup's spec that takes these pods alone."""
    return {"includedNamespaces": [SPACE], "includedResources": ["pods"], "orderedResources": {},
            "labelSelector": {"matchExpressions": [{"key": "name", "operator": "In", "values": list(names)}]}, **more}


@pytest.fixture(scope="module", autouse=True)
def labelled(cluster: Environment, noted: Any) -> None:
    """Each pod carries its own name as a label."""
    for item in PODS:
        cluster.run("label", "pod", item["metadata"]["name"], "-n", SPACE, f"name={item['metadata']['name']}")


def saved(ark: Ark, name: str) -> list[str]:
    """Names of the pods in a backup."""
    return [path.rpartition("/")[2] for path in ark.items(name)]


def results(ark: Ark, name: str) -> dict[str, Any]:
    """Warnings and errors about the pods' namespace."""
    document = json.loads(gzip.decompress(ark.read(layout.backup_results(name))))
    return {level: document[level].get("namespaces", {}).get(SPACE, []) for level in ("warnings", "errors")}


def test_hooks_run_around_the_pods_that_have_them(ark: Ark, noted: Any, name: str) -> None:
    pods = ["a-ours", "b-velero", "c-spec", "d-ended", "e-plain"]
    ark.backup(name, **spec_for(*pods, hooks=HOOKS))
    runner = ark.start("backup", name)
    assert runner.wait() == 0, runner.text
    status = ark.status("Backup", name)
    assert status["phase"] == "Completed", runner.text
    assert status["hookStatus"] == {"hooksAttempted": 8, "hooksFailed": 0}
    assert "pendingHooks" not in status
    assert noted("a-ours") == ["pre", "post"]
    assert (noted("b-velero", "side"), noted("b-velero")) == (["pre"], ["post"])
    assert noted("c-spec") == ["one", "two", "three", "four"]
    assert noted("e-plain") == []
    assert saved(ark, name) == pods
    log = gzip.decompress(ark.read(layout.backup_log(name))).decode()
    assert 'pre hook \\"two\\" in pod ark-t-hooks-data/c-spec, container main: done after' in log
    assert "d-ended has ended: its hooks are not run" in log
    assert json.loads(ark.read(layout.metadata(name)))["status"]["hookStatus"]["hooksAttempted"] == 8


def test_a_post_hook_runs_after_a_failed_pre_hook_and_only_an_explicit_fail_drops_the_pod(
        ark: Ark, noted: Any, name: str) -> None:
    ark.backup(name, **spec_for("f-unset", "g-fail", "h-slow", hooks=HOOKS))
    runner = ark.start("backup", name)
    assert runner.wait() == 0, runner.text
    status = ark.status("Backup", name)
    assert status["phase"] == "PartiallyFailed"
    assert status["hookStatus"] == {"hooksAttempted": 7, "hooksFailed": 3}
    assert noted("f-unset") == ["pre", "post"] and noted("h-slow") == ["pre", "post"]
    assert noted("g-fail") == ["pre", "post"], "what follows a failed hook with onError Fail does not run"
    assert saved(ark, name) == ["f-unset", "h-slow"]
    unset, fail, slow = results(ark, name)["errors"]
    assert is_clear(unset, 'pre hook "annotation" in pod ark-t-hooks-data/f-unset, container main', "exit code 3")
    assert is_clear(fail, 'pre hook "fails"', "g-fail", "exit code 1", "left out of the backup", "onError is Fail")
    assert is_clear(slow, "h-slow", "did not end within 1 s")


def test_a_post_hook_that_a_sigkill_kept_from_running_is_run_first_by_the_next_attempt(
        ark: Ark, noted: Any, name: str) -> None:
    ark.backup(name, **spec_for("killed"))
    first = ark.start("backup", name, ARK_JOB_UID="job", ARK_POD_UID="first")
    eventually(lambda: noted("killed") == ["pre"], "the pre hook runs")
    (pending,) = ark.status("Backup", name)["pendingHooks"]
    assert (pending["pod"], pending["hooks"][0]["command"]) == ("killed", note("post"))
    first.kill()
    second = ark.start("backup", name, ARK_JOB_UID="job", ARK_POD_UID="second")
    assert second.wait() == 0, second.text
    assert noted("killed") == ["pre", "post", "pre", "post"]
    status = ark.status("Backup", name)
    assert status["phase"] == "Completed" and "pendingHooks" not in status
    assert status["hookStatus"] == {"hooksAttempted": 3, "hooksFailed": 0}


def test_a_post_hook_that_a_dead_backup_left_undone_is_run_by_a_pass_before_the_backup_is_failed(
        ark: Ark, noted: Any, name: str) -> None:
    ark.backup(name, **spec_for("orphaned"))
    runner = ark.start("backup", name, ARK_JOB_UID="no-such-job", ARK_POD_UID="first")
    eventually(lambda: noted("orphaned") == ["pre"], "the pre hook runs")
    runner.kill()
    judging = ark.start("reconcile", "--only", "deadruns")
    assert judging.wait() == 0, judging.text
    assert noted("orphaned") == ["pre", "post"]
    assert judging.text.index("post hook") < judging.text.index("is dead and marked Failed")
    status = ark.status("Backup", name)
    assert status["phase"] == "Failed" and "pendingHooks" not in status


def test_a_pod_that_is_stopped_between_the_hooks_runs_the_post_hook_before_it_goes(
        ark: Ark, noted: Any, name: str) -> None:
    ark.backup(name, **spec_for("stopped"))
    runner = ark.start("backup", name, ARK_JOB_UID="job", ARK_POD_UID="first")
    eventually(lambda: noted("stopped") == ["pre"], "the pre hook runs")
    runner.terminate()
    assert runner.wait(15) == errors.RUNNER_RETRY, runner.text
    assert noted("stopped") == ["pre", "post"]
    status = ark.status("Backup", name)
    assert status["phase"] == "InProgress" and "pendingHooks" not in status


def test_a_run_that_is_cancelled_between_the_hooks_runs_the_post_hook(ark: Ark, noted: Any, name: str) -> None:
    item = ark.backup(name, **spec_for("cancelled"))
    runner = ark.start("backup", name)
    eventually(lambda: noted("cancelled") == ["pre"], "the pre hook runs")
    ark.put({**item, "metadata": {"name": name, "namespace": ark.namespace, "annotations": {
        "ark.heptio.com/cancel-requested": "2024-05-01T10:00:00Z ann"}}})
    assert runner.wait(15) == errors.RUNNER_INVALID, runner.text
    assert noted("cancelled") == ["pre", "post"]
    status = ark.status("Backup", name)
    assert status["phase"] == "Failed" and "pendingHooks" not in status
    assert status["hookStatus"] == {"hooksAttempted": 2, "hooksFailed": 0}


def test_where_the_account_is_not_bound_the_error_says_what_to_bind_and_roles_of_a_namespace_are_enough(
        ark: Ark, cluster: Environment, noted: Any, name: str) -> None:
    binding = f"{ark.namespace}-volumes"
    cluster.run("delete", "clusterrolebinding", binding)
    ark.backup(name, **spec_for("e-plain", hooks={"resources": [
        {"name": "n", "pre": [{"exec": {"command": note("pre")}}]}]}))
    assert ark.run("backup", name) == 0
    assert ark.status("Backup", name)["hookStatus"] == {"hooksAttempted": 1, "hooksFailed": 1}
    assert saved(ark, name) == ["e-plain"] and noted("e-plain") == []
    (problem,) = results(ark, name)["errors"]
    assert is_clear(problem, "e-plain", "forbidden", f"{ark.namespace}/ark-volumes", f"the role {binding}",
                    f"in namespace {SPACE}")
    ark.accounts(SPACE)  # what install --namespaces makes, to which the binding for all namespaces is foreign
    again = f"{name}-again"
    ark.backup(again, **spec_for("e-plain", hooks={"resources": [
        {"name": "n", "pre": [{"exec": {"command": note("pre")}}]}]}))
    assert ark.run("backup", again) == 0
    status = ark.status("Backup", again)
    assert (status["phase"], status["hookStatus"]) == ("Completed", {"hooksAttempted": 1, "hooksFailed": 0})
    assert noted("e-plain") == ["pre"]
