"""The object in Ark's namespace on which all hangs that a run makes there: it goes when that goes."""

from __future__ import annotations

import dataclasses
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.model.resources import Resource


@dataclasses.dataclass(frozen=True)
class Parent:
    """A Backup, a Restore, or the Job of a Restik. component: "backup", "restore", "restik"."""

    resource: Resource
    namespace: str
    name: str
    uid: str
    component: str

    @property
    def reference(self) -> dict[str, Any]:
        """For the ownerReferences of what belongs to it."""
        return {"apiVersion": self.resource.api_version, "kind": self.resource.kind, "name": self.name,
                "uid": self.uid}

    def is_gone(self, api: Api) -> bool:
        """Whether it is deleted, or being so, or made anew. False where the API server does not say."""
        try:
            now = api.get(self.resource.path(self.namespace, self.name))
        except errors.NotFound:
            return True
        except errors.ArkError:
            return False
        return bool(now["metadata"]["uid"] != self.uid or now["metadata"].get("deletionTimestamp"))
