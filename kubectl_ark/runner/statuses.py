"""Fields of a CR's status, written onto that very object.

Not by a merge patch: at the status subresource the API server takes one with another object's uid for good.
"""

from __future__ import annotations

from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import Api


def write(api: Api, path: str, resource: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The CR with these fields of its status set; None removes one. Fields that are not named stay as they are.

    path: of its status. resource: the CR as it was read. Raises Conflict where it is gone or was made anew, ApiError.
    NB: the CRD must give a new object a status, be it an empty one.
    """
    metadata, former = resource["metadata"], resource.get("status") or {}
    operations: list[dict[str, Any]] = [{"op": "test", "path": "/metadata/uid", "value": metadata["uid"]}]
    for field, value in fields.items():
        if value is not None:
            operations.append({"op": "add", "path": f"/status/{field}", "value": value})
        elif field in former:
            operations.append({"op": "remove", "path": f"/status/{field}"})
    try:
        return api.patch_json(path, operations)
    except errors.NotFound as gone:
        raise errors.Conflict(f"{metadata['name']} is gone") from gone
    except errors.Rejected as refusal:
        now = _uid(api, path)
        if now != metadata["uid"]:
            raise errors.Conflict(f"{metadata['name']} was made anew meanwhile") from refusal
        raise


def _uid(api: Api, path: str) -> str | None:
    try:
        return str(api.get(path)["metadata"]["uid"])
    except errors.NotFound:
        return None
