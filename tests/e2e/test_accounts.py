"""The README's table of accounts, held against what the API server lets each of them do."""

from __future__ import annotations

import re

import pytest

from tests.e2e.ark import Ark
from tests.plugin import ROOT

README = (ROOT / "README.md").read_text()
Rules = dict[tuple[str, str], set[str]]
"""(resource as ``kubectl auth can-i --list`` spells it, name or "" for all) → verbs."""

_ENTRY = re.compile(r"(?P<resources>`[^`]+`(?:, `[^`]+`)*)(?: \((?P<name>[^)]+)\))? (?P<verbs>[a-z]+(?:, [a-z]+)*)")


def understood(cell: str) -> Rules:
    """One cell of the table: "nothing", or entries such as "`secrets`, `events` get, list; `pods/exec` (a-pod) create".

    The name in parentheses is the one that the rule is for; without, it is for all.
    """
    rules: Rules = {}
    for entry in [] if cell == "nothing" else cell.split("; "):
        found = _ENTRY.fullmatch(entry)
        assert found, f'"{entry}" in the README\'s table of accounts is not `RESOURCE`, … (NAME) VERB, …'
        for resource in re.findall(r"`([^`]+)`", found["resources"]):
            rules.setdefault((resource, found["name"] or ""), set()).update(found["verbs"].split(", "))
    return rules


def table() -> dict[str, tuple[Rules, Rules]]:
    """Account → what it may do in every namespace, and in Ark's own besides."""
    rows = re.findall(r"^\| (ark-\w+) \| (.*?) \| (.*?) \| .*? \|$", README, re.M)
    return {account: (understood(everywhere), understood(own)) for account, everywhere, own in rows}


def listed(ark: Ark, account: str, namespace: str) -> Rules:
    """``kubectl auth can-i --list``; rules for URLs left out."""
    text = ark.cluster.run("auth", "can-i", "--list", "-n", namespace,
                           f"--as=system:serviceaccount:{ark.namespace}:{account}").stdout
    rules: Rules = {}
    for line in text.splitlines()[1:]:
        found = re.fullmatch(r"(\S*) +\[(.*?)\] +\[(.*?)\] +\[(.*?)\]", line.rstrip())
        assert found, line
        for name in found[3].split() or [""] if found[1] else []:
            rules.setdefault((found[1], name), set()).update(found[4].split())
    return rules


def beyond(rules: Rules, other: Rules) -> Rules:
    """What of the rules the others do not give."""
    left = {subject: verbs - other.get(subject, set()) for subject, verbs in rules.items()}
    return {subject: verbs for subject, verbs in left.items() if verbs}


def joined(*each: Rules) -> Rules:
    """All of these rules."""
    rules: Rules = {}
    for subject, verbs in [pair for one in each for pair in one.items()]:
        rules.setdefault(subject, set()).update(verbs)
    return rules


def test_the_table_lists_the_accounts_once_and_can_be_read() -> None:
    names = re.findall(r"^\| (ark-\w+) \|", README, re.M)
    assert len(names) >= 5 and sorted(set(names)) == sorted(names) == sorted(table())


def test_an_entry_of_the_table_is_read_as_it_is_meant() -> None:
    assert understood("`a`, `b.c/d` (x) get, list; `a` watch") == {
        ("a", "x"): {"get", "list"}, ("b.c/d", "x"): {"get", "list"}, ("a", ""): {"watch"}}
    with pytest.raises(AssertionError):
        understood("read everything")


@pytest.mark.node
@pytest.mark.parametrize("account", table())
def test_an_account_may_do_what_the_table_says_and_nothing_else(ark: Ark, account: str) -> None:
    everywhere, own = table()[account]
    for namespace, wanted in (("kube-public", everywhere), (ark.namespace, joined(everywhere, own))):
        everybody = listed(ark, "no-such-account", namespace)
        assert beyond(listed(ark, account, namespace), everybody) == beyond(wanted, everybody), namespace


@pytest.mark.node
@pytest.mark.parametrize(("account", "verb", "resource", "namespace", "may"), [
    ("ark-backup", "get", "secrets", "kube-system", "yes"), ("ark-backup", "create", "pods", "kube-public", "no"),
    ("ark-backup", "delete", "backups.ark.heptio.com", "", "no"), ("ark-backup", "create", "events", "", "yes"),
    ("ark-restore", "create", "clusterroles", "kube-public", "yes"),
    ("ark-restore", "delete", "configmaps", "kube-public", "no"), ("ark-restore", "deletecollection", "pods", "", "no"),
    ("ark-restore", "impersonate", "users", "", "no"), ("ark-reconcile", "get", "secrets", "", "yes"),
    ("ark-reconcile", "get", "secrets", "kube-system", "no"), ("ark-reconcile", "create", "jobs", "", "yes"),
    ("ark-reconcile", "create", "jobs", "kube-public", "no"), ("ark-reconcile", "delete", "secrets", "", "no"),
    ("ark-reconcile", "create", "pods", "", "no"), ("ark-backup", "create", "jobs", "", "no"),
    ("ark-reconcile", "get", "namespaces/kube-system", "kube-system", "yes"),
    ("ark-reconcile", "list", "namespaces", "kube-system", "no"),
    ("ark-fetch", "get", "secrets", "", "no"), ("ark-volumes", "get", "secrets", "", "no"),
])
def test_the_api_server_answers(ark: Ark, account: str, verb: str, resource: str, namespace: str, may: str) -> None:
    done = ark.cluster.run("auth", "can-i", verb, resource, "-n", namespace or ark.namespace,
                           f"--as=system:serviceaccount:{ark.namespace}:{account}", check=False)
    assert done.stdout.strip() == may


@pytest.mark.node
def test_the_cluster_has_no_other_accounts_of_ours(ark: Ark) -> None:
    accounts = ark.cluster.get("serviceaccounts", "-n", ark.namespace)["items"]
    assert {each["metadata"]["name"] for each in accounts} - {"default"} == set(table())
