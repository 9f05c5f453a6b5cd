"""The README's table of accounts, held against what the API server lets each of them do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.ark import Ark

pytestmark = pytest.mark.node

README = Path(__file__).resolve().parents[2] / "README.md"
READ = frozenset({"get", "list", "watch"})
Rules = frozenset[tuple[str, frozenset[str]]]

EVERYWHERE: dict[str, Rules] = {
    "ark-backup": frozenset({("*.*", READ)}),
    "ark-restore": frozenset({
        ("*.*", READ | {"create", "patch", "update"}),
        ("roles.rbac.authorization.k8s.io", frozenset({"escalate", "bind"})),
        ("clusterroles.rbac.authorization.k8s.io", frozenset({"escalate", "bind"}))}),
    "ark-reconcile": frozenset(), "ark-fetch": frozenset(), "ark-volumes": frozenset(),
}
"""What each may do in every namespace, beyond what every account may. ``*.*`` is every kind of every group."""

IN_ARKS_NAMESPACE: dict[str, Rules] = {
    "ark-backup": frozenset({
        ("backups.ark.heptio.com/status", frozenset({"patch"})),
        ("events", frozenset({"create", "patch"})), ("events.events.k8s.io", frozenset({"create", "patch"}))}),
    "ark-restore": frozenset(),
    "ark-reconcile": frozenset({
        ("backupstoragelocations.ark.heptio.com", frozenset({"get"})),
        ("backupstoragelocations.ark.heptio.com/status", frozenset({"patch"})),
        ("secrets", frozenset({"get"}))}),
    "ark-fetch": frozenset(), "ark-volumes": frozenset(),
}
"""What each may do there besides."""


def _rules(ark: Ark, account: str, namespace: str) -> Rules:
    """``kubectl auth can-i --list``: resources with their verbs; rules for URLs left out."""
    listed = ark.cluster.run("auth", "can-i", "--list", "-n", namespace,
                             f"--as=system:serviceaccount:{ark.namespace}:{account}").stdout
    rules = set()
    for line in listed.splitlines()[1:]:
        found = re.fullmatch(r"(\S*) +\[(.*?)\] +\[(.*?)\] +\[(.*?)\]", line.rstrip())
        assert found, line
        if found[1]:
            assert not found[3], f"{account}: a rule for single names is not in the table: {line}"
            rules.add((found[1], frozenset(found[4].split())))
    return frozenset(rules)


@pytest.mark.parametrize("account", EVERYWHERE)
def test_an_account_may_do_what_the_table_says_and_nothing_else(ark: Ark, account: str) -> None:
    for namespace, wanted in (("kube-public", EVERYWHERE[account]),
                              (ark.namespace, EVERYWHERE[account] | IN_ARKS_NAMESPACE[account])):
        everybody = _rules(ark, "no-such-account", namespace)
        assert _rules(ark, account, namespace) - everybody == wanted, f"{account} in {namespace}"


@pytest.mark.parametrize(("account", "verb", "resource", "namespace", "may"), [
    ("ark-backup", "get", "secrets", "kube-system", "yes"), ("ark-backup", "create", "pods", "kube-public", "no"),
    ("ark-backup", "delete", "backups.ark.heptio.com", "", "no"), ("ark-backup", "create", "events", "", "yes"),
    ("ark-restore", "create", "clusterroles", "kube-public", "yes"),
    ("ark-restore", "delete", "configmaps", "kube-public", "no"), ("ark-restore", "deletecollection", "pods", "", "no"),
    ("ark-restore", "impersonate", "users", "", "no"), ("ark-reconcile", "get", "secrets", "", "yes"),
    ("ark-reconcile", "get", "secrets", "kube-system", "no"), ("ark-reconcile", "create", "jobs", "", "no"),
    ("ark-fetch", "get", "secrets", "", "no"), ("ark-volumes", "get", "pods", "", "no"),
])
def test_the_api_server_answers(ark: Ark, account: str, verb: str, resource: str, namespace: str, may: str) -> None:
    done = ark.cluster.run("auth", "can-i", verb, resource, "-n", namespace or ark.namespace,
                           f"--as=system:serviceaccount:{ark.namespace}:{account}", check=False)
    assert done.stdout.strip() == may


def test_the_readme_lists_these_accounts_and_the_cluster_has_no_others(ark: Ark) -> None:
    rows = re.findall(r"^\| (ark-\w+) \|", README.read_text(), re.M)
    assert rows == list(EVERYWHERE)
    accounts = ark.cluster.get("serviceaccounts", "-n", ark.namespace)["items"]
    assert {each["metadata"]["name"] for each in accounts} - {"default"} == set(rows)
