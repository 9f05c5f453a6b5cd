"""The API as another service account of ours, by a token that lives for minutes."""

from __future__ import annotations

from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.model.resources import Resource

TOKEN_SECONDS = 600
"""The shortest life that the API server gives a token."""


def acting_as(api: Api, namespace: str, account: str) -> Api:
    """The API as service account ``account`` of ``namespace``, for some minutes.

    Raises NotFound, Forbidden, ApiError.
    """
    path = Resource("", "v1", "serviceaccounts", "ServiceAccount", True).path(namespace, account, "token")
    request: dict[str, Any] = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                               "spec": {"expirationSeconds": TOKEN_SECONDS}}
    try:
        answer = api.create(path, request)
    except errors.NotFound as missing:
        raise errors.NotFound(
            f"service account {namespace}/{account} does not exist", status=missing.status,
            hint='"kubectl ark install" makes it') from missing
    return api.bearing(str(answer["status"]["token"]))
