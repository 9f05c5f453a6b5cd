"""The namespace whose Jobs read volumes from directories of nodes: made, checked and taken away with its policies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from kubectl_ark import errors
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import labels, names, pod_directories
from kubectl_ark.model.settings import Settings

KINDS = ("ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy", "Namespace")


def objects(namespace: str, settings: Settings, marks: Mapping[str, str]) -> list[dict[str, Any]]:
    """All of it. namespace: Ark's. marks: labels."""
    from kubectl_ark.render.jobspecs import render

    return render("host-paths", {
        "place": names.host_path_namespace(namespace), "namespace": namespace, "labels": dict(marks),
        "image": settings.image, "directory": pod_directories.pattern(settings.kubelet_root),
        "limited": bool(settings.reach)})


def check(kubectl: Kubectl, namespace: str) -> None:
    """Raises KubectlFailed where somebody else has made the namespace: it would let privileged pods in then."""
    place = names.host_path_namespace(namespace)
    if _exists(kubectl, place) and not is_ours(kubectl, namespace):
        raise errors.KubectlFailed(f"namespace {place}, in which --host-path-volumes lets Jobs read directories of "
                                   "nodes, was made by others", hint="install kubectl-ark in another namespace with -n")


def is_ours(kubectl: Kubectl, namespace: str) -> bool:
    """Whether the namespace is there and an install into Ark's ``namespace`` has made it."""
    found = _read(kubectl, names.host_path_namespace(namespace))
    return found is not None and (found["metadata"].get("labels") or {}).get(labels.INSTALLATION) == namespace


def remove(kubectl: Kubectl, namespace: str, made: Iterable[Mapping[str, Any]]) -> list[str]:
    """Take it away, where it is ours; kubectl's lines about it. made: what ``objects`` gives."""
    if not is_ours(kubectl, namespace):
        return []
    bare = [{"apiVersion": each["apiVersion"], "kind": each["kind"], "metadata": {"name": each["metadata"]["name"]}}
            for kind in reversed(KINDS) for each in made if each["kind"] == kind]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": bare}).encode()
    return kubectl.run("delete", "--ignore-not-found", "--wait", "--timeout=300s", "-f", "-",
                       stdin=text).decode().splitlines()


def _exists(kubectl: Kubectl, place: str) -> bool:
    return _read(kubectl, place) is not None


def _read(kubectl: Kubectl, place: str) -> dict[str, Any] | None:
    try:
        return kubectl.get(f"/api/v1/namespaces/{quote(place)}")
    except KubectlError as error:
        if error.status_reason == "NotFound":
            return None
        raise
