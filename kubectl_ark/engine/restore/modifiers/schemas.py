"""How the API server's own types merge: its OpenAPI v3 documents, fetched when a strategic patch needs one."""

from __future__ import annotations

import threading

from kubectl_ark import errors
from kubectl_ark.engine.restore.archive import Type
from kubectl_ark.engine.restore.modifiers.strategic import Schema, Types
from kubectl_ark.kube.api import Api


class Schemas:
    """Thread-safe. One document for each group version that is asked for, of 0.1 to 2 MB, kept for the run."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._types: dict[str, Types] = {}

    def __call__(self, type: Type) -> tuple[Types, Schema]:
        """What is needed to merge into this type. Raises ValueError for one that has no merge keys, ApiError.

        Custom resources have none: the API server refuses strategic patches for them too.
        """
        group, _, version = type.api_version.rpartition("/")
        with self._lock:
            types = self._types.get(type.api_version)
            if types is None:
                path = f"/openapi/v3/apis/{group}/{version}" if group else f"/openapi/v3/api/{version}"
                try:
                    document = self._api.get(path)
                except errors.NotFound:
                    document = {}
                types = self._types[type.api_version] = Types((document.get("components") or {}).get("schemas") or {})
        schema = types.kind(group, version, type.kind)
        if schema is None:
            raise ValueError(f"{type.kind} is not a kind of Kubernetes itself, so a strategic patch has no keys to go "
                             "by: use a merge patch")
        return types, schema
