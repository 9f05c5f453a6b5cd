"""Installations that reach some namespaces only: Roles there, changed and taken away by later installs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from kubectl_ark import errors
from kubectl_ark.launch import installing, reach
from kubectl_ark.launch.kubectl import Kubectl
from tests.environment import Environment

pytestmark = pytest.mark.api

ARK = "ark-narrow"


@pytest.fixture(scope="module")
def narrow(cluster: Environment, kubectl: Kubectl, installed: installing.Plan) -> Iterator[installing.Plan]:
    """A plan for namespaces reach-a and reach-b, which are there; undone at the end."""
    for name in ("reach-a", "reach-b"):
        cluster.run("create", "namespace", name)
    yield dataclasses.replace(installed, namespace=ARK, settings=dataclasses.replace(
        installed.settings, namespaces="reach-a,reach-b"))
    installing.remove(kubectl, ARK)
    cluster.run("delete", "namespace", "reach-a", "reach-b", "--wait=false")


def made(kubectl: Kubectl) -> set[tuple[str, str]]:
    """(kind, namespace) of every role and binding of that installation."""
    return {(each["kind"], each["metadata"].get("namespace", "")) for each in reach.granted(kubectl, ARK)}


def of(*namespaces: str) -> set[tuple[str, str]]:
    """What there is for an installation that reaches these."""
    return {(kind, place) for kind in ("Role", "RoleBinding") for place in (ARK, "kube-system", *namespaces)}


EVERYWHERE = {("ClusterRole", ""), ("ClusterRoleBinding", "")}


def test_roles_follow_the_namespaces_that_install_was_last_given(
        cluster: Environment, kubectl: Kubectl, narrow: installing.Plan) -> None:
    def with_namespaces(namespaces: str) -> installing.Plan:
        return dataclasses.replace(narrow, settings=dataclasses.replace(narrow.settings, namespaces=namespaces))

    installing.apply(kubectl, narrow)
    assert made(kubectl) == of("reach-a", "reach-b")
    lines = installing.apply(kubectl, with_namespaces("reach-b"))
    assert made(kubectl) == of("reach-b")
    # A role and its binding for each of ark-backup, ark-reconcile (for Restiks), ark-restore and ark-volumes.
    assert sum("deleted" in line for line in lines) == 8, lines
    kept = installing.with_former_settings(kubectl, with_namespaces(""), memory_limit=None, namespaces=None,
                                           reconcile_schedule=None)
    assert kept.settings.reach == ("reach-b",)
    installing.apply(kubectl, with_namespaces(""))
    assert made(kubectl) == of() | EVERYWHERE
    installing.apply(kubectl, narrow)
    assert made(kubectl) == of("reach-a", "reach-b")
    installing.remove(kubectl, ARK)
    assert made(kubectl) == set()


def test_a_namespace_that_is_not_there_is_named_and_nothing_is_made(
        cluster: Environment, kubectl: Kubectl, narrow: installing.Plan) -> None:
    settings = dataclasses.replace(narrow.settings, namespaces="no-such-one,nor-this,reach-a")
    with pytest.raises(errors.KubectlFailed, match="namespace no-such-one and nor-this of --namespaces does not exist"):
        installing.apply(kubectl, dataclasses.replace(narrow, settings=settings))
    assert made(kubectl) == set()
    assert cluster.run("get", "namespace", ARK, "--ignore-not-found").stdout == ""
