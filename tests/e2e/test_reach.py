"""An installation for two namespaces: no cluster role anywhere, and backup and restore of these work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.ark import Ark
from tests.e2e.bucket import Bucket

pytestmark = pytest.mark.node

PLACES = ("narrow-a", "narrow-b")


@pytest.fixture(scope="module")
def narrow(ark: Ark) -> Iterator[Ark]:
    """Installed for PLACES, in each of which are a ConfigMap; gone afterwards."""
    cluster = ark.cluster
    for place in PLACES:
        cluster.run("create", "namespace", place)
        cluster.run("create", "configmap", "kept", "-n", place, "--from-literal=a=b")
    installed = ark.in_namespace("ark-e2e-narrow")
    installed(*installed.install_arguments(namespaces=",".join(PLACES)))
    yield installed
    Bucket(cluster, installed.prefix).remove()
    installed("uninstall", "--yes", timeout=320)
    cluster.run("delete", "namespace", *PLACES, "--wait=false")


def test_there_is_no_cluster_role_of_it(narrow: Ark) -> None:
    names = narrow.cluster.run("get", "clusterroles,clusterrolebindings", "-o", "name").stdout
    assert "ark-e2e-narrow" not in names


def test_what_was_lost_in_such_a_namespace_comes_back(narrow: Ark) -> None:
    answer = narrow("backup", "all", "--wait")
    assert "Completed" in answer.out, answer.all
    said = narrow.details("backup", "all")
    assert "this installation reaches only narrow-a, narrow-b: no other namespace is in the backup" in said
    assert "objects that lie in no namespace are left out" in said and "Errors:\n  <none>\n" in said
    for place in PLACES:
        assert f"- {place}/kept" in said
        narrow.cluster.run("delete", "configmap", "kept", "-n", place)
    assert "kube-system/" not in said
    answer = narrow("restore", "all-back", "--from-backup", "all", "--wait")
    assert "Completed" in answer.out, answer.all
    for place in PLACES:
        assert narrow.cluster.get("configmap", "kept", "-n", place)["data"] == {"a": "b"}


def test_a_namespace_out_of_reach_is_an_error_that_names_it(narrow: Ark) -> None:
    answer = narrow("backup", "beyond", "--include-namespaces", "narrow-a,kube-public", "--wait", code=3)
    assert 'namespace "kube-public" is included by name' in narrow.details("backup", "beyond"), answer.all
