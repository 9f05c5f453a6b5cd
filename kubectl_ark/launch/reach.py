"""How far an installation reaches: the whole cluster by ClusterRoles, or some namespaces by Roles in each of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from kubectl_ark import errors
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import labels, names

WHOLE_CLUSTER = "*"

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_PLURALS = {"rolebindings": "RoleBinding", "roles": "Role", "clusterrolebindings": "ClusterRoleBinding",
            "clusterroles": "ClusterRole"}
"""In the order in which they are taken away."""


def understood(words: Sequence[str], *, ark: str) -> str:
    """What the settings keep of ``--namespaces``: "a,b", or "" for the whole cluster. ark: Ark's own namespace.

    Raises UsageError.
    """
    if WHOLE_CLUSTER in words:
        if len(words) > 1:
            raise errors.UsageError('--namespaces: "*" means all namespaces and stands alone')
        return ""
    for word in words:
        if "." in word or len(word) > names.MAX_JOB_NAME or names.dns_name_problem(word):
            raise errors.UsageError(f'--namespaces: "{word}" is not the name of a namespace',
                                    hint='list names with commas; "*" alone means all')
        if word == ark:
            raise errors.UsageError(f"--namespaces: {word} is kubectl-ark's own namespace",
                                    hint="list those whose objects it shall save")
    return ",".join(sorted(set(words)))


def check(kubectl: Kubectl, namespaces: Iterable[str]) -> None:
    """Raises KubectlFailed, naming all that are not there: Roles cannot be made in them."""
    missing = []
    for name in namespaces:
        try:
            kubectl.get(f"/api/v1/namespaces/{quote(name)}")
        except KubectlError as error:
            if error.status_reason != "NotFound":
                raise
            missing.append(name)
    if missing:
        raise errors.KubectlFailed(f"namespace {' and '.join(missing)} of --namespaces does not exist",
                                   hint="create it first: kubectl-ark's roles live in it")


def granted(kubectl: Kubectl, ark: str) -> list[dict[str, Any]]:
    """Every role and binding, anywhere, that an install into namespace ``ark`` has made; only their identities."""
    selector = quote(f"{labels.INSTALLATION}={ark}")
    found = []
    for plural, kind in _PLURALS.items():
        for each in kubectl.get(f"{_RBAC}/{plural}?labelSelector={selector}")["items"]:
            found.append(_identity({"apiVersion": _RBAC.removeprefix("/apis/"), "kind": kind, **each}))
    return found


def prune(kubectl: Kubectl, ark: str, wanted: Iterable[Mapping[str, Any]]) -> list[str]:
    """Take away the roles and bindings of earlier installs that are not among ``wanted``; kubectl's lines about it."""
    kept = [_identity(each) for each in wanted]
    if stale := [each for each in granted(kubectl, ark) if each not in kept]:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": stale}).encode()
        return kubectl.run("delete", "--ignore-not-found", "-f", "-", stdin=text).decode().splitlines()
    return []


def _identity(item: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: item["metadata"][key] for key in ("name", "namespace") if key in item["metadata"]}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": metadata}
