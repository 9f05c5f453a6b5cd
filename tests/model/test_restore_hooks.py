"""Which restore hooks a pod gets, from its annotations and from the Restore."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_ark.model import restore_hooks
from kubectl_ark.model.restore_hooks import CONTINUE, FAIL, FOR_EVER, ExecHook, Hooks, concerns, of_pod

SPEC = {"hooks": {"resources": [
    {"name": "h", "includedNamespaces": ["sh*"], "labelSelector": {"matchLabels": {"app": "db"}}, "postHooks": [
        {"exec": {"command": ["a", "b"], "container": "c", "onError": "Fail", "execTimeout": "1m", "waitTimeout": "2m",
                  "waitForReady": True}},
        {"init": {"initContainers": [{"name": "i", "image": "x", "command": ["y"]}]}}]},
    {"name": "other", "excludedNamespaces": ["shop"], "postHooks": [{"exec": {"command": ["z"]}}]}]}}


def hooks(annotations: dict[str, str] | None = None, *, namespace: str = "shop", spec: Any = SPEC) -> Hooks:
    return of_pod({"metadata": {"name": "p", "labels": {"app": "db"}, "annotations": annotations}},
                  namespace=namespace, spec=spec)


def test_a_hook_of_the_spec_is_for_pods_that_all_its_filters_take() -> None:
    found = hooks()
    assert found.exec_hooks == [ExecHook("c", ("a", "b"), FAIL, 60.0, 120.0, True)]
    assert [each["name"] for each in found.init_containers] == ["i"]
    assert [each.command for each in hooks(namespace="till").exec_hooks] == [("z",)]
    unlabelled = of_pod({"metadata": {"name": "p"}}, namespace="shop", spec=SPEC)
    assert unlabelled == ([], [], [])


@pytest.mark.parametrize("group", ["velero.io", "ark.heptio.com"])
def test_annotations_win_in_both_spellings_each_sort_for_itself(group: str) -> None:
    prefix = f"post.hook.restore.{group}/"
    found = hooks({f"{prefix}command": '["/bin/sh", "-c", "x"]', f"{prefix}container": "d", f"{prefix}on-error": "fail",
                   f"{prefix}exec-timeout": "5s", f"{prefix}wait-timeout": "1m", f"{prefix}wait-for-ready": "true"})
    assert found.exec_hooks == [ExecHook("d", ("/bin/sh", "-c", "x"), FAIL, 5.0, 60.0, True)]
    assert [each["name"] for each in found.init_containers] == ["i"]
    prefix = f"init.hook.restore.{group}/"
    found = hooks({f"{prefix}container-image": "img", f"{prefix}command": "run me"})
    assert found.init_containers == [{"name": "", "image": "img", "command": ["run me"]}]
    assert [each.command for each in found.exec_hooks] == [("a", "b")]


def test_what_is_silent_has_veleros_defaults() -> None:
    assert hooks({"post.hook.restore.velero.io/command": "x"}, spec={}).exec_hooks == [
        ExecHook("", ("x",), CONTINUE, 30.0, FOR_EVER, False)]


def test_a_misspelt_annotation_is_told_and_has_its_default() -> None:
    prefix = "post.hook.restore.velero.io/"
    found = hooks({f"{prefix}command": "x", f"{prefix}exec-timeout": "soon", f"{prefix}on-error": "panic",
                   "init.hook.restore.velero.io/container-image": "img"}, spec={})
    assert found.exec_hooks == [ExecHook("", ("x",))] and found.init_containers == []
    assert len(found.troubles) == 3


def test_a_pod_without_hooks_is_known_at_a_glance() -> None:
    assert not concerns({"metadata": {"annotations": {"a": "b"}}}, {})
    assert concerns({"metadata": {}}, SPEC)
    assert concerns({"metadata": {"annotations": {"init.hook.restore.velero.io/command": "x"}}}, {})


def test_what_is_noted_on_a_pod_is_understood_by_the_same_restore_alone() -> None:
    noted = {"metadata": {"annotations": {"ark.heptio.com/restore-hooks-done": restore_hooks.ended_note(
        "uid-1", [False, True])}}}
    assert restore_hooks.ended_of(noted, "uid-1") == [False, True]
    assert restore_hooks.ended_of(noted, "uid-2") == restore_hooks.ended_of({"metadata": {}}, "uid-1") == []
