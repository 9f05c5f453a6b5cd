"""Fields of a CR's status, written onto that very object.

Not by a merge patch: at the status subresource the API server takes one with another object's uid for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import Api


def write(api: Api, path: str, resource: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The CR with these fields of its status set; None removes one. Fields that are not named stay as they are.

    path: of its status. resource: the CR as it was read. Raises Conflict where it is gone or was made anew, ApiError.
    NB: the CRD must give a new object a status, be it an empty one.
    """
    metadata = resource["metadata"]
    try:
        return api.patch_json(path, [{"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
                                     *changes(resource.get("status") or {}, fields)])
    except errors.NotFound as gone:
        raise errors.Conflict(f"{metadata['name']} is gone") from gone
    except errors.Rejected as refusal:
        now = _uid(api, path)
        if now != metadata["uid"]:
            raise errors.Conflict(f"{metadata['name']} was made anew meanwhile") from refusal
        raise


def changes(former: Mapping[str, Any], fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The operations of a JSON patch that set these fields of a status; None removes one. former: the status so far."""
    return [{"op": "add", "path": f"/status/{field}", "value": value} if value is not None
            else {"op": "remove", "path": f"/status/{field}"}
            for field, value in fields.items() if value is not None or field in former]


def _uid(api: Api, path: str) -> str | None:
    try:
        return str(api.get(path)["metadata"]["uid"])
    except errors.NotFound:
        return None
