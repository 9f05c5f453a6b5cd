"""The namespace of workloads by kubectl's own rule, which is another than Ark's."""

from __future__ import annotations

from kubectl_ark.launch.kubectl import Kubectl


def namespace(kubectl: Kubectl, given: str | None = None) -> str:
    """The one that is given, else the context's, else "default". Raises KubectlFailed."""
    if given:
        return given
    found = kubectl.run("config", "view", "--minify", "-o", "jsonpath={..namespace}").decode().split()
    return found[0] if found else "default"
