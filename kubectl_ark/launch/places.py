"""Storage locations made and changed: a Job tries each, and one that does not work is left as it was."""

from __future__ import annotations

from typing import Any

from kubectl_ark import errors
from kubectl_ark.launch import installing, paths, runs
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import kinds

KIND = kinds.STORAGE_LOCATION


def create(kubectl: Kubectl, resource: dict[str, Any]) -> str:
    """Create a BackupStorageLocation; what there is to say of it, "" for nothing.

    Raises KubectlFailed, with the reason, if it does not work; it is gone again then.
    """
    metadata = resource["metadata"]
    settings = runs.read_settings(kubectl, metadata["namespace"])
    path = paths.custom(KIND, metadata["namespace"])
    kubectl.create(path, resource)
    try:
        said = _tried(kubectl, metadata["namespace"], metadata["name"], settings)
    except BaseException:
        kubectl.delete(paths.custom(KIND, metadata["namespace"], metadata["name"]))
        raise
    if resource["spec"].get("default"):
        _let_others_go(kubectl, metadata["namespace"], metadata["name"])
    return said


def change(kubectl: Kubectl, name: str, namespace: str, change: dict[str, Any]) -> str:
    """Merge a change into a BackupStorageLocation; what there is to say of it, "" for nothing.

    Raises KubectlFailed if it does not work like that; its spec, labels and annotations are what they were then.
    """
    settings = runs.read_settings(kubectl, namespace)
    before = runs.read(kubectl, KIND, name, namespace)
    kubectl.patch(KIND.full_name, name, namespace, change)
    try:
        said = _tried(kubectl, namespace, name, settings)
    except BaseException:
        kubectl.patch(KIND.full_name, name, namespace, [
            {"op": "test", "path": "/metadata/uid", "value": before["metadata"]["uid"]},
            {"op": "replace", "path": "/spec", "value": before["spec"]},
            *({"op": "add", "path": f"/metadata/{field}", "value": before["metadata"].get(field) or {}}
              for field in ("labels", "annotations"))])
        raise
    if (change.get("spec") or {}).get("default"):
        _let_others_go(kubectl, namespace, name)
    return said


def _tried(kubectl: Kubectl, namespace: str, name: str, settings: Any) -> str:
    """What the Job found worth saying. Who may not create Jobs leaves that to the next pass."""
    try:
        tried = installing.validate(kubectl, installing.Plan(namespace, settings, {}), location=name)
    except KubectlError as error:
        if error.status_reason != "Forbidden":
            raise
        return f"it was not tried: {error.message}; the next pass of kubectl-ark does that"
    except errors.KubectlFailed as error:
        raise errors.KubectlFailed(error.message, hint="nothing was changed; correct it and run the command again"
                                   ) from error
    return str((tried.get("status") or {}).get("message") or "")


def _let_others_go(kubectl: Kubectl, namespace: str, name: str) -> None:
    """There is one default location."""
    for each in kubectl.get(paths.custom(KIND, namespace))["items"]:
        if each["metadata"]["name"] != name and (each.get("spec") or {}).get("default"):
            kubectl.patch(KIND.full_name, each["metadata"]["name"], namespace, {"spec": {"default": False}})
