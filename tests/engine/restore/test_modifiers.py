"""Resource modifiers, mappings of classes and images, init hooks: pure, no cluster."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kubectl_ark.engine.restore.archive import Type
from kubectl_ark.engine.restore.changes import Changes
from kubectl_ark.engine.restore.mapping import NamespaceMapping
from kubectl_ark.engine.restore.modifiers import document, jsonpatch, rules, strategic
from kubectl_ark.engine.restore.prepare import Preparation, Unfit
from kubectl_ark.model import globs

DEPLOYMENT = Type("deployments.apps", "apps/v1", "Deployment")


def config_map(text: str) -> dict[str, Any]:
    return {"data": {"rules.yaml": text}}


def deployment(**metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}, **metadata},
            "spec": {"replicas": 3, "template": {"spec": {"containers": [
                {"name": "a", "image": "a:1", "ports": [{"containerPort": 80}]}, {"name": "b", "image": "b:1"}]}}}}


def changed(text: str, item: dict[str, Any] | None = None, type: Type = DEPLOYMENT) -> tuple[dict[str, Any], list[str]]:
    found, mistakes = document.read(config_map(text))
    assert mistakes == []
    item = item or deployment()
    troubles = rules.apply(found, type, item, schema_of=lambda _: (TYPES, TYPES.kind("apps", "v1", "Deployment") or {}))
    return item, troubles


def rule(patches: str, conditions: str = "{groupResource: deployments.apps}") -> str:
    return f"version: v1\nresourceModifierRules:\n- conditions: {conditions}\n  {patches}\n"


@pytest.mark.parametrize(("text", "value"), [
    ("3", 3), ("1.5", 1.5), ("true", True), ("null", None), ("abc", "abc"), ('"5"', "5"), ('{"a": 1}', {"a": 1}),
    ("[1, 2]", [1, 2]), ("", ""), ("NaN", "NaN"), ("1e999", "1e999"), ("05", "05"), (None, None), ('a "b', 'a "b')])
def test_a_value_is_json_where_it_can_be_and_text_otherwise(text: str | None, value: Any) -> None:
    found = document.value_of(text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(("operations", "result"), [
    ([{"op": "add", "path": "/a/-", "value": 3}], {"a": [1, 2, 3], "b": {"c/d": 1}}),
    ([{"op": "add", "path": "/a/0", "value": 0}], {"a": [0, 1, 2], "b": {"c/d": 1}}),
    ([{"op": "remove", "path": "/a/1"}], {"a": [1], "b": {"c/d": 1}}),
    ([{"op": "replace", "path": "/b/c~1d", "value": 2}], {"a": [1, 2], "b": {"c/d": 2}}),
    ([{"op": "move", "from": "/a/0", "path": "/b/e"}], {"a": [2], "b": {"c/d": 1, "e": 1}}),
    ([{"op": "copy", "from": "/b", "path": "/f"}], {"a": [1, 2], "b": {"c/d": 1}, "f": {"c/d": 1}}),
    ([{"op": "test", "path": "/a", "value": [1, 2]}, {"op": "add", "path": "/g", "value": None}],
     {"a": [1, 2], "b": {"c/d": 1}, "g": None}),
])
def test_json_patches_do_what_their_rfc_says(operations: list[dict[str, Any]], result: Any) -> None:
    target = {"a": [1, 2], "b": {"c/d": 1}}
    before = copy.deepcopy(target)
    assert jsonpatch.apply(target, operations) == result and target == before


@pytest.mark.parametrize("operation", [
    {"op": "remove", "path": "/x"}, {"op": "replace", "path": "/x", "value": 1},
    {"op": "add", "path": "/x/y", "value": 1},
    {"op": "add", "path": "/a/3", "value": 1}, {"op": "remove", "path": "/a/-"}, {"op": "remove", "path": "/a/01"},
    {"op": "move", "from": "/b", "path": "/b/e"}, {"op": "copy", "from": "/x", "path": "/y"},
    {"op": "test", "path": "/a", "value": [2, 1]}, {"op": "test", "path": "/a/0", "value": True},
    {"op": "remove", "path": ""},
])
def test_a_json_patch_that_cannot_be_done_changes_nothing(operation: dict[str, Any]) -> None:
    target = {"a": [1, 2], "b": {"c": 1}}
    with pytest.raises(ValueError):
        jsonpatch.apply(target, [{"op": "add", "path": "/new", "value": 1}, operation])
    assert target == {"a": [1, 2], "b": {"c": 1}}


def test_rules_apply_in_their_order_to_what_they_are_for() -> None:
    item, troubles = changed("""
