"""Who asked for a run, and with what: annotations that the run's object carries from birth, into the bucket too."""

from __future__ import annotations

from typing import Any

from kubectl_ark import __version__
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import labels

_REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def user(kubectl: Kubectl) -> str | None:
    """The user as the API server knows him, impersonated or not; None where it does not say."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        return str(kubectl.create(_REVIEWS, review)["status"]["userInfo"]["username"])
    except (KubectlError, KeyError):
        return None


def signed(kubectl: Kubectl, resource: dict[str, Any]) -> dict[str, Any]:
    """The CR with these annotations. Where nobody knows the user there is none about him, whatever a file says."""
    metadata = resource["metadata"]
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != labels.REQUESTER}
    annotations[labels.PLUGIN_VERSION] = __version__
    if (requester := user(kubectl)) is not None:
        annotations[labels.REQUESTER] = requester
    return {**resource, "metadata": {**metadata, "annotations": annotations}}
