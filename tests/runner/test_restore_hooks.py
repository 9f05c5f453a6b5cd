"""Exec hooks of a restore in real containers: which run again when a run is taken over, and what the status says."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest

from kubectl_ark import errors
from kubectl_ark.model import layout
from tests.engine.restore import stored
from tests.environment import Environment
from tests.harness import Ark, Object, eventually

pytestmark = pytest.mark.node

NOTES = "/tmp/notes"
Noted = Callable[[str], list[str]]


def pod(namespace: str, name: str) -> Object:
    """A pod that waits."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": {
        "terminationGracePeriodSeconds": 1, "containers": [{
            "name": "main", "image": "localhost/busybox:1", "imagePullPolicy": "Never",
            "command": ["sh", "-c", "trap exit TERM; sleep 100000 & wait"]}]}}


def hook(word: str, then: str = "true") -> dict[str, Any]:
    """A hook that writes a word down in its container."""
    return {"exec": {"command": ["sh", "-c", f"echo {word} >> {NOTES}; {then}"], "execTimeout": "2m"}}


ONCE_SLOW = f"[ $(grep -c slow {NOTES}) -gt 1 ] || sleep 60"


@pytest.fixture
def noted(ark: Ark, cluster: Environment, name: str) -> Noted:
    """What was noted in a pod of the restore's namespace; a backup ``name`` with the pods a and b in it is stored."""
    files = stored.files_of({"pods": [pod(f"{name}-ns", "a"), pod(f"{name}-ns", "b")]})
    bucket, backup = stored.backup_of(files, name=name)
    ark.store_backup(backup, bucket.objects)
    ark.adopt({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{name}-ns"}})

    def look(pod: str) -> list[str]:
        done = cluster.run("exec", pod, "-n", f"{name}-ns", "--", "cat", NOTES, check=False)
        return done.stdout.split() if done.returncode == 0 else []
    return look


def test_a_hook_that_has_ended_is_not_run_again_after_a_sigkill_and_still_counts(
        ark: Ark, noted: Noted, name: str) -> None:
    ark.restore(name, name, hooks={"resources": [
        {"name": "h", "postHooks": [hook("one"), hook("bad", "exit 3"), hook("slow", ONCE_SLOW)]}]})
    first = ark.start("restore", name, ARK_JOB_UID="job", ARK_POD_UID="first")
    for each in ("a", "b"):
        eventually(lambda: noted(each) == ["one", "bad", "slow"], f"the last hook of pod {each} runs")
    first.kill()
    second = ark.start("restore", name, ARK_JOB_UID="job", ARK_POD_UID="second")
    assert second.wait() == 0, second.text
    assert (noted("a"), noted("b")) == (["one", "bad", "slow", "slow"], ["one", "bad", "slow", "slow"])
    status = ark.status("Restore", name)
    assert (status["phase"], status["hookStatus"]) == ("PartiallyFailed", {"hooksAttempted": 6, "hooksFailed": 2})
    log = gzip.decompress(ark.read(layout.restore_log(name))).decode()
    assert log.count("it failed in an earlier try of this run") == 2
    assert log.count(": done in an earlier try of this run") == 2


def test_a_restore_that_ends_failed_tells_of_the_hooks_that_have_run(ark: Ark, noted: Noted, name: str) -> None:
    item = ark.restore(name, name, hooks={"resources": [{"name": "h", "postHooks": [
        hook("one"), hook("slow", "sleep 60")]}]})
    runner = ark.start("restore", name)
    for each in ("a", "b"):
        eventually(lambda: noted(each) == ["one", "slow"], f"the second hook of pod {each} runs")
    ark.put({**item, "metadata": {"name": name, "namespace": ark.namespace, "annotations": {
        "ark.heptio.com/cancel-requested": "2024-05-01T10:00:00Z ann"}}})
    assert runner.wait(15) == errors.RUNNER_INVALID, runner.text
    status = ark.status("Restore", name)
    assert (status["phase"], status["hookStatus"]) == ("Failed", {"hooksAttempted": 2, "hooksFailed": 0})
