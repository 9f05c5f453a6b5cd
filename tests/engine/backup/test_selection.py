"""Which kinds, namespaces and related objects a spec selects: the table of ark-format.md §5.2."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_ark.engine.backup import kinds, namespaces, selection
from kubectl_ark.model.resources import Catalog, Resource

ALL = frozenset({"list", "create", "get", "delete", "watch"})


def kind(plural: str, group: str = "", *, namespaced: bool = True, verbs: frozenset[str] = ALL) -> Resource:
    return Resource(group, "v1", plural, plural.rstrip("s").title(), namespaced, verbs, singular=plural.rstrip("s"))


CATALOG = Catalog([
    kind("services"), kind("pods"), kind("nodes", namespaced=False), kind("namespaces", namespaced=False),
    kind("persistentvolumes", namespaced=False), kind("persistentvolumeclaims"), kind("events"),
    kind("bindings", verbs=frozenset({"create"})), kind("deployments", "extensions"), kind("deployments", "apps"),
    kind("events", "events.k8s.io"), kind("volumesnapshots", "snapshot.storage.k8s.io"),
])


def listed(**spec: Any) -> list[str]:
    return [each.group_resource for each in kinds.listed(CATALOG, selection.of_spec(spec, CATALOG))]


def test_order_is_pods_claims_volumes_then_discovery_with_extensions_last() -> None:
    assert listed() == ["pods", "persistentvolumeclaims", "persistentvolumes", "services", "nodes", "events",
                        "deployments.apps"]


def test_kinds_that_cannot_be_brought_back_are_not_listed() -> None:
    assert "bindings" not in listed()


def test_a_kind_served_by_two_groups_is_listed_once() -> None:
    assert "deployments.extensions" not in listed() and "events.events.k8s.io" not in listed()


@pytest.mark.parametrize(("spec", "expected"), [
    ({}, True), ({"includedNamespaces": ["*"]}, True), ({"includedNamespaces": ["shop"]}, False),
    ({"excludedNamespaces": ["shop"]}, False),
    ({"includeClusterResources": True, "includedNamespaces": ["shop"]}, True),
    ({"includeClusterResources": False}, False),
])
def test_cluster_kinds_are_listed_by_the_three_states(spec: dict[str, Any], expected: bool) -> None:
    assert ("nodes" in listed(**spec)) is expected


def test_users_words_for_kinds_are_resolved() -> None:
    assert listed(includedResources=["pod", "deployment"]) == ["pods", "deployments.extensions"]
    assert "pods" not in listed(excludedResources=["pod"])


@pytest.mark.parametrize(("spec", "expected"), [
    ({"includedNamespaces": ["shop"]}, True),
    ({"includedNamespaces": ["shop"], "includeClusterResources": False}, False),
    ({"includedNamespaces": ["shop"], "excludedResources": ["persistentvolumes"]}, False),
    ({"includedNamespaces": ["shop"], "includedResources": ["pods"]}, False),
])
def test_a_claims_volume_comes_along_unless_filters_say_no(spec: dict[str, Any], expected: bool) -> None:
    volumes = CATALOG.get("persistentvolumes")
    assert volumes is not None
    assert selection.of_spec(spec, CATALOG).takes_related(volumes, None) is expected


CLUSTER_IN, CLUSTER_OUT = "includedClusterScopedResources", "excludedClusterScopedResources"
IN, OUT = "includedNamespaceScopedResources", "excludedNamespaceScopedResources"


@pytest.mark.parametrize(("spec", "expected"), [
    ({IN: ["*"]}, ["pods", "persistentvolumeclaims", "persistentvolumes", "services", "nodes", "events",
                   "deployments.apps"]),
    ({IN: ["pod", "nodes"]}, ["pods"]), ({OUT: ["*"]}, []),
    ({OUT: ["*"], CLUSTER_IN: ["*"]}, ["persistentvolumes", "nodes"]),
    ({OUT: ["*"], CLUSTER_IN: ["no*"]}, ["nodes"]),
    ({CLUSTER_IN: ["nodes"]}, ["pods", "persistentvolumeclaims", "services", "nodes", "events", "deployments.apps"]),
    ({CLUSTER_OUT: ["nodes"], IN: ["pods"]}, ["pods"]),
    ({IN: ["pods"], "includedNamespaces": ["shop"]}, ["pods"]),
])
def test_filters_by_scope_choose_among_kinds_of_their_own_scope(spec: dict[str, Any], expected: list[str]) -> None:
    assert listed(**spec) == expected


@pytest.mark.parametrize(("spec", "volume", "claim", "namespaces"), [
    ({IN: ["pods"]}, True, False, True), ({CLUSTER_OUT: ["persistentvolumes"]}, False, True, True),
    ({CLUSTER_OUT: ["*"]}, False, True, False), ({CLUSTER_IN: ["nodes"]}, True, True, True),
])
def test_beside_filters_by_scope_related_cluster_objects_come_along_unless_excluded(
        spec: dict[str, Any], volume: bool, claim: bool, namespaces: bool) -> None:
    chosen = selection.of_spec(spec, CATALOG)
    volumes, claims = CATALOG.get("persistentvolumes"), CATALOG.get("persistentvolumeclaims")
    assert volumes is not None and claims is not None
    assert (chosen.takes_related(volumes, None), chosen.takes_related(claims, "shop")) == (volume, claim)
    assert chosen.takes_namespace_objects is namespaces


def test_each_of_several_label_selectors_is_a_list_of_its_own() -> None:
    spec = {"orLabelSelectors": [{"matchLabels": {"a": "1"}}, {"matchLabels": {"a": "2"}}]}
    chosen = selection.of_spec(spec, CATALOG)
    assert chosen.queries == ("a=1", "a=2")
    assert chosen.takes_labels({"a": "2"}) and not chosen.takes_labels({"a": "3"})
    assert selection.of_spec({}, CATALOG).queries == ("",)


def space(name: str, *, phase: str = "Active", **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}, "status": {"phase": phase}}


SPACES = [space("shop", team="web"), space("shop-test"), space("old", phase="Terminating"),
          space("secret", **{"velero.io/exclude-from-backup": "true"})]


def test_patterns_become_the_namespaces_that_exist() -> None:
    survey = namespaces.survey(SPACES, selection.of_spec({"includedNamespaces": ["shop*", "gone"]}, CATALOG))
    assert (survey.wanted, survey.missing) == (["shop", "shop-test"], ["gone"])


def test_a_hidden_namespace_ends_the_single_list_for_all() -> None:
    survey = namespaces.survey(SPACES, selection.of_spec({}, CATALOG))
    assert survey.wanted == ["old", "shop", "shop-test"] and survey.hidden == ["secret"]
    assert namespaces.survey(SPACES[:2], selection.of_spec({}, CATALOG)).wanted is None


def test_a_terminating_namespace_is_kept_only_if_something_lives_in_it() -> None:
    every = selection.of_spec({}, CATALOG)
    assert not namespaces.keeps(SPACES[2], every, holding=set())
    assert namespaces.keeps(SPACES[2], every, holding={"old"})


def test_with_a_label_selector_only_matching_or_needed_namespaces_are_kept() -> None:
    chosen = selection.of_spec({"labelSelector": {"matchLabels": {"team": "web"}}}, CATALOG)
    assert namespaces.keeps(SPACES[0], chosen, holding=set())
    assert not namespaces.keeps(SPACES[1], chosen, holding=set())
    assert namespaces.keeps(SPACES[1], chosen, holding={"shop-test"})