version: v1
resourceModifierRules:
- conditions: {groupResource: "*.apps", namespaces: ["sh*"], resourceNameRegex: "^we",
    labelSelector: {matchLabels: {app: web}}, matches: [{path: /spec/replicas, value: "3"}]}
  patches:
  - {operation: replace, path: /spec/replicas, value: "1"}
  - {operation: add, path: /metadata/labels/copy, value: "\\"5\\""}
- conditions: {groupResource: deployments.apps, matches: [{path: /spec/replicas, value: "1"}]}
  mergePatches:
  - patchData: '{"metadata": {"labels": {"app": null}}}'
  - patchData: |
      spec:
        paused: true
- conditions: {groupResource: "*"}
  patches: [{operation: remove, path: /spec}]
- conditions: {groupResource: deployments.apps, namespaces: [other]}
  patches: [{operation: remove, path: /spec}]
""")
    assert troubles == []
    assert item["metadata"]["labels"] == {"copy": "5"}
    assert (item["spec"]["replicas"], item["spec"]["paused"]) == (1, True)


def test_a_failed_test_makes_a_rule_nothing_and_another_failure_an_error_of_the_item() -> None:
    text = rule('patches: [{operation: test, path: /spec/replicas, value: "9"}, {operation: remove, path: /spec}]')
    assert changed(text) == (deployment(), [])
    item, [trouble] = changed(rule("patches: [{operation: remove, path: /spec/nosuch}]"))
    assert item == deployment() and "/spec/nosuch" in trouble


@pytest.mark.parametrize(("patch", "word"), [
    ("/metadata/name", "metadata.name"), ("/metadata/namespace", "namespace mapping"), ("/kind", "kind")])
def test_a_rule_cannot_make_another_object_of_an_item(patch: str, word: str) -> None:
    item, [trouble] = changed(rule(f"patches: [{{operation: replace, path: {patch}, value: other}}]"))
    assert item == deployment() and word in trouble


@pytest.mark.parametrize(("pattern", "name", "fits"), [
    ("*", "pods", True), ("*", "deployments.apps", False), ("**", "deployments.apps", True),
    ("*.apps", "deployments.apps", True),
    ("*.apps", "pods", False), ("{pods,deployments.apps}", "deployments.apps", True), ("p?ds", "pods", True),
])
def test_a_star_stops_at_the_dot(pattern: str, name: str, fits: bool) -> None:
    assert bool(globs.compiled(pattern, separator=".").fullmatch(name)) is fits


@pytest.mark.parametrize(("text", "words"), [
    ("a: [", ["not YAML"]), ("- 1", ["not a mapping"]),
    ("version: v2\nresourceModifierRules: []", ["v2", "there are none"]),
    ("version: v1\nresourceModifierRules: [{conditions: {}, patches: []}]", ["exactly one of", "groupResource"]),
    ("version: v1\nother: 1\nresourceModifierRules: [3]", ["other", "not a mapping"]),
    (rule("patches: [{operation: put, path: spec, value: 3}]"), ["operation", "path", "quotes"]),
    (rule("patches: [{operation: move, path: /a}, {operation: add, path: /a, value: '{x'}]"),
     ["from", "not JSON|Expecting"]),
    (rule("patches: [{operation: remove, path: /a}]\n  mergePatches: [{patchData: '{}'}]"), ["exactly one of"]),
    (rule("mergePatches: [{patchData: '- 1'}, {patchdata: x}]"), ["not a mapping", "patchdata", "not a mapping"]),
    (rule("patches: [{operation: remove, path: /a}]", "{groupResource: '[a', resourceNameRegex: '(', "
          "labelSelector: {matchLabels: {'a b': c}}, matches: [{path: x}], kind: y}"),
     ["kind", "groupResource", "resourceNameRegex", "labelSelector", "path"]),
])
def test_every_mistake_of_the_config_map_is_listed(text: str, words: list[str]) -> None:
    _, mistakes = document.read(config_map(text))
    assert len(mistakes) == len(words), mistakes
    for mistake, word in zip(mistakes, words):
        assert any(each in mistake for each in word.split("|")), (mistake, word)


def test_a_config_map_has_exactly_one_key() -> None:
    assert document.read({"data": {}})[1] == ["it must have exactly one key, not 0"]
    assert document.read({"data": {"a": "", "b": ""}})[1] == ["it must have exactly one key, not 2"]


def reference(name: str, **more: Any) -> dict[str, Any]:
    return {"allOf": [{"$ref": f"#/components/schemas/{name}"}], **more}


TYPES = strategic.Types({
    "io.k8s.api.apps.v1.Deployment": {
        "x-kubernetes-group-version-kind": [{"group": "apps", "version": "v1", "kind": "Deployment"}],
        "properties": {"spec": reference("Spec"), "metadata": {"properties": {"finalizers": {
            "type": "array", "x-kubernetes-patch-strategy": "merge"}}}}},
    "Spec": {"properties": {"template": reference("Template"), "strategy": reference(
        "Strategy", **{"x-kubernetes-patch-strategy": "retainKeys"})}},
    "Strategy": {}, "Template": {"properties": {"spec": reference("PodSpec")}},
    "PodSpec": {"properties": {"containers": {
        "type": "array", "x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge",
        "items": {"$ref": "#/components/schemas/Container"}}}},
    "Container": {"properties": {"args": {"type": "array"}, "ports": {
        "type": "array", "x-kubernetes-patch-merge-key": "containerPort", "x-kubernetes-patch-strategy": "merge"}}},
    "com.example.v1.Thing": {"x-kubernetes-group-version-kind": [
        {"group": "example.com", "version": "v1", "kind": "Thing"}]},
})


def merged(patch: dict[str, Any], target: dict[str, Any] | None = None) -> dict[str, Any]:
    schema = TYPES.kind("apps", "v1", "Deployment")
    assert schema is not None
    return strategic.apply(target or deployment(), patch, types=TYPES, schema=schema)


def containers(*patches: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = merged({"spec": {"template": {"spec": {"containers": [*patches]}}}})[
        "spec"]["template"]["spec"]["containers"]
    return found


def test_lists_are_merged_by_the_key_that_their_type_says() -> None:
    a, b = deployment()["spec"]["template"]["spec"]["containers"]
    assert containers({"name": "b", "image": "b:2"}, {"name": "c", "image": "c:1"}) == [
        a, {**b, "image": "b:2"}, {"name": "c", "image": "c:1"}]
    assert containers({"name": "a", "$patch": "delete"}) == [b]
    assert containers({"$patch": "replace"}, {"name": "z"}) == [{"name": "z"}]
    assert containers({"name": "a", "$patch": "replace", "image": "x"}) == [{"name": "a", "image": "x"}, b]
    assert containers({"name": "a", "ports": [{"containerPort": 81}], "args": ["x"]})[0] == {
        **a, "ports": [{"containerPort": 80}, {"containerPort": 81}], "args": ["x"]}


def test_the_other_directives_of_strategic_patches() -> None:
    target = deployment(finalizers=["a", "b"])
    target["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}
    assert merged({"metadata": {"finalizers": ["b", "c"]}}, target)["metadata"]["finalizers"] == ["a", "b", "c"]
    without = merged({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}, target)
    assert without["metadata"]["finalizers"] == ["b"]
    kept = merged({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}, target)
    assert kept["spec"]["strategy"] == {"type": "Recreate"}
    assert "strategy" not in merged({"spec": {"strategy": {"$patch": "delete"}}}, target)["spec"]
    assert merged({"spec": {"replicas": None}}, target)["spec"].get("replicas") is None
    order = {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}
    assert [each["name"] for each in merged({"spec": {"template": {"spec": order}}})["spec"]["template"]["spec"][
        "containers"]] == ["b", "a"]


def test_a_strategic_patch_without_the_key_is_an_error_and_custom_kinds_have_no_keys() -> None:
    _, [trouble] = changed(rule(
        "strategicPatches: [{patchData: '{spec: {template: {spec: {containers: [{image: x}]}}}}'}]"))
    assert 'merge key "name"' in trouble
    assert TYPES.kind("example.com", "v1", "Thing") is None


CLAIM = Type("persistentvolumeclaims", "v1", "PersistentVolumeClaim")


def test_storage_classes_and_images_get_their_new_names() -> None:
    preparation = Preparation(changes=Changes(classes={"old": "new"}, images=[("a:", "mirror/a:"), (":1", ":2")]))
    claim: dict[str, Any] = {
        "kind": "PersistentVolumeClaim", "metadata": {"name": "d"}, "spec": {"storageClassName": "old"}}
    assert preparation.apply(CLAIM, claim) == [] and claim["spec"] == {"storageClassName": "new"}
    item = deployment()
    preparation.apply(DEPLOYMENT, item)
    assert [each["image"] for each in item["spec"]["template"]["spec"]["containers"]] == ["mirror/a:1", "b:2"]
    cron = {"kind": "CronJob", "metadata": {"name": "c"}, "spec": {"jobTemplate": {"spec": item["spec"]}}}
    preparation.apply(Type("cronjobs.batch", "batch/v1", "CronJob"), cron)
    assert item["spec"]["template"]["spec"]["containers"][1]["image"] == "b:2"
    stateful: dict[str, Any] = {"kind": "StatefulSet", "metadata": {"name": "s"}, "spec": {"volumeClaimTemplates": [
        {"spec": {"storageClassName": "old"}}, {"spec": {}}]}}
    preparation.apply(Type("statefulsets.apps", "apps/v1", "StatefulSet"), stateful)
    assert [each["spec"] for each in stateful["spec"]["volumeClaimTemplates"]] == [{"storageClassName": "new"}, {}]


def test_a_claim_whose_new_class_does_not_exist_does_not_come_back() -> None:
    preparation = Preparation(changes=Changes(classes={"old": "new"}), absent=frozenset({"new"}))
    with pytest.raises(Unfit, match='storage class "new"'):
        preparation.apply(CLAIM, {"metadata": {"name": "d"}, "spec": {"storageClassName": "old"}})
    preparation.apply(CLAIM, {"metadata": {"name": "d"}, "spec": {"storageClassName": "other"}})


def test_modifiers_see_the_object_in_its_old_namespace() -> None:
    found, _ = document.read(config_map(rule(
        "patches: [{operation: add, path: /metadata/labels/seen, value: it}]",
        "{groupResource: deployments.apps, namespaces: [shop]}")))
    preparation = Preparation(NamespaceMapping({"shop": "copy"}), changes=Changes(rules=found),
                              schema_of=lambda _: (TYPES, {}))
    item = deployment()
    assert preparation.apply(DEPLOYMENT, item) == []
    assert (item["metadata"]["namespace"], item["metadata"]["labels"]["seen"]) == ("copy", "it")


def test_init_hooks_stand_in_front_of_the_pods_own_but_behind_what_waits_for_volumes() -> None:
    pod: dict[str, Any] = {"kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}, "spec": {
        "containers": [{"name": "c"}], "initContainers": [{"name": "own"}, {"name": "restore-wait"}]}}
    spec = {"hooks": {"resources": [{"name": "h", "includedNamespaces": ["copy"], "postHooks": [{"init": {
        "initContainers": [{"name": "first", "image": "i", "command": ["c"]}]}}]}]}}
    Preparation(NamespaceMapping({"shop": "copy"}), spec=spec).apply(Type("pods", "v1", "Pod"), pod)
    assert [each["name"] for each in pod["spec"]["initContainers"]] == ["restore-wait", "first", "own"]
