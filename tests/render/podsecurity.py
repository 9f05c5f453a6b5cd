"""Pod Security Standard "restricted" as a pure function (pod-security-admission/policy, Kubernetes 1.34)."""

from __future__ import annotations

from typing import Any

_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected",
            "secret"}


def violations(spec: dict[str, Any]) -> list[str]:
    """What level "restricted" would say about a pod's spec; empty if it passes."""
    found = [f"{field} is set" for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)]
    pod = spec.get("securityContext") or {}
    for volume in spec.get("volumes") or []:
        if not set(volume) - {"name"} <= _VOLUMES:
            found.append(f"volume {volume['name']} is {sorted(set(volume) - {'name'})}")
    for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
        name, own = container["name"], container.get("securityContext") or {}
        both = {**pod, **own}
        if own.get("allowPrivilegeEscalation") is not False:
            found.append(f"{name}: allowPrivilegeEscalation")
        if own.get("privileged"):
            found.append(f"{name}: privileged")
        if "ALL" not in (own.get("capabilities") or {}).get("drop", []):
            found.append(f"{name}: capabilities are not dropped")
        if set((own.get("capabilities") or {}).get("add", [])) - {"NET_BIND_SERVICE"}:
            found.append(f"{name}: capabilities are added")
        if both.get("runAsNonRoot") is not True or both.get("runAsUser") == 0:
            found.append(f"{name}: may run as root")
        if (both.get("seccompProfile") or {}).get("type") not in ("RuntimeDefault", "Localhost"):
            found.append(f"{name}: no seccomp profile")
        if any(port.get("hostPort") for port in container.get("ports") or []):
            found.append(f"{name}: hostPort")
    return found
