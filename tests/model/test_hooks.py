"""Which hooks a pod has."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_ark.model import hooks
from kubectl_ark.model.hooks import Hook


def pod(*, labels: dict[str, str] | None = None) -> dict[str, Any]:
    """A pod of two containers."""
    return {"metadata": {"name": "db", "namespace": "shop", "uid": "u", "labels": labels or {}, "annotations": {}},
            "spec": {"containers": [{"name": "main"}, {"name": "side"}]}}


def annotated(prefix: str, **values: str) -> dict[str, Any]:
    """A pod with a hook's annotations."""
    item = pod()
    item["metadata"]["annotations"] = {f"{prefix}/{key.replace('_', '-')}": value for key, value in values.items()}
    return item


def by_spec(**fields: Any) -> dict[str, Any]:
    """One entry of spec.hooks.resources."""
    return {"name": "n", "pre": [{"exec": {"command": ["a"]}}, {"exec": {"command": ["b"], "container": "side"}}],
            "post": [{"exec": {"command": ["c"], "onError": "Fail", "timeout": "2m"}}], **fields}


@pytest.mark.parametrize("prefix", [
    "pre.hook.backup.ark.heptio.com", "pre.hook.backup.velero.io", "hook.backup.velero.io",
    "hook.backup.ark.heptio.com"])
def test_a_pre_hook_is_annotated_in_either_spelling_with_or_without_its_phase(prefix: str) -> None:
    found = hooks.of_pod(annotated(prefix, command='["/bin/sh", "-c", "sync"]', container="side", on_error="Fail",
                                   timeout="90s"), [])
    assert found.pre == (Hook("annotation", "side", ("/bin/sh", "-c", "sync"), 90.0, "Fail"),)
    assert found.post == () and not found.warnings


@pytest.mark.parametrize("prefix", ["post.hook.backup.ark.heptio.com", "post.hook.backup.velero.io"])
def test_a_post_hook_is_annotated_in_either_spelling(prefix: str) -> None:
    found = hooks.of_pod(annotated(prefix, command="/bin/thaw now"), [])
    assert found.post == (Hook("annotation", "main", ("/bin/thaw now",), 30.0, ""),), "no shell splits it"


def test_arks_spelling_comes_before_veleros() -> None:
    item = annotated("pre.hook.backup.velero.io", command="theirs")
    item["metadata"]["annotations"] |= annotated("pre.hook.backup.ark.heptio.com", command="ours")[
        "metadata"]["annotations"]
    assert [hook.command for hook in hooks.of_pod(item, []).pre] == [("ours",)]


def test_annotations_win_over_the_spec_in_their_own_phase_only() -> None:
    found = hooks.of_pod(annotated("pre.hook.backup.velero.io", command="mine"), [by_spec()])
    assert [hook.command for hook in found.pre] == [("mine",)]
    assert [hook.command for hook in found.post] == [("c",)]


def test_the_specs_hooks_run_in_their_order_in_the_containers_named() -> None:
    found = hooks.of_pod(pod(), [by_spec(), by_spec(name="m", post=[])])
    assert [(hook.name, hook.command, hook.container) for hook in found.pre] == [
        ("n", ("a",), "main"), ("n", ("b",), "side"), ("m", ("a",), "main"), ("m", ("b",), "side")]
    assert found.post == (Hook("n", "main", ("c",), 120.0, "Fail"),)


@pytest.mark.parametrize(("fields", "has"), [
    ({"includedNamespaces": ["sh*"]}, True), ({"includedNamespaces": ["other"]}, False),
    ({"excludedNamespaces": ["shop"]}, False), ({"labelSelector": {"matchLabels": {"app": "db"}}}, True),
    ({"labelSelector": {"matchLabels": {"app": "web"}}}, False), ({"includedResources": ["po"]}, True),
    ({"includedResources": ["pods", "persistentvolumeclaims"]}, True)])
def test_a_hook_of_the_spec_is_for_the_pods_that_it_selects(fields: dict[str, Any], has: bool) -> None:
    assert bool(hooks.of_pod(pod(labels={"app": "db"}), [by_spec(**fields)])) is has


def test_a_pod_without_hooks_has_none() -> None:
    assert not hooks.of_pod(pod(), [])
    assert not hooks.of_pod(annotated("pre.hook.backup.velero.io", container="main"), [])


def test_what_is_misspelt_in_annotations_is_told_and_the_default_counts() -> None:
    found = hooks.of_pod(annotated("pre.hook.backup.velero.io", command="x", on_error="fail", timeout="soon"), [])
    assert found.pre == (Hook("annotation", "main", ("x",)),)
    assert len(found.warnings) == 2
    assert "on-error" in found.warnings[0] and '"soon"' in found.warnings[1] and "30s" in found.warnings[1]


def test_a_hook_that_cannot_be_run_says_why() -> None:
    assert "no JSON list" in hooks.of_pod(annotated("hook.backup.velero.io", command="[sync"), []).pre[0].problem
    assert 'no container "x"' in hooks.of_pod(annotated("hook.backup.velero.io", command="a", container="x"),
                                              []).pre[0].problem


def test_pending_hooks_survive_the_status() -> None:
    chosen = hooks.of_pod(annotated("post.hook.backup.velero.io", command="thaw", timeout="1.5s"), [])
    entry = hooks.to_pending(pod(), chosen.post)
    assert entry == {"namespace": "shop", "pod": "db", "uid": "u", "hooks": [
        {"name": "annotation", "container": "main", "command": ["thaw"], "timeout": "1500ms"}]}
    assert hooks.of_pending(entry) == [Hook("annotation", "main", ("thaw",), 1.5)]


def test_every_mistake_in_the_specs_hooks_is_listed() -> None:
    found = hooks.problems({"resources": [
        {"includedNamespaces": ["*", "a"], "excludedResources": ["pods"], "labelSelector": {"matchLabels": {"a b": ""}},
         "pre": [{}, {"exec": {"command": []}}, {"exec": {"command": "sync"}}],
         "post": [{"exec": {"command": ["x"], "onError": "Panic", "timeout": "0s"}}]},
        by_spec()]})
    for words in ("resources[0].name", 'resources[0].includedNamespaces: "*"', "leave pods out", '"a b"',
                  "pre[0].exec: it is missing", "pre[1].exec.command", "pre[2].exec.command", '"Panic"',
                  'timeout: "0s"'):
        assert any(words in problem for problem in found), (words, found)
    assert not [problem for problem in found if "resources[1]" in problem]
